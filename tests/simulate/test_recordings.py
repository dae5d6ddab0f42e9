import json

import numpy as np
import pytest
from PIL import Image

from sim2art.articulation.io import read_kinematics
from sim2art.errors import OutputExistsError
from sim2art.geometry.cameras import project
from sim2art.perception.captures.open_capture import open_capture
from sim2art.simulate.recording_files import write_recording
from sim2art.simulate.recordings import RecordingConfig, render_recording

CONFIG = RecordingConfig(num_frames=5, width=160, height=120)


@pytest.fixture(scope="module")
def recording():
    return render_recording(CONFIG, 300_002)


def test_same_seed_gives_the_same_recording(recording):
    again = render_recording(CONFIG, 300_002)
    np.testing.assert_array_equal(again.images, recording.images)
    np.testing.assert_array_equal(again.depths, recording.depths)


def test_depth_is_near_the_truth_and_in_millimetres(recording):
    both = (recording.depths > 0) & (recording.stage.depths > 0)
    assert both.mean() > 0.7
    error = np.abs(recording.depths - recording.stage.depths)[both] / recording.stage.depths[both]
    assert np.median(error) < 0.012
    assert np.abs(recording.depths * 1000 - np.rint(recording.depths * 1000)).max() < 1e-2


def test_part_ids_count_the_parts_of_the_truth(recording):
    num_parts = len(recording.truth.articulated_object.links)
    assert set(np.unique(recording.part_images)) == set(range(num_parts))
    assert not recording.part_images[~recording.object_masks].any()


def test_exact_flow_finds_the_same_colour_again(recording):
    flow = recording.exact_flow()
    pixels = np.stack(np.meshgrid(np.arange(160), np.arange(120)), -1).reshape(-1, 2)
    _, end = flow.carry(1, 4, pixels)
    seen = flow.is_seen(4, end)
    target = np.rint(project(recording.intrinsics, end[seen])).astype(int)
    gray = recording.images.mean(axis=-1)
    start = gray[1][pixels[seen, 1], pixels[seen, 0]]
    moved = np.abs(gray[4][target[:, 1], target[:, 0]] - start).mean()
    stayed = np.abs(gray[4][pixels[seen, 1], pixels[seen, 0]] - start).mean()
    assert moved < 0.75 * stayed


def test_truth_of_some_frames_starts_at_zero_there(recording):
    truth = recording.truth_of([1, 3, 4])
    assert truth.trajectory.values.shape[0] == 3
    np.testing.assert_array_equal(truth.trajectory.values[0], 0)
    np.testing.assert_allclose(recording.to_video([1, 3, 4]).world_from_camera[0], np.eye(4), atol=2e-8)
    assert recording.part_images_of([1, 3, 4]).max() < len(truth.articulated_object.links)


def test_surfaces_have_texture(recording):
    gray = recording.images.mean(axis=-1)
    assert np.abs(np.diff(gray, axis=2)).mean() > 1.5


def test_written_recording_reads_back(recording, tmp_path):
    folder = tmp_path / "recording"
    write_recording(recording, folder)
    capture = open_capture(folder)
    assert len(capture.frame_ids) == 5
    truth, trajectory = read_kinematics(folder / "truth.json")
    assert [joint.name for joint in truth.joints] == list(recording.truth.trajectory.joint_names)
    np.testing.assert_allclose(trajectory.values, recording.truth.trajectory.values)
    np.testing.assert_array_equal(np.array(Image.open(folder / "truth" / "000003.png")), recording.part_images[3])
    depth = np.array(Image.open(folder / "depth" / "000003.png"))
    assert depth.dtype == np.uint16 or depth.dtype == np.int32
    np.testing.assert_allclose(depth * 1e-3, recording.depths[3], atol=1e-6)
    camera = json.loads((folder / "camera.json").read_text())
    assert camera["width"] == 160 and len(camera["world_from_camera"]) == 5
    with pytest.raises(OutputExistsError, match="not empty"):
        write_recording(recording, folder)


def test_poses_may_be_left_out():
    bare = render_recording(RecordingConfig(num_frames=2, width=64, height=48, poses="none", supersampling=1), 1)
    assert bare.world_from_camera is None
