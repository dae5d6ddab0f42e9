"""Make the pictures of docs/data_engine.md.

python docs/make_data_pictures.py            # all of them
python docs/make_data_pictures.py depth      # one of: objects, real_mesh, depth, masks, flow, hands
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim2art.assets.library import make_asset
from sim2art.assets.procedural import FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.simulate.contact_sheet import draw_contact_sheet, draw_object, sample_joint_values
from sim2art.simulate.corruption import CORRUPTION_REAL, DepthNoise, FlowNoise, MaskNoise
from sim2art.simulate.measured_flow import MeasuredFlow, draw_flow_errors
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.simulate.scenario import Scenario, ScenarioConfig, sample_scenario
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_masks
from sim2art.simulate.stage import StageFrames, render_stage

FOLDER = Path(__file__).resolve().parent / "images"
SIZE = 192
OFF = (1e-9, 1e-9)
FRAME, LATER = 5, 3  # Frame shown, and how many frames later its flow ends.


def main() -> None:
    """Draw what the command line asks for."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        path = FOLDER / f"data_{name}.png"
        PICTURES[name]().quantize(160).save(path, optimize=True)
        print(path)


def draw_objects() -> Image.Image:
    """One object of each family of ours."""
    return _sheet(tuple(FAMILIES), columns=9)


def draw_real_meshes() -> Image.Image:
    """The objects of the real-mesh sets."""
    return _sheet(tuple(REAL_MESHES), columns=9)


def draw_depth() -> Image.Image:
    """Error of the depth, effect by effect: blue is too near, red too far, white a hole."""
    stage = _stage()[1]
    off = DepthNoise(
        **{field.name: OFF for field in dataclasses.fields(DepthNoise) if field.name != "quantum"}, quantum=1e-6
    )
    full = CORRUPTION_REAL.depth
    assert full is not None
    effects: dict[str, dict[str, Any]] = {
        "scale 1.2 %": {"scale": (0.012, 0.012)},
        "tilt": {"tilt": (0.0012, 0.0012)},
        "warp": {"warp": (0.006, 0.006)},
        "noise": {"noise": (0.0014, 0.0014), "noise_floor": (0.0004, 0.0004)},
        "edges": {"edge": (0.5, 0.5)},
        "holes": {"holes": (0.06, 0.06)},
        "quantum": {"quantum": 0.01},
    }
    panels = [("depth", _grey(stage.depths[FRAME]))]
    for name, change in effects.items():
        noisy = corrupt_depths(stage.depths, dataclasses.replace(off, **change), named_rng(7, name), 1.0)
        panels.append((f"{name}, +-1 cm", _signed(noisy[FRAME] - stage.depths[FRAME], 0.01, noisy[FRAME] == 0)))
    noisy = corrupt_depths(stage.depths, full, named_rng(7, "all"), 1.0)
    panels.append(("a clip, +-1 cm", _signed(noisy[FRAME] - stage.depths[FRAME], 0.01, noisy[FRAME] == 0)))
    return draw_contact_sheet(panels, columns=5)


def draw_masks() -> Image.Image:
    """Object masks as they are and as they come."""
    stage = _stage()[1]
    masks = (stage.bodies >= 0) & (stage.bodies < stage.num_links)
    background = stage.bodies == stage.room_body
    panels = [("mask", _over(stage, masks[FRAME], FRAME))]
    none = MaskNoise(shift=0.0, leak_share=0.0, hole_share=0.0)
    effects = {
        "shrunk or grown": dataclasses.replace(none, shift=6.0),
        "leaks": dataclasses.replace(none, leak_share=1.0),
        "pieces missing": dataclasses.replace(none, hole_share=1.0),
    }
    for name, config in effects.items():
        changed = corrupt_masks(masks, background, config, named_rng(6, name))
        frame = int(np.argmax((changed != masks).sum(axis=(1, 2))))
        panels.append((name, _over(stage, changed[frame], frame)))
    return draw_contact_sheet(panels, columns=4)


