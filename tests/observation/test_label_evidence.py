"""What other frames say of a pixel: a drawer's inside goes with the drawer, the cabinet stays."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.assembly import part_motions
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.observation.densify import densify_labels
from sim2art.observation.label_evidence import EvidenceConfig, MotionEvidence
from sim2art.observation.sampling import sample_point_video
from tests.scenes import Scene, make_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


def _pixels_of(scene: Scene, frame: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Every fifth pixel that shows a part with depth, and its point in the world."""
    pixels = np.argwhere((scene.labels[frame] == part) & (scene.video.depths[frame] > 0))[::5]
    depths = scene.video.depths[frame, pixels[:, 0], pixels[:, 1]].astype(float)
    points = unproject(scene.video.intrinsics, pixels[:, ::-1].astype(float), depths)
    return pixels, apply(scene.video.world_from_camera[frame], points)


@pytest.mark.parametrize("part", [1, 2])
def test_a_point_of_a_moved_part_is_seen_through_where_the_base_would_have_it(scene: Scene, part: int) -> None:
    last = len(scene.video.times) - 1
    pixels, points = _pixels_of(scene, last, part)
    evidence = MotionEvidence(scene.video, part_motions(scene.estimate))
    told = evidence.weigh(evidence.meet(last, points, pixels))
    assert np.mean(told[:, part] >= told[:, 0]) > 0.9
    assert np.mean(told[:, part] > told[:, 0]) > 0.4


def test_the_base_is_not_given_to_a_part_that_would_carry_it_through_the_air(scene: Scene) -> None:
    pixels, points = _pixels_of(scene, 0, 0)
    evidence = MotionEvidence(scene.video, part_motions(scene.estimate))
    told = evidence.weigh(evidence.meet(0, points, pixels))
    assert np.mean(told[:, 0] > told.max(axis=1) - 1.0) > 0.9  # Colour noise alone makes small differences.


def test_parts_that_do_not_move_are_told_apart_by_nothing(scene: Scene) -> None:
    pixels, points = _pixels_of(scene, 0, 1)
    still = np.broadcast_to(np.eye(4), part_motions(scene.estimate).shape).copy()
    evidence = MotionEvidence(scene.video, still)
    assert not evidence.weigh(evidence.meet(0, points, pixels)).any()


def test_what_all_frames_say_is_bounded(scene: Scene) -> None:
    pixels, points = _pixels_of(scene, 0, 0)
    evidence = MotionEvidence(scene.video, part_motions(scene.estimate), EvidenceConfig(most=1.5))
    told = evidence.weigh(evidence.meet(0, points, pixels))
    assert told.min() >= -1.5
    assert told.max() <= 0.0


def test_labels_recover_pixels_whose_sampled_points_were_taken_for_the_base(scene: Scene) -> None:
    points = sample_point_video(
        scene.video,
        lambda frame, baseline, pixels, world: (np.zeros_like(world), np.ones(len(world), dtype=bool)),
        rng=np.random.default_rng(0),
        num_points=1200,
    )
    rows, columns = np.rint(points.pixels[..., 1]).astype(int), np.rint(points.pixels[..., 0]).astype(int)
    true = scene.labels[np.arange(len(rows))[:, None], rows, columns]
    true = np.where(true == 255, 0, true)
    # The lower half of the image is taken for the base, with some doubt.
    missed = rows > 0.55 * scene.video.depths.shape[1]
    shares = 0.85 * np.eye(3)[np.where(missed, 0, true)] + 0.05
    known = scene.video.object_masks & (scene.video.depths > 0)

    def found(motions: np.ndarray | None) -> float:
        labels = densify_labels(scene.video, points, shares, motions)
        moving = known & (scene.labels > 0) & (scene.labels < 3)
        return float(np.mean(labels[moving] == scene.labels[moving]))

    assert found(part_motions(scene.estimate)) > found(None) + 0.1


def test_a_video_without_a_valid_point_is_all_base(scene: Scene) -> None:
    points = sample_point_video(
        scene.video,
        lambda frame, baseline, pixels, world: (np.zeros_like(world), np.ones(len(world), dtype=bool)),
        rng=np.random.default_rng(0),
        num_points=20,
    )
    nothing = dataclasses.replace(
        points, valid=np.zeros_like(points.valid), flow_valid=np.zeros_like(points.flow_valid)
    )
    labels = densify_labels(scene.video, nothing, np.ones((*points.valid.shape, 3)) / 3)
    assert set(np.unique(labels)) <= {0, 255}
