"""Fits along main directions, what speaks for a type, and evidence that is laid out once."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.inference import fitting
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, load_checkpoint
from sim2art.inference.fitting import evidence_for_revolute, fit_along, refit
from sim2art.inference.judging import Sample, SampleJudge, evidence_for, judge
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.scene import prepare
from sim2art.inference.score import evidence as evidence_module
from sim2art.networks.judge import Judge
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def seen():
    """The shipped judge and a sample of a clip with a panel that turns before a wall."""
    network = load_checkpoint(JUDGE_CHECKPOINT)
    assert isinstance(network, Judge)
    clip = make_point_clip(JointType.REVOLUTE, num_points=1024)
    normalization = fit_normalization(clip.video)
    scene = prepare(normalize(clip.video, normalization), evidence_for(network))
    # A wall and a panel that opens: the panel's own side faces too many ways for three directions.
    scene = scene._replace(directions=np.eye(3))
    sample = Sample.of(scene, sample_moving(scene.smoothed, 512, np.random.default_rng(0)), 256)
    return network, sample, normalized_truth(clip, normalization)


def test_evidence_known_from_the_last_pool_is_the_same_and_not_laid_out_again(seen, monkeypatch) -> None:
    network, sample, _ = seen
    asked = SampleJudge(network=network, sample=sample)
    pool = propose(sample.video, ProposalConfig(), np.random.default_rng(1))
    asked.judge(pool)
    laid = []
    original = evidence_module.lay_out_evidence

    def counted(video, surface, hypotheses, indices, config):
        laid.append(len(hypotheses))
        return original(video, surface, hypotheses, indices, config)

    monkeypatch.setattr("sim2art.inference.judging.lay_out_evidence", counted)
    moved = dataclasses.replace(pool, pivots=pool.pivots + np.where(np.arange(len(pool)) == 2, 0.1, 0.0)[:, None])
    again = asked.judge(moved)
    assert laid == [1]
    fresh = judge(network, sample.video, sample.scene.surface, moved, sample.judged, evidence_for(network))
    np.testing.assert_array_equal(again.mask_logits, fresh.mask_logits)
    np.testing.assert_array_equal(again.scores, fresh.scores)


def test_four_fits_two_of_them_along_the_nearest_direction(seen) -> None:
    _, sample, truth = seen
    true = truth.joints[0]
    tilted = dataclasses.replace(true, axis=rotation_from_rotvec(np.array([0.1, 0.0, 0.1])) @ true.axis)
    weights = np.ones(sample.video.valid.shape) * sample.video.valid
    free = refit(sample.video, tilted, weights)
    fits = fit_along(sample.video, None, free, free, weights, np.eye(3))
    assert [bool(abs(fit.axis @ np.array([0, 1.0, 0])) > 1 - 1e-9) for fit in fits] == [True, False, True, False]
    assert fit_along(sample.video, None, free, free, weights, np.zeros((0, 3))) == [free] * 4


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
        return evidence_for_revolute(video, {True: turn, False: slide}, weights)

    with_penalty = [odds(1.0), odds(2.2), odds(3.2)]
    monkeypatch.setattr(fitting, "FAR_PENALTY", 0.0)
    without = [odds(1.0), odds(2.2), odds(3.2)]
    np.testing.assert_allclose(np.subtract(without, with_penalty), [0.0, 4.0, 8.0], atol=0.8)
