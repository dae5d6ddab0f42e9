"""Object masks and people left out, against the truth of rendered recordings, hard cases of their own.

    python benchmarks/masks.py [--recordings 4] [--cases usual fills leaves mitten fingers] [--pictures FOLDER]

usual: the object in its room; fills: furniture larger than the image; leaves: the image is cut so that what moves leaves
it; mitten and fingers: a hand moves the part. Recordings are those of the test seeds, with depth noise and drifting poses.
"""

import dataclasses
import time
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import tyro
from jaxtyping import Bool

from sim2art.dataset.splits import VALIDATION
from sim2art.geometry.transforms import inverse
from sim2art.perception.cameras.klt_pnp import track_camera
from sim2art.perception.cameras.poses import find_poses
from sim2art.perception.captures.capture import MemoryCapture
from sim2art.perception.chosen_flow import coarse_starts
from sim2art.perception.components import Choice
from sim2art.perception.depth.filter import smooth_depth
from sim2art.perception.flow.dis import DisFlow, map_in_threads
from sim2art.perception.flow.lifted_flow import measure_flows
from sim2art.perception.frames.intake import take_in
from sim2art.perception.masks.choice import FramesWithMotion, choose_masks
from sim2art.perception.masks.moving import find_moving
from sim2art.perception.people.choice import leave_out_people
from sim2art.perception.pipeline import ObserveOptions
from sim2art.perception.used_frames import pick_frames
from sim2art.provenance import collect_provenance
from sim2art.simulate.recordings import RecordingConfig, SimulatedRecording, render_recording

Case = Literal["usual", "fills", "leaves", "mitten", "fingers"]
USUAL = RecordingConfig(num_frames=36, width=400, height=300, supersampling=1, hand_share=0.0)
CASES: dict[Case, RecordingConfig] = {
    "usual": USUAL,
    "fills": dataclasses.replace(USUAL, camera=dataclasses.replace(USUAL.camera, fill=(1.7, 2.4))),
    "leaves": USUAL,
    "mitten": dataclasses.replace(USUAL, hand_share=1.0),
    "fingers": dataclasses.replace(USUAL, hand_share=1.0, hand_style="fingers"),
}
COLUMNS = ("moving held", "object held", "IoU", "hand in mask", "people recall", "precision", "moving lost")


def main(
    *,
    recordings: int = 4,
    cases: tuple[Case, ...] = ("usual", "fills", "leaves", "mitten", "fingers"),
    pictures: Path | None = None,
) -> None:
    """Print a table, one line a case and mask component.

    Args:
        recordings: Of each case.
        cases: Which.
        pictures: Folder for a picture of each recording: masks green, people red.
    """
    found = collect_provenance()
    print(f"commit {found['commit']}, {found['machine']}, {recordings} recordings of each case")
    print(f"{'case':<9}{'mask':<8}" + "".join(f"{column:>15}" for column in COLUMNS))
    for case in cases:
        rows: dict[str, list[list[float]]] = {"auto": [], "motion": []}
        start = time.process_time()
        for seed in VALIDATION.seeds("tune")[:recordings]:
            for mask, row in measure(case, seed, pictures).items():
                rows[mask].append(row)
        for mask, values in rows.items():
            with np.errstate(all="ignore"):
                means = np.nanmean(np.array(values), axis=0) if values else np.full(len(COLUMNS), np.nan)
            cells = "".join(f"{'-' if np.isnan(mean) else f'{mean:.3f}':>15}" for mean in means)
            print(f"{case:<9}{mask:<8}{cells}", flush=True)
        print(f"{'':<9}{time.process_time() - start:.0f} CPU s", flush=True)


def measure(case: Case, seed: int, pictures: Path | None) -> dict[str, list[float]]:
    """The columns of the table for one recording, by mask component."""
    recording = render_recording(CASES[case], seed)
    window = _window(recording) if case == "leaves" else (0, recording.images.shape[2])
    cut = slice(*window)
    k = recording.intrinsics.copy()
    k[0, 2] -= window[0]
    capture = MemoryCapture(
        images=recording.images[:, :, cut], depths=recording.depths[:, :, cut], times=recording.times, intrinsics=k,
        world_from_camera=recording.world_from_camera,
    )  # fmt: skip
    options = ObserveOptions()
    posed = find_poses(take_in(capture, options.intake), track_camera)
    frames, profile = pick_frames(posed, options)
    taken = posed.recording
    poses = inverse(posed.world_from_camera[frames[0]]) @ posed.world_from_camera[frames]
    images = np.array([taken.read_image(int(frame)) for frame in frames])
    depths = np.array(map_in_threads(smooth_depth, [taken.read_depth(int(frame)) for frame in frames]))
    flows = measure_flows(
        taken.grays[frames], depths, k, poses, image_flow=DisFlow(), baselines=options.baselines,
        starts=coarse_starts(frames, profile, taken, options.baselines),
    )  # fmt: skip
    moving = find_moving(depths, flows, k, poses)
    ids = tuple(int(i) for i in taken.indices[frames])
    seen = FramesWithMotion(
        images=images, depths=depths, flows=flows, moving=moving, intrinsics=k, world_from_camera=poses
    )
    people = leave_out_people(seen, choice=Choice(name="auto"), frame_ids=ids)
    seen = dataclasses.replace(seen, depths=people.see(depths), moving=people.without(moving), flows=people.drop(flows))
    rows = {}
    used = taken.indices[frames]
    hand = (recording.stage.bodies == recording.stage.hand_body)[used][:, :, cut]
    whole, parts = recording.object_masks[used][:, :, cut], recording.part_images[used][:, :, cut] > 0
    for name in ("auto", "motion"):
        masks = choose_masks(
            seen, choice=Choice(name=name), frame_ids=ids, box=None, crop_factor=options.crop_factor
        ).masks
        rows[name] = [
            _share(masks, parts),
            _share(masks, whole),
            float((masks & whole).sum() / max((masks | whole).sum(), 1)),
            _share(masks, hand),
            _share(people.masks, hand),
            _share(hand, people.masks),
            _share(people.masks, parts),
        ]
        if pictures is not None and name == "auto":
            _draw(pictures / f"{case}-{seed}.png", images, masks, people.masks)
    return rows


def _share(of: Bool[np.ndarray, "..."], within: Bool[np.ndarray, "..."]) -> float:
    """Share of the pixels of the second mask that the first holds; NaN when there are none."""
    return float(of[within].mean()) if within.any() else float("nan")


def _window(recording: SimulatedRecording) -> tuple[int, int]:
    """Columns to keep so that half of what moves most is outside in the end."""
    width = recording.images.shape[2]
    columns = np.nonzero(recording.part_images[-len(recording.times) // 4 :] > 0)[2]
    middle = int(np.median(columns)) if len(columns) else width
    return (0, max(middle, width // 3)) if middle > width // 2 else (min(middle, 2 * width // 3), width)


def _draw(path: Path, images: np.ndarray, masks: np.ndarray, people: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = images.copy()
    shown[masks] = shown[masks] // 2 + np.array([0, 90, 0], np.uint8)
    shown[people] = shown[people] // 2 + np.array([120, 0, 0], np.uint8)
    some = np.linspace(0, len(images) - 1, 4).astype(int)
    cv2.imwrite(str(path), np.hstack(list(shown[some]))[..., ::-1])


if __name__ == "__main__":
    tyro.cli(main)
