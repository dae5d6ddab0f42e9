"""Labels agree with what points of the same place say."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.articulation.joint import JointType
from sim2art.inference.refine.assignment import agree
from sim2art.inference.refine.parts import Parts, parts_from_estimate
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from tests.hand_made import truth_as_estimate
from tests.point_clips import make_chain_clip, make_point_clip


def start(seed: int, wrong: float) -> tuple[PointVideo, Parts, np.ndarray]:
    """A video, its true parts with some labels wrong, and the true labels."""
    clip = make_point_clip(JointType.REVOLUTE)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    parts = parts_from_estimate(video, normalization, truth_as_estimate(clip))
    truth = np.argmax(parts.probabilities, axis=-1)
    flipped = np.random.default_rng(seed).uniform(size=truth.shape) < wrong
    shares = np.where(flipped[..., None], np.roll(parts.probabilities, 1, axis=-1), parts.probabilities)
    return video, dataclasses.replace(parts, probabilities=shares), truth


def share_right(video: PointVideo, parts: Parts, truth: np.ndarray) -> float:
    return float((np.argmax(parts.probabilities, axis=-1) == truth)[video.valid].mean())


@settings(max_examples=10)
@given(seed=st.integers(0, 100))
def test_points_of_one_place_mend_each_others_labels(seed: int) -> None:
    video, parts, truth = start(seed, wrong=0.25)
    before = share_right(video, parts, truth)
    agreed = agree(video, parts)
    assert 0.7 < before < 0.8
    assert share_right(video, agreed, truth) > before + 0.08
    assert np.allclose(agreed.probabilities.sum(axis=-1), 1.0)


def test_right_labels_stay_right() -> None:
    video, parts, truth = start(0, wrong=0.0)
    assert share_right(video, agree(video, parts), truth) > 0.98


def test_without_joints_nothing_is_asked() -> None:
    video, parts, _ = start(0, wrong=0.0)
    none = parts.take(np.zeros(0, dtype=np.int64))
    assert agree(video, none) is none


def test_points_of_a_dropped_part_go_to_what_carries_it() -> None:
    clip = make_chain_clip()
    normalization = fit_normalization(clip.video)
    parts = parts_from_estimate(normalize(clip.video, normalization), normalization, truth_as_estimate(clip))
    door, base = parts.take(np.array([0])), parts.take(np.zeros(0, dtype=np.int64))
    np.testing.assert_allclose(door.probabilities[..., 0], parts.probabilities[..., 0])
    np.testing.assert_allclose(door.probabilities[..., 1], parts.probabilities[..., 1:].sum(axis=-1))
    np.testing.assert_allclose(base.probabilities[..., 0], 1.0)


def test_labels_of_a_part_on_a_moving_part_are_left_alone() -> None:
    clip = make_chain_clip()
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    parts = parts_from_estimate(video, normalization, truth_as_estimate(clip))
    assert parts.model.parents.max() >= 0
    assert agree(video, parts) is parts
