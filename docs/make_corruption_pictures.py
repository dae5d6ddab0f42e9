"""Make the pictures of docs/data_engine.md that show each effect of the corruption alone, before and after.

python docs/make_corruption_pictures.py            # all of them
python docs/make_corruption_pictures.py depth      # one of: depth, masks, flow, poses, points
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sim2art.dataset.clip import Clip
from sim2art.geometry.cameras import unproject
from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.corruption import CORRUPTION_PAPER, CORRUPTION_REAL, EFFECTS, CorruptionConfig, Range, keep_only
from sim2art.simulate.generate import ClipConfig, add_white_noise, generate_clip
from sim2art.simulate.measured_flow import MeasuredFlow, sample_flow_errors
from sim2art.simulate.scenario import ScenarioConfig, sample_scenario
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_masks, corrupt_poses
from sim2art.simulate.stage import StageFrames, render_stage
from sim2art.view.contact_sheet import draw_contact_sheet

FOLDER = Path(__file__).resolve().parent / "images"
SIZE = 192
FRAME, LATER = 5, 3  # Frame shown, and how many frames later its flow ends.
STRONG: dict[str, Range | float] = {
    "depth.quantum": 0.01,
    "mask.shift": 6.0,
    "mask.leak_share": 1.0,
    "mask.hole_share": 1.0,
    "flow.smooth": (1.5, 1.5),
    "flow.growth": (0.15, 0.15),
    "flow.blur": (0.5, 0.5),
    "flow.outliers": (0.08, 0.08),
}
"""Effects shown stronger than they ever are, so that they can be seen; the others at the upper end of their range."""
NEEDS = {"flow.slide": "flow.textureless", "flow.missed": "flow.outliers"}
"""Effects that show only with another one."""


def main() -> None:
    """Draw what the command line asks for."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        path = FOLDER / f"data_{name}.png"
        PICTURES[name]().quantize(160).save(path, optimize=True)
        print(path)


def draw_depth() -> Image.Image:
    """Error of the depth, effect by effect: orange is too far, blue too near, white a hole."""
    stage = _stage()
    panels = [("before: depth", _grey(stage.depths[FRAME]))]
    for effect in EFFECTS["depth"]:
        panels.append((effect, _depth_error(stage, _alone(effect))))
    panels.append(("all, as in a clip", _depth_error(stage, CORRUPTION_REAL)))
    return draw_contact_sheet(panels, columns=6)


def draw_masks() -> Image.Image:
    """The same frame with its mask before and after."""
    stage = _stage()
    masks = (stage.bodies >= 0) & (stage.bodies < stage.num_links)
    panels = []
    for effect in EFFECTS["mask"]:
        config = _alone(effect).mask
        assert config is not None
        changed = corrupt_masks(masks, stage.bodies == stage.room_body, config, named_rng(6, effect))
        frame = int(np.argmax((changed != masks).sum(axis=(1, 2))))
        panels += [("before", _over(stage, masks[frame], frame)), (effect, _over(stage, changed[frame], frame))]
    return draw_contact_sheet(panels, columns=6)


def draw_flow() -> Image.Image:
    """Length of the measured flow, effect by effect; grey where the chain refuses it."""
    stage = _stage()
    panels = [("before: true flow, 0-12 cm", _flow_picture(stage, None, ""))]
    for effect in EFFECTS["flow"]:
        panels.append((effect, _flow_picture(stage, _alone(effect, *filter(None, [NEEDS.get(effect)])), effect)))
    panels.append(("all, as in a clip", _flow_picture(stage, CORRUPTION_REAL, "")))
    return draw_contact_sheet(panels, columns=6)


