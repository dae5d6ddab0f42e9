"""Sampling: points lie where depth and pose say, commute with moving the world, and never invent flow."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import intrinsics_from_fov, project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import sample_pixels, sample_point_video
from tests.strategies import transforms

WIDTH, HEIGHT, FRAMES = 24, 18, 4
STEP_CAMERA = np.array([0.01, 0.0, 0.02])


def make_video(*, world_from_camera: np.ndarray | None = None, seed: int = 0) -> RgbdVideo:
    rng = np.random.default_rng(seed)
    depths = rng.uniform(0.5, 2.0, size=(FRAMES, HEIGHT, WIDTH))
    depths[:, :3] = 0.0
    masks = np.zeros((FRAMES, HEIGHT, WIDTH), dtype=bool)
    masks[:, :12, 4:20] = True
    poses = np.broadcast_to(np.eye(4), (FRAMES, 4, 4)).copy() if world_from_camera is None else world_from_camera
    return RgbdVideo(
        times=np.arange(FRAMES) / 30,
        images=np.zeros((FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8),
        depths=depths,
        object_masks=masks,
        intrinsics=intrinsics_from_fov(WIDTH, HEIGHT, 1.0),
        world_from_camera=poses,
        is_metric=True,
    )


@dataclasses.dataclass(frozen=True)
class CameraFlow:
    """Every point moves by the same step in its camera's frame; right-hand pixels are not measured."""

    video: RgbdVideo

    def __call__(
        self, frame: int, baseline: int, pixels: np.ndarray, points_world: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        step = self.video.world_from_camera[frame][:3, :3] @ STEP_CAMERA * baseline
        return np.broadcast_to(step, points_world.shape).copy(), pixels[:, 0] < 14


def sample(video: RgbdVideo, *, num_points: int = 50, seed: int = 1, baselines: tuple[int, ...] = (1, 3)) -> PointVideo:
    rng = np.random.default_rng(seed)
    return sample_point_video(video, CameraFlow(video), rng=rng, num_points=num_points, baselines=baselines)


@given(transforms())
def test_sampling_commutes_with_rigid_motion_of_the_world(new_from_world: np.ndarray) -> None:
    video = make_video()
    moved = dataclasses.replace(video, world_from_camera=new_from_world @ video.world_from_camera)
    before, after = sample(video), sample(moved)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    np.testing.assert_array_equal(after.valid, before.valid)
    np.testing.assert_array_equal(after.flow_valid, before.flow_valid)
    expected = np.where(before.valid[..., None], apply(new_from_world, before.points_world), 0.0)
    np.testing.assert_allclose(after.points_world, expected, atol=1e-9)
    np.testing.assert_allclose(after.flow_world, before.flow_world @ new_from_world[:3, :3].T, atol=1e-9)


def test_points_project_to_their_pixels_at_their_depth() -> None:
    video = make_video()
    points = sample(video)
    for frame in range(FRAMES):
        points_camera = apply(inverse(video.world_from_camera[frame]), points.points_world[frame])
        pixels = points.pixels[frame].astype(int)
        np.testing.assert_allclose(project(video.intrinsics, points_camera), pixels, atol=1e-9)
        np.testing.assert_allclose(points_camera[:, 2], video.depths[frame][pixels[:, 1], pixels[:, 0]])


def test_only_pixels_with_depth_inside_the_mask_are_drawn_and_each_once() -> None:
    points = sample(make_video(), num_points=1000)
    # 16 x 9 pixels have depth inside the mask; the other slots stay empty.
    assert np.all(points.valid.sum(axis=1) == 16 * 9)
    for frame in range(FRAMES):
        pixels = points.pixels[frame][points.valid[frame]]
        assert len(np.unique(pixels, axis=0)) == len(pixels)
        assert pixels[:, 0].min() >= 4 and pixels[:, 0].max() < 20 and pixels[:, 1].min() >= 3
    assert np.all(points.points_world[~points.valid] == 0.0)


def test_flow_past_the_end_or_not_measured_is_not_valid() -> None:
    points = sample(make_video())
    assert not points.flow_valid[0, -1].any() and not points.flow_valid[1, 1:].any()
    measured = points.pixels[..., 0] < 14
    np.testing.assert_array_equal(points.flow_valid[0, :-1], (measured & points.valid)[:-1])
    assert np.all(points.flow_world[~points.flow_valid] == 0.0)
    np.testing.assert_allclose(points.flow_world[1][points.flow_valid[1]][0], 3 * STEP_CAMERA)


def test_frames_draw_anew_and_the_seed_decides() -> None:
    first, again, other = sample(make_video()), sample(make_video()), sample(make_video(), seed=2)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert not np.array_equal(first.pixels[0], first.pixels[1])


def test_empty_frame_is_left_empty() -> None:
    video = make_video()
    masks = video.object_masks.copy()
    masks[2] = False
    points = sample(dataclasses.replace(video, object_masks=masks))
    assert not points.valid[2].any() and points.valid[1].all()


def test_nothing_to_sample_is_explained() -> None:
    video = make_video()
    with pytest.raises(InvalidValueError, match="No frame has a pixel with depth inside the object mask"):
        sample(dataclasses.replace(video, depths=np.zeros_like(video.depths)))


def test_drawn_pixels_are_x_then_y() -> None:
    mask = np.zeros((5, 9), dtype=bool)
    mask[2, 7] = True
    np.testing.assert_array_equal(sample_pixels(mask, 10, np.random.default_rng(0)), [[7, 2]])
