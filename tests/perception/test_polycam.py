"""Polycam captures of every mode: what Polycam corrected is used where it covers the frames, and what lacks is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.open_capture import open_capture, open_recording
from tests.perception.recorded_files import write_polycam
from tests.perception.sliding_scene import SlidingScene, render_scene


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=12, width=64, height=48, camera_shift=0.3)


def _correct(folder: Path, count: int) -> None:
    """Corrected images and cameras of the first frames, whose cameras lie 1 m further along x."""
    inner = folder / "keyframes"
    for kind in ("images", "cameras"):
        (inner / f"corrected_{kind}").mkdir()
        for file in sorted((inner / kind).iterdir())[:count]:
            shutil.copy(file, inner / f"corrected_{kind}" / file.name)
    for file in (inner / "corrected_cameras").iterdir():
        camera = json.loads(file.read_text())
        file.write_text(json.dumps(camera | {"t_03": camera["t_03"] + 1.0}))


def test_corrected_images_that_cover_a_part_only_leave_the_raw_ones(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_polycam(scene, tmp_path / "clip")
    _correct(folder, 4)
    capture = open_capture(folder)
    assert len(capture.frame_ids) == 12
    assert capture.world_from_camera is not None
    np.testing.assert_allclose(capture.world_from_camera, scene.world_from_camera, atol=1e-6)
    assert any("corrected only 4 of 12" in warning for warning in capture.warnings)


def test_corrected_images_that_cover_all_are_used(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_polycam(scene, tmp_path / "clip")
    _correct(folder, 12)
    capture = open_capture(folder)
    assert capture.world_from_camera is not None
    np.testing.assert_allclose(capture.world_from_camera[:, 0, 3], scene.world_from_camera[:, 0, 3] + 1.0, atol=1e-6)
    assert capture.warnings == ()


def test_a_capture_with_corrected_images_only_is_read_and_said(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_polycam(scene, tmp_path / "clip")
    _correct(folder, 12)
    for kind in ("images", "cameras"):
        shutil.rmtree(folder / "keyframes" / kind)
    capture = open_capture(folder)
    assert len(capture.frame_ids) == 12
    assert any("corrected images and cameras only" in warning for warning in capture.warnings)


@pytest.mark.parametrize("is_corrected", [False, True])
def test_photo_mode_is_called_photo_mode(scene: SlidingScene, tmp_path: Path, is_corrected: bool) -> None:
    folder = write_polycam(scene, tmp_path / "clip")
    shutil.rmtree(folder / "keyframes" / "depth")
    if is_corrected:
        _correct(folder, 12)
        for kind in ("images", "cameras"):
            shutil.rmtree(folder / "keyframes" / kind)
    with pytest.raises(InvalidFileError, match=r"photo mode: 12 images.*no depth.*--chain light") as caught:
        open_capture(folder)
    place = str(caught.value).split("sim2art run ")[1].split(" --chain")[0]
    assert len(open_recording(Path(place)).frame_ids) == 12