def draw_flow() -> Image.Image:
    """Length of the measured flow, effect by effect; grey where the chain refuses it."""
    stage = _stage()[1]
    off = FlowNoise(**{field.name: OFF for field in dataclasses.fields(FlowNoise)})
    full = CORRUPTION_REAL.flow
    assert full is not None
    effects: dict[str, dict[str, Any]] = {
        "smooth error": {"smooth": (1.5, 1.5), "growth": (0.1, 0.1)},
        "part borders wander": {"smear": (3.5, 3.5)},
        "blur": {"blur": (0.5, 0.5)},
        "no texture": {"textureless": (0.6, 0.6)},
        "slides along edges": {"textureless": (0.6, 0.6), "slide": (8.0, 8.0)},
        "outliers unnoticed": {"outliers": (0.08, 0.08), "missed": (0.9, 0.9)},
        "matches refused": {"dropped": (0.45, 0.45)},
    }
    panels = [("true flow, 0-12 cm", _flow_picture(stage, None))]
    for name, change in effects.items():
        panels.append((name, _flow_picture(stage, dataclasses.replace(off, **change))))
    panels.append(("a clip", _flow_picture(stage, full)))
    return draw_contact_sheet(panels, columns=5)


def draw_hands() -> Image.Image:
    """Recordings with hands: mittens, as the sets of recordings have them, and fingered ones."""
    panels = []
    for style, family, seed in (
        ("mitten", "microwave", 21),
        ("fingers", "microwave", 12),
        ("fingers", "laptop", 14),
    ):
        config = RecordingConfig(
            families=(family,), num_frames=9, width=256, height=192, hand_share=1.0, hand_style=style
        )
        recording = render_recording(config, seed)
        panels += [(f"{style}, frame {frame}", _square(recording.images[frame])) for frame in (1, 4, 7)]
    return draw_contact_sheet(panels, columns=9)


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "objects": draw_objects,
    "real_mesh": draw_real_meshes,
    "depth": draw_depth,
    "masks": draw_masks,
    "flow": draw_flow,
    "hands": draw_hands,
}


def _sheet(names: tuple[str, ...], *, columns: int) -> Image.Image:
    pictures = []
    for name in names:
        rng = named_rng(1, name)
        drawn = make_asset(name, rng)
        pictures.append((name.removeprefix("real:"), draw_object(drawn, sample_joint_values(drawn, rng), size=128)))
    return draw_contact_sheet(pictures, columns=columns)


def _stage() -> tuple[Scenario, StageFrames]:
    """The scene that corruptions are shown on."""
    config = ScenarioConfig(families=("door_drawer_cabinet",), num_frames=16, width=SIZE, height=SIZE, is_enclosed=True)
    scenario = sample_scenario(config, 12)
    return scenario, render_stage(scenario)


def _grey(depths: np.ndarray) -> np.ndarray:
    near, far = np.percentile(depths[depths > 0], [1, 99])
    shade = np.clip(1 - (depths - near) / (far - near), 0, 1) * (depths > 0)
    return np.repeat((30 + 210 * shade).astype(np.uint8)[..., None], 3, axis=-1)


def _signed(errors: np.ndarray, most: float, is_hole: np.ndarray) -> np.ndarray:
    """Blue below, black at, red above zero; white for holes."""
    share = np.clip(errors / most, -1, 1)
    picture = np.stack([np.maximum(share, 0), 0.35 * np.abs(share), np.maximum(-share, 0)], axis=-1)
    picture = (20 + 235 * picture).astype(np.uint8)
    picture[is_hole] = 255
    return picture


def _over(stage: StageFrames, mask: np.ndarray, frame: int) -> np.ndarray:
    picture = _grey(stage.depths[frame]) // 2
    picture[mask] = picture[mask] // 2 + np.array([110, 70, 0], dtype=np.uint8)
    return picture


def _flow_picture(stage: StageFrames, noise: FlowNoise | None) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    depths = stage.depths[FRAME].ravel().astype(np.float64)
    points = apply(stage.world_from_camera[FRAME], unproject(stage.intrinsics, pixels.astype(np.float64), depths))
    source = stage.exact_flow()
    if noise is not None:
        rng = named_rng(9, "flow")
        errors = draw_flow_errors(noise, rng, 1.0, SIZE)
        if noise.dropped == OFF:  # Refusals come with missing texture; here only what is measured is of interest.
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


def _square(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    left = (width - height) // 2
    return image[:, left : left + height]


if __name__ == "__main__":
    main()
