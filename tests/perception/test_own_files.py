"""Masks, flow, features, depth and cameras of the user's own, in files named by frame number, go through the chain."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.own_files import (
    DepthFiles,
    FlowFiles,
    read_cameras,
    read_flo,
    read_grid,
    read_masks,
)
from sim2art.perception.flow.dis import DisFlow
from sim2art.perception.flow.lifted_flow import measure_flows
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.recorded_files import encode_exr
from tests.perception.sliding_scene import SlidingScene, render_scene, write_scene
from tests.perception.tiny_models import write_dinov2, write_sam2

OPTIONS = ObserveOptions(num_frames=5, num_points=300, baselines=(1,), mask="motion")


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=8)


def test_masks_of_ones_own_are_used(scene: SlidingScene, tmp_path: Path) -> None:
    for index, mask in enumerate(scene.on_board):
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(tmp_path / f"{index:06d}.png")
    found = observe(scene.capture(), dataclasses.replace(OPTIONS, mask=f"file:{tmp_path}"))
    np.testing.assert_array_equal(found.video.object_masks, scene.on_board[found.indices])
    with pytest.raises(InvalidFileError, match="no mask of frame 99"):
        read_masks(tmp_path, (99,), (8, 8))


def test_features_of_ones_own_and_of_a_model_reach_the_points(scene: SlidingScene, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    across = np.linspace(0.5, 23.5, 24) / 24
    grid = np.stack([np.broadcast_to(across, (18, 24)), np.ones((18, 24))], axis=-1)
    for index in range(8):
        np.save(own / f"{index:06d}.npy", grid)
    found = observe(scene.capture(), dataclasses.replace(OPTIONS, features=f"file:{own}"))
    assert found.points.features is not None
    expected = np.clip((found.points.pixels[..., 0] + 0.5) / 240, across[0], across[-1])
    np.testing.assert_allclose(found.points.features[..., 0], np.where(found.points.valid, expected, 0), atol=1e-5)
    model = write_dinov2(tmp_path / "model")
    found = observe(scene.capture(), dataclasses.replace(OPTIONS, features=f"dinov2:{model}"))
    assert found.points.features is not None
    assert found.points.features.shape == (5, 300, 16)


def test_sam2_masks_are_believed_only_where_they_hold_what_moves(scene: SlidingScene, tmp_path: Path) -> None:
    model = write_sam2(tmp_path / "model")
    found = observe(scene.capture(), dataclasses.replace(OPTIONS, mask=f"sam2:{model}"))
    truth = scene.on_board[found.indices]
    covered = (found.video.object_masks & truth).sum() / truth.sum()
    told = any("SAM 2's masks miss what moves" in warning for warning in found.warnings)
    assert covered > 0.5 or told
    assert covered > 0.4  # Either way the board is in it.


def test_flow_of_ones_own_is_used_where_there_is_some(scene: SlidingScene, tmp_path: Path) -> None:
    flow = np.full((20, 30, 2), (3.0, -1.0), np.float32)
    header = np.array([202021.25], "<f4").tobytes() + np.array([30, 20], "<i4").tobytes()
    (tmp_path / "4_9.flo").write_bytes(header + flow.tobytes())
    np.save(tmp_path / "000009_000004.npy", 2 * flow[::2, ::2])
    files = FlowFiles(tmp_path)
    np.testing.assert_allclose(files.read(4, 9, (30, 20)), flow)
    np.testing.assert_allclose(files.read(9, 4, (30, 20)), 4 * flow, rtol=1e-6)  # Of half the size.
    assert files.read(4, 12, (30, 20)) is None
    shift = {(0, 1): np.full((*scene.depths.shape[1:], 2), 7.0, np.float32)}
    found = measure_flows(
        scene.images.mean(axis=-1).astype(np.uint8), scene.depths, scene.intrinsics, scene.world_from_camera, image_flow=DisFlow(), baselines=(1,),
        known=lambda a, b: shift.get((a, b)),
    )  # fmt: skip
    assert np.all(found[0, 1].flow == 7.0) and not np.all(found[1, 0].flow == 7.0)
    (tmp_path / "4_9.flo").write_bytes(header + flow.tobytes()[:-8])
    with pytest.raises(InvalidFileError, match="cut off"):
        read_flo(tmp_path / "4_9.flo")


def test_depth_files_come_in_several_kinds(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).uniform(0.5, 2.0, (12, 16)).astype(np.float32)
    np.save(tmp_path / "000001.npy", depth)
    (tmp_path / "000002.exr").write_bytes(encode_exr(depth))
    Image.fromarray((1000 * depth).round().astype(np.uint16)).save(tmp_path / "000003.png")
    files = DepthFiles(tmp_path)
    image = np.zeros((12, 16, 3), np.uint8)
    for frame in (1, 2, 3):
        np.testing.assert_allclose(files(image, frame).values, depth, atol=6e-4)
    assert not files.is_metric
    with pytest.raises(InvalidFileError, match="no depth of frame 7"):
        files(image, 7)
    with pytest.raises(InvalidFileError, match="no depth files"):
        DepthFiles(tmp_path / "nowhere")


def test_cameras_of_ones_own_are_used(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_scene(scene, tmp_path / "clip")
    poses, intrinsics = read_cameras(folder, (2, 5))
    np.testing.assert_allclose(poses, scene.world_from_camera[[2, 5]])
    np.testing.assert_allclose(intrinsics, scene.intrinsics)
    with pytest.raises(InvalidFileError, match="no pose of 1 used frames"):
        read_cameras(folder, (2, 50))
    found = observe(scene.capture(has_poses=False), dataclasses.replace(OPTIONS, cameras=f"file:{folder}"))
    assert not any("no usable camera poses" in warning for warning in found.warnings)


def test_a_grid_is_read_between_its_centres() -> None:
    grid = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    places = np.array([[4.5, 4.5], [14.5, 4.5], [9.5, 9.5], [-1.0, -1.0], [100.0, 100.0]])
    np.testing.assert_allclose(read_grid(grid, places, (30, 20))[:, 0], [0, 1, 2, 0, 5])
