"""Masks of hands and arms on real clips, against outlines drawn by hand: networks beside rules on colour.

    python benchmarks/hands.py --data FOLDER [--methods networks rules both] [--clips NAME ...] [--frames 16] [--pictures FOLDER]

FOLDER holds `clips/` and `annotations/` (`NAME.json`: size, frames -> outlines of hands); RBO clips may lie in `../rbo`.
Of each clip the annotated frames and others evenly between them are looked at. The rules read depth and flow as well:
depth is our head's, the camera stands still, so clips with a camera that moves are left out of theirs. Clips that are
named `negative_` or whose annotation knows no hands must give no hand at all; `negative_cups` has hands, but no outlines.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tyro
from jaxtyping import Bool, UInt8

from sim2art.perception.cameras.guessed_intrinsics import guess_intrinsics
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.components import Choice
from sim2art.perception.depth.alignment import align_static
from sim2art.perception.depth.filter import smooth_depth
from sim2art.perception.depth.head import HeadDepth
from sim2art.perception.flow.dis import DisFlow, map_in_threads
from sim2art.perception.flow.lifted_flow import measure_flows
from sim2art.perception.frames.intake import working_size
from sim2art.perception.guessed.motion import find_moving_in_images
from sim2art.perception.masks.choice import FramesWithMotion
from sim2art.perception.people.choice import leave_out_people, mask_hands
from sim2art.perception.people.hand_networks import load_hand_networks
from sim2art.provenance import collect_provenance

Method = Literal["networks", "rules", "both"]
SIDE = 640
"""Longer side of the images, as the chain works on them, px."""
FOUND = 0.2
"""Share of a hand's pixels that must be masked for it to count as found."""
WITHOUT_OUTLINES = ("negative_cups",)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Frames of a clip and the hands drawn in some of them."""

    name: str
    images: UInt8[np.ndarray, "frame height width 3"]
    ids: list[int]
    hands: dict[int, Bool[np.ndarray, "height width"]]
    """Frame id -> true pixels; none where there are no hands."""
    is_still: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One frame whose hands are known."""

    shared: int
    true: int
    masked: int

    @property
    def overlap(self) -> float:
        """Intersection over union."""
        return self.shared / max(self.true + self.masked - self.shared, 1)


def main(
    *,
    data: Path,
    methods: tuple[Method, ...] = ("networks",),
    clips: tuple[str, ...] = (),
    frames: int = 16,
    pictures: Path | None = None,
) -> None:
    """Print a line for each clip and the totals of each method.

    Args:
        data: Folder with clips and annotations.
        methods: Which; "both" is the union.
        clips: Only those whose name begins so.
        frames: Of each clip.
        pictures: Folder for a picture of each clip, masks outlined red, drawn hands green.
    """
    cv2.setNumThreads(1)
    found = collect_provenance()
    print(f"commit {found['commit']}, {found['machine']}, {frames} frames a clip, {SIDE} px")
    rows: dict[str, list[Row]] = {method: [] for method in methods}
    spent = dict.fromkeys(methods, 0.0)
    looked = dict.fromkeys(methods, 0)
    names = sorted(path.stem for path in [*(data / "annotations").glob("*.json"), *(data / "clips").glob("negative_*")])
    for name in names:
        if clips and not name.startswith(clips):
            continue
        clip = read_clip(data, name, frames)
        cells = []
        for method in methods:
            if method != "networks" and not clip.is_still:
                continue
            start = time.process_time()
            masks = mask(clip, method)
            spent[method] += time.process_time() - start
            looked[method] += len(masks)
            own = [_row(masks[clip.ids.index(frame)], hands) for frame, hands in clip.hands.items()]
            rows[method] += own
            overlaps = " ".join(f"{row.overlap:.2f}" if row.true else ("-" if not row.masked else "X") for row in own)
            cells.append(f"{method} in {int(masks.any(axis=(1, 2)).sum())}: {overlaps}")
            if pictures is not None:
                pictures.mkdir(parents=True, exist_ok=True)
                _draw(pictures / f"{name}-{method}.jpg", clip, masks)
        print(f"{name:<36}{len(clip.ids)} frames  " + "   ".join(cells), flush=True)
    print(
        f"{'method':<10}{'frames with hands':>18}{'found':>8}{'recall':>8}{'precision':>11}{'IoU':>7}{'without':>9}{'false':>7}{'CPU s/frame':>13}"
    )
    for method in methods:
        print(f"{method:<10}{describe(rows[method])}{spent[method] / max(looked[method], 1):>13.2f}")