def draw_poses() -> Image.Image:
    """Error of the camera's place (blue, 0-2.5 cm) and direction (orange, 0-0.5 degrees) frame by frame; when frames are taken."""
    stage = _stage()
    distance = float(np.median(stage.depths[stage.bodies < stage.num_links]))
    panels = []
    for name, effects in (("before", ()), ("poses.drift", ("poses.drift",)), ("poses.jitter", ("poses.jitter",))):
        config = _alone(*effects).poses
        poses = stage.world_from_camera
        if config is not None:
            config = dataclasses.replace(config, exact_share=0.0)
            poses = corrupt_poses(poses, distance, config, named_rng(4, name), 1.0)
        error = inverse(stage.world_from_camera) @ poses
        place = np.linalg.norm(error[:, :3, 3], axis=1) / 0.025
        turn = np.rad2deg(np.linalg.norm(rotvec_from_rotation(error[:, :3, :3]), axis=-1)) / 0.5
        panels.append((name, _curves([(place, (40, 90, 220)), (turn, (235, 120, 20))])))
    for name, share in (("before: times of frames", 0.0), ("frames", 1.0)):
        config = ScenarioConfig(families=("laptop",), num_frames=16, dropped_share=share, has_room=False)
        panels.append((name, _ticks(sample_scenario(config, 3).trajectory.times)))
    return draw_contact_sheet(panels, columns=5)


def draw_points() -> Image.Image:
    """Points of a clip from above, with their flow: clean, with the paper's white noise, and as real sensors give them."""
    config = ClipConfig(families=("door_drawer_cabinet",), room_share=0.0, num_frames=8, num_points=3000)
    groups = ("depth", "mask", "poses", "flow", "hand")
    clean = generate_clip(dataclasses.replace(config, without=groups), 12)
    panels = [("before: clean", _from_above(clean, clean))]
    for effect in EFFECTS["white_noise"]:
        noise = _alone(effect, of=CORRUPTION_PAPER).white_noise
        assert noise is not None
        noisy = add_white_noise(clean.video, noise, named_rng(8, effect))
        panels.append((effect, _from_above(dataclasses.replace(clean, video=noisy), clean)))
    for name, changes in (("paper", {"corruption": "paper"}), ("real, no hand", {"without": ("hand",)})):
        panels.append((name, _from_above(generate_clip(dataclasses.replace(config, **changes), 12), clean)))
    return draw_contact_sheet(panels, columns=5)


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "depth": draw_depth,
    "masks": draw_masks,
    "flow": draw_flow,
    "poses": draw_poses,
    "points": draw_points,
}


def _alone(*effects: str, of: CorruptionConfig = CORRUPTION_REAL) -> CorruptionConfig:
    """A corruption with these effects only, strong enough to be seen."""
    config = keep_only(of, effects)
    for effect in effects:
        group, _, name = effect.partition(".")
        values = getattr(config, group)
        full = getattr(values, name)
        strong = STRONG.get(effect, (full[1], full[1]) if isinstance(full, tuple) else full)
        config = dataclasses.replace(config, **{group: dataclasses.replace(values, **{name: strong})})
    return config


def _stage() -> StageFrames:
    """The scene that effects are shown on."""
    config = ScenarioConfig(families=("door_drawer_cabinet",), num_frames=16, width=SIZE, height=SIZE, is_enclosed=True)
    return render_stage(sample_scenario(config, 12))


def _grey(depths: np.ndarray) -> np.ndarray:
    near, far = np.percentile(depths[depths > 0], [1, 99])
    shade = np.clip(1 - (depths - near) / (far - near), 0, 1) * (depths > 0)
    return np.repeat((30 + 210 * shade).astype(np.uint8)[..., None], 3, axis=-1)


def _depth_error(stage: StageFrames, config: CorruptionConfig) -> np.ndarray:
    """Blue below, black at, orange above zero, full at 1 cm; white for holes."""
    assert config.depth is not None
    noisy = corrupt_depths(stage.depths, config.depth, named_rng(7, "depth"), 1.0)[FRAME]
    share = np.clip((noisy - stage.depths[FRAME]) / 0.01, -1, 1)
    picture = np.stack([np.maximum(share, 0), 0.35 * np.abs(share), np.maximum(-share, 0)], axis=-1)
    picture = (20 + 235 * picture).astype(np.uint8)
    picture[noisy == 0] = 255
    return picture


