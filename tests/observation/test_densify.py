"""Dense labels follow depth edges between sampled points and say nothing where nothing is known."""

import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.observation.densify import densify_labels
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import sample_point_video

HEIGHT, WIDTH = 90, 121


def _video() -> RgbdVideo:
    """A near square before a wall, with a hole and a masked border."""
    depths = np.full((2, HEIGHT, WIDTH), 1.5)
    depths[:, 30:60, 40:80] = 1.2
    depths[:, 5:10, 5:10] = 0
    masks = np.ones(depths.shape, dtype=bool)
    masks[:, :, 110:] = False
    return RgbdVideo(
        times=np.arange(2.0),
        images=np.full((2, HEIGHT, WIDTH, 3), 128, np.uint8),
        depths=depths,
        object_masks=masks,
        intrinsics=intrinsics_from_fov(WIDTH, HEIGHT, 1.0),
        world_from_camera=np.broadcast_to(np.eye(4), (2, 4, 4)).copy(),
        is_metric=True,
    )


def test_labels_stop_at_the_depth_edge() -> None:
    video = _video()
    points = sample_point_video(
        video,
        lambda frame, baseline, pixels, world: (np.zeros_like(world), np.ones(len(world), dtype=bool)),
        rng=np.random.default_rng(0),
        num_points=500,
    )
    near = (points.points_world[..., 2] < 1.35).astype(float)
    labels = densify_labels(video, points, np.stack([1 - near, near], axis=-1))
    known = video.object_masks & (video.depths > 0)
    assert np.all(labels[~known] == 255)
    assert np.mean(labels[known] == (video.depths[known] < 1.35)) > 0.995


def test_more_parts_than_labels_are_refused() -> None:
    video = _video()
    points = sample_point_video(
        video,
        lambda frame, baseline, pixels, world: (np.zeros_like(world), np.ones(len(world), dtype=bool)),
        rng=np.random.default_rng(0),
        num_points=20,
    )
    with pytest.raises(InvalidValueError, match="at most 255"):
        densify_labels(video, points, np.zeros((2, 20, 256)))
