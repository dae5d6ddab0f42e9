"""Cameras solved from colour alone: how many, and how well.

    OMP_NUM_THREADS=1 python benchmarks/colour_cameras.py [--set real-mesh-rgb] [--num 36]

Every second frame of rendered recordings whose camera moves, the focal length left to COLMAP. A camera's error is that of its turn
since the first solved frame; of a recording the median over its solved frames is shown.
"""

import time
from pathlib import Path

import cv2
import numpy as np
import tyro

from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.perception.cameras.colmap_cameras import solve_cameras
from sim2art.perception.cameras.view_change import judge_view_change
from sim2art.perception.captures.pose_checks import stands_still
from sim2art.perception.tracks.klt_tracks import CornerTracks, track_corners
from sim2art.perception.tracks.mover_masks import find_moving_tracks, find_still_pixels
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName
from sim2art.simulate.recordings import RecordingConfig, render_recording

STEP = 2
ENOUGH = 0.5
"""Share of the frames below which the chain does without COLMAP."""


def main(*, set: SetName = "real-mesh-rgb", num: int = 36) -> None:
    """Print a line a recording, and a summary.

    Args:
        set: A set of recordings.
        num: How many, from the first on.
    """
    facts = collect_provenance()
    print(f"commit {facts['commit'][:12]}, {facts['machine']}, {set}, {num} recordings", flush=True)
    print(f"{'':28s}{'view':>8s}{'solved':>8s}{'deg':>8s}{'focal':>8s}")
    chosen = EvaluationSet.choose(set, num=num)
    rows: list[list[float]] = []
    seconds = 0.0
    for seed in chosen.seeds:
        families = chosen.families(seed)
        recording = render_recording(RecordingConfig(families=families), seed)
        poses = recording.stage.world_from_camera[::STEP]
        if stands_still(poses):
            continue
        grays = np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in recording.images[::STEP]])
        begin = time.process_time()
        everywhere = np.ones(grays.shape[1:], np.float32)
        tracks = track_corners(grays, lambda _, whole=everywhere: whole)
        moving = find_moving_tracks(tracks, len(grays))
        still = find_still_pixels(tracks, grays, moving)
        view = judge_view_change(tracks, moving, (grays.shape[1], grays.shape[2]), len(grays))
        row = _solve(grays, still, tracks, moving, poses, recording.intrinsics[0, 0])
        seconds += time.process_time() - begin
        rows.append(row)
        name = f"{seed} {', '.join(families)}"
        print(f"{name:28s}{view:>8s}{row[0]:8.0%}{row[1]:8.2f}{row[2]:8.2f}", flush=True)
    found = np.array(rows)
    errors = found[found[:, 0] >= ENOUGH, 1]
    print(
        f"{len(errors)} of {len(found)} solved; turns off by {np.median(errors):.2f} deg in the median, {errors.max():.2f} at worst; "
        f"{seconds / len(found):.1f} CPU s a recording"
    )


def _solve(
    grays: np.ndarray, still: np.ndarray, tracks: CornerTracks, moving: np.ndarray, poses: np.ndarray, focal: float
) -> list[float]:
    """Share of the frames that were solved, the median error of their turns (deg), the focal length over the true one."""
    try:
        cameras = solve_cameras(grays, still, tracks, moving, None, Path("clip"))
    except InvalidFileError:
        return [0.0, float("nan"), float("nan")]
    frames = np.flatnonzero(cameras.solved)
    true, found = (all_poses[frames, :3, :3] for all_poses in (poses, cameras.world_from_camera))
    off = np.swapaxes(true[0].T @ true, -1, -2) @ (found[0].T @ found)
    turns = np.rad2deg(np.linalg.norm(rotvec_from_rotation(off), axis=-1))
    return [float(cameras.solved.mean()), float(np.median(turns)), float(cameras.intrinsics[0, 0] / focal)]


if __name__ == "__main__":
    tyro.cli(main)
