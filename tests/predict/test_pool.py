"""The pool that a draw gives: what is kept of it, fits along main directions, and evidence that is laid out once."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import line_angle, rotation_from_rotvec
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.predict import fitting
from sim2art.predict.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from sim2art.predict.fitting import evidence_for_turn, fit_along, refit
from sim2art.predict.judging import evidence_for, judge
from sim2art.predict.pool import PoolConfig, draw_points, gather_pool, observe
from sim2art.proposals import evidence as evidence_module
from sim2art.proposals.propose import propose
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def seen():
    """The shipped judge and a clip with a panel that turns before a wall, observed and drawn from."""
    network, _ = load_checkpoint(DEFAULT_CHECKPOINT)
    clip = make_point_clip(JointType.REVOLUTE, num_points=1024)
    normalization = fit_normalization(clip.video)
    observed = observe(normalize(clip.video, normalization), evidence_for(network, PoolConfig().evidence))
    # A wall and a panel that opens: the panel's own side faces too many ways for three directions.
    observed = observed._replace(directions=np.eye(3))
    draw, slots = draw_points(network, observed, PoolConfig(), np.random.default_rng(0))
    return network, observed, draw, slots, normalized_truth(clip, normalization)


def test_the_pool_is_small_and_holds_the_true_joint_along_its_direction(seen) -> None:
    _, observed, draw, slots, truth = seen
    config = PoolConfig(num_kept=8, num_compared=6)
    pool = gather_pool(draw, observed, slots, config, np.random.default_rng(0))
    assert pool is not None
    assert len(pool.hypotheses) == len(pool.judgement.scores) == len(pool.by_flow) <= 6
    best = int(np.argmax(pool.judgement.scores))
    assert pool.hypotheses.is_revolute[best]
    assert np.rad2deg(line_angle(pool.hypotheses.axes[best].astype(float), truth.axes[0])) < 0.01


def test_nothing_that_moves_gives_no_pool(seen) -> None:
    network, observed, _, _, _ = seen
    still = dataclasses.replace(observed.video, flow_valid=np.zeros_like(observed.video.flow_valid))
    observed = observe(still, evidence_for(network, PoolConfig().evidence))
    draw, slots = draw_points(network, observed, PoolConfig(), np.random.default_rng(0))
    assert gather_pool(draw, observed, slots, PoolConfig(), np.random.default_rng(0)) is None


def test_evidence_known_from_the_last_pool_is_the_same_and_not_laid_out_again(seen, monkeypatch) -> None:
    network, observed, draw, _, _ = seen
    pool = propose(draw.video, PoolConfig().proposals, np.random.default_rng(1))
    draw.judge(pool)
    laid = []
    original = evidence_module.lay_out_evidence

    def counted(video, surface, hypotheses, indices, config):
        laid.append(len(hypotheses))
        return original(video, surface, hypotheses, indices, config)

    monkeypatch.setattr("sim2art.predict.judging.lay_out_evidence", counted)
    moved = dataclasses.replace(pool, pivots=pool.pivots + np.where(np.arange(len(pool)) == 2, 0.1, 0.0)[:, None])
    again = draw.judge(moved)
    assert laid == [1]
    fresh = judge(network, draw.video, observed.surface, moved, draw.judged, draw.evidence)
    np.testing.assert_array_equal(again.mask_logits, fresh.mask_logits)
    np.testing.assert_array_equal(again.scores, fresh.scores)


def test_four_fits_two_of_them_along_the_nearest_direction(seen) -> None:
    _, _, draw, _, truth = seen
    true = truth.joints[0]
    tilted = dataclasses.replace(true, axis=rotation_from_rotvec(np.array([0.1, 0.0, 0.1])) @ true.axis)
    weights = np.ones(draw.video.valid.shape) * draw.video.valid
    free = refit(draw.video, tilted, weights)
    fits = fit_along(draw.video, None, free, free, weights, np.eye(3))
    assert [bool(abs(fit.axis @ np.array([0, 1.0, 0])) > 1 - 1e-9) for fit in fits] == [True, False, True, False]
    assert fit_along(draw.video, None, free, free, weights, np.zeros((0, 3))) == [free] * 4


def test_a_turn_is_less_likely_the_farther_its_axis_passes(monkeypatch) -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_points=1024)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    weights = (clip.part_ids == 1).astype(float)
    slide = refit(video, normalized_truth(clip, normalization).joints[0], weights)
    middle = video.points_world[weights > 0].mean(axis=0)

    def odds(distance: float) -> float:
        pivot = middle + np.array([distance, 0.0, 0.0])
        turn = dataclasses.replace(slide, is_revolute=True, axis=np.array([0, 1.0, 0]), pivot=pivot)
        return evidence_for_turn(video, {True: turn, False: slide}, weights)

    with_penalty = [odds(1.0), odds(2.2), odds(3.2)]
    monkeypatch.setattr(fitting, "FAR_PENALTY", 0.0)
    without = [odds(1.0), odds(2.2), odds(3.2)]
    np.testing.assert_allclose(np.subtract(without, with_penalty), [0.0, 4.0, 8.0], atol=0.8)
