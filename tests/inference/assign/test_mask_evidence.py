"""Neighbours in the world and in the rest pose, and features of points about a joint."""

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.inference.assign.mask_evidence import RADIUS, gather_mask_evidence, gather_world, num_mask_features
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.score.evidence import EvidenceConfig, index_video
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip

EVIDENCE = EvidenceConfig(kinds=("rest_pose", "residuals"))


@pytest.fixture(scope="module")
def seen():
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=256, noise=0.0)
    normalization = fit_normalization(clip.video)
    video = smooth_flow(normalize(clip.video, normalization))
    surface = index_video(video, EVIDENCE)
    assert surface.normals is not None
    return clip, video, surface, surface.normals, normalized_truth(clip, normalization).joints


def _evidence(seen, probabilities=None, only=None):
    clip, video, surface, normals, joints = seen
    if probabilities is None:
        probabilities = np.stack([clip.part_ids == 0, clip.part_ids == 1], axis=-1).astype(float)
    return gather_mask_evidence(video, surface, normals, joints, probabilities, EVIDENCE, 8, only=only)


def test_neighbours_are_near_and_their_weights_are_shares(seen) -> None:
    _, video, _, normals, _ = seen
    found = gather_world(video, normals, 8)
    places = video.points_world[video.valid]
    used = found.weights[0] > 0
    distances = np.linalg.norm(places[found.neighbors] - places[:, None], axis=-1)
    assert found.neighbors.shape == (len(places), 8) and found.weights.shape == (2, len(places), 8)
    assert distances[used].max() < RADIUS
    assert np.all(found.weights >= 0) and np.all(found.weights.sum(axis=-1) <= 1.03)
    assert np.all(found.weights[1] <= found.weights[0] + 1e-6)
    assert np.all(found.neighbors[:, 0] == np.arange(len(places)))  # Each is its own nearest.


def test_points_of_a_part_meet_again_in_its_rest_pose_only(seen) -> None:
    clip, video, _, normals, _ = seen
    part_ids, frames = clip.part_ids[video.valid], np.nonzero(video.valid)[0]
    world, rest = gather_world(video, normals, 8), _evidence(seen)[0].rest
    far = (part_ids == 1) & (frames == 0)

    def reach(found) -> float:
        used = found.weights[0][far] > 0
        return float(np.mean((frames[found.neighbors[far]] >= 3)[used]))

    assert reach(rest) > reach(world) + 0.1
    own = (part_ids[rest.neighbors] == 1)[part_ids == 1][rest.weights[0][part_ids == 1] > 0]
    assert own.mean() > 0.9


def test_features_begin_with_the_prior_against_base_and_rivals(seen) -> None:
    clip, video, *_ = seen
    shown = _evidence(seen)[0]
    own = clip.part_ids[video.valid] == 1
    assert shown.features.shape == (own.size, num_mask_features(len(video.baselines), EVIDENCE))
    assert np.array_equal(shown.features[:, 0] > 0, own)
    assert np.all(shown.features[:, 1] == -6.0)  # There is no rival.
    assert np.all(np.isfinite(shown.features))


def test_one_joint_of_several_is_laid_out_as_among_all(seen) -> None:
    clip, video, surface, normals, joints = seen
    two = joints.take(np.array([0, 0]))
    probabilities = (
        np.stack([clip.part_ids == 0, clip.part_ids == 1, np.zeros_like(clip.part_ids)], axis=-1) * 0.9 + 0.03
    )
    both = gather_mask_evidence(video, surface, normals, two, probabilities, EVIDENCE, 8)
    second = gather_mask_evidence(video, surface, normals, two, probabilities, EVIDENCE, 8, only=1)
    assert len(both) == 2 and len(second) == 1
    np.testing.assert_allclose(second[0].features, both[1].features, atol=1e-5)
    assert np.array_equal(second[0].rest.neighbors, both[1].rest.neighbors)
