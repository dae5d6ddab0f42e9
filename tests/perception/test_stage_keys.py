"""Kept stages are used again when, and only when, what they depend on is as it was."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim2art.perception.completion import CompleteOptions
from sim2art.perception.frames.intake import IntakeOptions
from sim2art.perception.pipeline import ObserveOptions
from sim2art.perception.stage_keys import camera_facts, observation_facts
from sim2art.reconstruction.estimates import still_estimate
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct
from tests.perception.sliding_scene import render_scene, write_scene

NOT_OF_CAMERAS = [
    {"mask": "motion"}, {"people": "none"}, {"num_frames": 8}, {"num_points": 500}, {"seed": 3}, {"box": (1, 2, 30, 40)},
    {"make_rigid": False}, {"crop_factor": 2.0},
]  # fmt: skip
OF_CAMERAS = [
    {"cameras": "klt"}, {"depth": "da2"}, {"marker": 0.1}, {"known_length": "1,1,50,50=0.4"},
    {"intake": IntakeOptions(max_frames=30)}, {"complete": CompleteOptions(fov_deg=50)},
]  # fmt: skip


@pytest.mark.parametrize("change", NOT_OF_CAMERAS)
def test_cameras_do_not_depend_on_what_comes_after_them(change: dict[str, Any]) -> None:
    plain, other = ObserveOptions(), dataclasses.replace(ObserveOptions(), **change)
    assert camera_facts(other) == camera_facts(plain)
    assert observation_facts(other) != observation_facts(plain)


@pytest.mark.parametrize("change", OF_CAMERAS)
def test_cameras_depend_on_what_comes_before_them(change: dict[str, Any]) -> None:
    plain, other = ObserveOptions(), dataclasses.replace(ObserveOptions(), **change)
    assert camera_facts(other) != camera_facts(plain)
    assert observation_facts(other) != observation_facts(plain)


def test_other_files_in_the_same_folder_are_another_choice(tmp_path: Path) -> None:
    (tmp_path / "000000.png").write_bytes(b"a mask")
    options = ObserveOptions(mask=f"file:{tmp_path}")
    before = observation_facts(options)
    assert observation_facts(options) == before
    (tmp_path / "000000.png").write_bytes(b"another mask")
    assert observation_facts(options) != before


def test_a_resumed_run_with_another_mask_does_not_track_the_camera_again(tmp_path: Path) -> None:
    recording = write_scene(render_scene(num_frames=8, camera_shift=0.06), tmp_path / "clip", has_poses=False)
    observe = ObserveOptions(num_frames=5, num_points=200, baselines=(1,), mask="motion")
    options = ReconstructOptions(observe=observe, refine=False)

    def still(points: Any) -> Any:
        return still_estimate(points, reasons=("not asked",))

    kept = tmp_path / "stages"
    first = reconstruct(recording, options, predictor=still, stage_folder=kept)
    written = (kept / "camera.npz").stat().st_mtime_ns
    other = dataclasses.replace(options, observe=dataclasses.replace(observe, mask="whole"))
    second = reconstruct(recording, other, predictor=still, stage_folder=kept, resume=True)
    assert (kept / "camera.npz").stat().st_mtime_ns == written
    assert second.video.object_masks.mean() > first.video.object_masks.mean()
    np.testing.assert_array_equal(second.video.intrinsics, first.video.intrinsics)