def _over(stage: StageFrames, mask: np.ndarray, frame: int) -> np.ndarray:
    picture = _grey(stage.depths[frame]) // 2
    picture[mask] = picture[mask] // 2 + np.array([110, 70, 0], dtype=np.uint8)
    return picture


def _flow_picture(stage: StageFrames, config: CorruptionConfig | None, effect: str) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    depths = stage.depths[FRAME].ravel().astype(np.float64)
    points = apply(stage.world_from_camera[FRAME], unproject(stage.intrinsics, pixels.astype(np.float64), depths))
    source = stage.exact_flow()
    if config is not None:
        assert config.flow is not None
        rng = named_rng(9, "flow")
        errors = sample_flow_errors(config.flow, rng, 1.0, SIZE)
        if effect not in ("", "flow.dropped"):  # Refusals come with missing texture; here only what is measured counts.
            errors = dataclasses.replace(errors, refused=0.0)
        source = MeasuredFlow(
            source, depths=stage.depths, world_from_camera=stage.world_from_camera, errors=errors, rng=rng
        )
    flow, valid = source(FRAME, LATER, pixels, points)
    share = np.clip(np.linalg.norm(flow, axis=1) / 0.12, 0, 1)
    picture = np.stack([share, 0.8 * np.sqrt(share) * (1 - 0.5 * share), 0.35 * np.sqrt(share)], axis=1)
    picture = (15 + 240 * picture).astype(np.uint8)
    picture[~valid] = 110
    return picture.reshape(SIZE, SIZE, 3)


def _curves(curves: list[tuple[np.ndarray, tuple[int, int, int]]]) -> np.ndarray:
    """Values from 0 (below) to 1 (above) over the frames."""
    picture = Image.new("RGB", (SIZE, SIZE), (250, 250, 250))
    pen = ImageDraw.Draw(picture)
    pen.line([(12, 12), (12, SIZE - 14), (SIZE - 8, SIZE - 14)], fill=(120, 120, 120))
    for values, color in curves:
        x = np.linspace(12, SIZE - 10, len(values))
        y = SIZE - 15 - np.clip(values, 0, 1) * (SIZE - 30)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=color, width=2)
    return np.asarray(picture)


def _ticks(times: np.ndarray) -> np.ndarray:
    """A line of time with a stroke at each frame."""
    picture = Image.new("RGB", (SIZE, SIZE), (250, 250, 250))
    pen = ImageDraw.Draw(picture)
    pen.line([(10, SIZE // 2), (SIZE - 10, SIZE // 2)], fill=(120, 120, 120))
    for place in 10 + (times - times[0]) / (times[-1] - times[0]) * (SIZE - 20):
        pen.line([(place, SIZE // 2 - 22), (place, SIZE // 2 + 22)], fill=(40, 90, 220), width=2)
    return np.asarray(picture)


def _from_above(clip: Clip, clean: Clip) -> np.ndarray:
    """Points of the middle frame along the camera's y axis, around what moves: grey still, red moving, with their flow."""
    video, frame, index = clip.video, clean.video.num_frames // 2, 1
    known = clean.video.points_world[frame][clean.part_ids[frame] > 0][:, [0, 2]]
    low, high = np.percentile(known, [1, 99], axis=0)
    scale = (SIZE - 40) / float((high - low).max())
    picture = Image.new("RGB", (SIZE, SIZE), (250, 250, 250))
    pen = ImageDraw.Draw(picture)
    starts = (video.points_world[frame][:, [0, 2]] - (low + high) / 2) * scale * [1, -1] + SIZE / 2
    ends = starts + video.flow_world[index, frame][:, [0, 2]] * scale * [1, -1]
    for number, slot in enumerate(np.flatnonzero(video.valid[frame])):
        color = (205, 30, 30) if clip.part_ids[frame, slot] > 0 else (110, 110, 120)
        if number % 8 == 0 and video.flow_valid[index, frame, slot]:
            pen.line([*starts[slot].tolist(), *ends[slot].tolist()], fill=color)
        pen.point(starts[slot].tolist(), fill=color)
    return np.asarray(picture)


if __name__ == "__main__":
    main()