def describe(rows: list[Row]) -> str:
    """Counts and means over frames; pixels of hands are counted together for recall and precision."""
    seen, empty = [row for row in rows if row.true], [row for row in rows if not row.true]
    shared = sum(row.shared for row in seen)
    found = sum(row.shared >= FOUND * row.true for row in seen)
    recall, precision = shared / max(sum(row.true for row in seen), 1), shared / max(sum(row.masked for row in seen), 1)
    overlap = float(np.mean([row.overlap for row in seen])) if seen else float("nan")
    false = sum(row.masked > 0 for row in empty)
    return f"{len(seen):>18}{found:>8}{recall:>8.3f}{precision:>11.3f}{overlap:>7.3f}{len(empty):>9}{false:>7}"


def read_clip(data: Path, name: str, frames: int) -> Clip:
    """The clip's frames, with the annotated ones among them."""
    places = [*(data / "clips").glob(f"{name}.*"), *(data.parent / "rbo").glob(f"{name.removeprefix('rbo_')}.*")]
    capture = open_recording(places[0])
    file = data / "annotations" / f"{name}.json"
    annotation: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"frames": {}, "hands": False}
    position = {frame: index for index, frame in enumerate(capture.frame_ids)}
    drawn = {position[int(frame)]: content for frame, content in annotation["frames"].items() if int(frame) in position}
    spread = np.linspace(0, len(position) - 1, max(frames - len(drawn), 0)).round().astype(int)
    used = sorted({*drawn, *(int(index) for index in spread)})
    images = []
    for index in used:
        image = capture.read_image(index)
        size = working_size((image.shape[1], image.shape[0]), SIDE)
        images.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    shape = images[0].shape[:2]
    if annotation["hands"]:
        hands = {index: _fill(content.get("hand") or [], annotation["size"], shape) for index, content in drawn.items()}
    else:
        # What is outlined in a clip without hands is what moves the part.
        hands = {} if name in WITHOUT_OUTLINES else {index: np.zeros(shape, dtype=bool) for index in used}
    is_still = annotation.get("camera", "moving") == "still"
    return Clip(name=name, images=np.array(images), ids=used, hands=hands, is_still=is_still)


def mask(clip: Clip, method: Method) -> Bool[np.ndarray, "frame height width"]:
    """Hands and arms by one method."""
    if method == "rules":
        return _by_rules(clip)
    networks = load_hand_networks(required=True)
    assert networks is not None, "Required networks are there or an error was raised."
    masks = mask_hands(clip.images, networks).masks
    return masks | _by_rules(clip) if method == "both" else masks


def _by_rules(clip: Clip) -> Bool[np.ndarray, "frame height width"]:
    """The rules on colour, motion and the border, with depth by our head before a camera that stands still."""
    estimator = HeadDepth(None)
    guesses = [estimator(image, frame) for image, frame in zip(clip.images, clip.ids, strict=True)]
    grays = np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in clip.images])
    depths = np.array(map_in_threads(smooth_depth, list(align_static(guesses, grays))))
    k = guess_intrinsics(None, guesses, grays.shape[1:], [])
    poses = np.tile(np.eye(4), (len(depths), 1, 1))
    flows = measure_flows(grays, depths, k, poses, image_flow=DisFlow(), baselines=(1, 2))
    moving = find_moving_in_images(depths, flows, k, poses)
    frames = FramesWithMotion(
        images=clip.images, depths=depths, flows=flows, moving=moving, intrinsics=k, world_from_camera=poses
    )
    choice = Choice(name="skin")
    return leave_out_people(frames, choice=choice, frame_ids=tuple(clip.ids), depth_is_guessed=True).masks


def _fill(outlines: list[list[list[float]]], size: list[int], shape: tuple[int, ...]) -> Bool[np.ndarray, "h w"]:
    filled = np.zeros((size[1], size[0]), np.uint8)
    for outline in outlines:
        if len(outline) > 2:
            cv2.fillPoly(filled, [np.array(outline, np.int32)], 1)
    return cv2.resize(filled, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST) > 0


def _row(masked: Bool[np.ndarray, "height width"], true: Bool[np.ndarray, "height width"]) -> Row:
    return Row(shared=int((masked & true).sum()), true=int(true.sum()), masked=int(masked.sum()))


def _draw(path: Path, clip: Clip, masks: Bool[np.ndarray, "frame height width"]) -> None:
    """Annotated frames, else four of all."""
    cells = []
    shown = [frame for frame, hands in clip.hands.items() if hands.any()] or clip.ids[:: max(1, len(clip.ids) // 4)]
    for frame in shown[:4]:
        index = clip.ids.index(frame)
        cell = clip.images[index].copy()
        drawn = clip.hands[frame] if frame in clip.hands else masks[index]
        for pixels, color in ((drawn, (0, 220, 0)), (masks[index], (255, 0, 0))):
            lines, _ = cv2.findContours(pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(cell, lines, -1, color, 2)
        cells.append(cell)
    cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(cells, axis=1), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    tyro.cli(main)
