import dataclasses

import numpy as np
import pytest

from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.score.evidence import EvidenceConfig, index_video, lay_out_evidence, num_evidence_features

BASIC = num_evidence_features(3)


@pytest.fixture(scope="module")
def scene(turning):
    clip, video, truth = turning
    # As far as the panel goes, but towards the camera and away from it: out of what is seen, or into the wall.
    slide = Hypotheses(
        is_revolute=np.array([False, False]),
        axes=np.array([[0.0, 0, 1.0], [1.0, 0, 0]]),
        pivots=np.zeros((2, 3)),
        values=np.stack([np.linspace(0, -0.5, video.num_frames), np.linspace(0, 0.5, video.num_frames)]),
        scores=np.array([0.5, 0.5]),
    )
    return clip, video, smooth_flow(video), join_hypotheses([truth.joints, slide])


def _lay_out(scene, *kinds, video=None):
    clip, normalized, smoothed, pool = scene
    evidence = _evidence(normalized, video or smoothed, pool, *kinds)
    return evidence[..., BASIC:], clip.part_ids[:, :200]


def _evidence(normalized, smoothed, pool, *kinds):
    indices = np.tile(np.arange(200), (normalized.num_frames, 1))
    config = EvidenceConfig(kinds=kinds)
    return lay_out_evidence(smoothed, index_video(normalized, config), pool, indices, config)


def test_basic_evidence_does_not_change_when_more_is_asked_for(scene):
    _, *rest = scene
    basic = _evidence(*rest)
    kinds = ("targets", "free_space", "residuals", "semantics")
    more = _evidence(*rest, *kinds)
    np.testing.assert_array_equal(more[..., :BASIC], basic)
    assert more.shape[-1] == num_evidence_features(3, kinds)
    assert np.isfinite(more).all()


def test_a_part_carried_by_its_joint_is_never_in_free_space_and_left_still_it_is(scene):
    evidence, part_ids = _lay_out(scene, "free_space")
    moved, front, _, _, _, front_left, *_ = np.moveaxis(evidence[0][part_ids == 1], -1, 0)
    assert np.median(moved) > 0.5
    assert np.mean(front) < 0.05
    assert np.mean(evidence[1][..., 1]) > 0.3  # Towards the camera: before all that is seen.
    assert np.mean(front_left) > 0.1


def test_signed_residuals_vanish_for_the_truth_and_point_one_way_for_what_moves_too_far(scene):
    clip, normalized, smoothed, pool = scene
    far = dataclasses.replace(pool, values=1.3 * pool.values)
    own = clip.part_ids[:, :200] == 1
    right = _evidence(normalized, smoothed, pool, "residuals")[0, ..., BASIC:][own]
    over = _evidence(normalized, smoothed, far, "residuals")[0, ..., BASIC:][own]
    assert np.abs(right).mean() < 0.1
    # Along the motion of the longest baseline, or against it, but the same for all points.
    along = over[:, 6][over[:, 6] != 0]
    assert np.abs(np.mean(np.sign(along))) > 0.9
    assert np.abs(over[:, 7]).mean() < 0.1


def test_semantics_tell_parts_apart_that_look_different_and_are_silent_without_features(scene):
    clip, _, smoothed, _ = scene
    silent, part_ids = _lay_out(scene, "semantics")
    assert not silent.any()
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(2, 16))
    features = (looks[clip.part_ids] + 0.3 * rng.normal(size=(*clip.part_ids.shape, 16))).astype(np.float32)
    features[2:-1] = 0.0  # Keyframes only.
    features = features[:, : smoothed.num_points]
    evidence, _ = _lay_out(scene, "semantics", video=dataclasses.replace(smoothed, features=features))
    assert not evidence[:, 2:-1].any()
    assert evidence[:, [0, 1, -1], :, 0].all()
    keyed = evidence[0, [0, 1]]
    moving = part_ids[[0, 1]] == 1
    assert keyed[moving][:, 1].mean() > keyed[~moving][:, 1].mean() + 0.5
    assert keyed[~moving][:, 2].mean() > keyed[moving][:, 2].mean() + 0.5
    assert keyed[moving][:, 3].mean() > keyed[~moving][:, 3].mean() + 0.3
