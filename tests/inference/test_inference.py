"""The loop of inference: what parts explain is not looked at again, many parts are found in rounds, nothing is found at rest."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.evaluate.metrics import score_clip
from sim2art.inference import loop
from sim2art.inference.assembly import hypotheses_from_joints
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, load_checkpoint
from sim2art.inference.explained import ExplainedConfig, flow_residuals, own_shares
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.inference.judging import Judgement, Sample, SampleJudge, evidence_for
from sim2art.inference.loop import InferenceConfig, find_parts, infer
from sim2art.inference.predictor import load_predictor
from sim2art.inference.refine.refine import refine
from sim2art.inference.scene import prepare
from sim2art.inference.versions import PromisingConfig
from sim2art.networks.judge import Judge
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.sets.evaluation_sets import EvaluationSet
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def judge() -> Judge:
    network = load_checkpoint(JUDGE_CHECKPOINT)
    assert isinstance(network, Judge)
    return network


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_a_joint_explains_the_flow_of_its_part(kind: JointType) -> None:
    clip = make_point_clip(kind, noise=0.001)
    normalization = fit_normalization(clip.video)
    video, truth = normalize(clip.video, normalization), normalized_truth(clip, normalization).joints[0]
    joint = FittedJoint(**vars(truth), axis_sigma=0.0, pivot_sigma=0.0, num_rows=1.0)
    moves = (clip.part_ids == 1) & video.flow_valid[1] & (np.linalg.norm(video.flow_world[1], axis=-1) > 0.05)
    still, carried = flow_residuals(video, hypotheses_from_joints([joint], np.ones(1)).motions())
    np.testing.assert_allclose(still[1][moves], np.linalg.norm(video.flow_world[1], axis=-1)[moves], rtol=1e-5)
    assert np.mean(carried[1][moves] < 0.3 * still[1][moves]) > 0.98
    assert not still[~video.flow_valid].any() and not carried[~video.flow_valid].any()


def test_nothing_that_moves_gives_no_part(judge: Judge) -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_points=512)
    still = dataclasses.replace(clip.video, flow_valid=np.zeros_like(clip.video.flow_valid), valid=clip.part_ids == 0)
    assert infer(judge, still, InferenceConfig()).joints == ()


def test_rounds_find_the_doors_of_a_wall() -> None:
    """Five open one after another; the first does so within three frames, which the refiner takes for errors."""
    clip = EvaluationSet.choose("walls").make_clip(700_000)
    estimate = load_predictor()(clip.video)
    found, refined = score_clip(clip, estimate), score_clip(clip, refine(clip.video, estimate))
    assert len(clip.truth.joints) == 5
    assert sum(joint.is_success(max_deg=5, max_cm=5) for joint in found.joints) == 5
    assert sum(joint.is_success(max_deg=5, max_cm=5) for joint in refined.joints) >= 4


def test_a_round_whose_new_parts_are_all_given_up_again_is_empty(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    video = make_point_clip(JointType.PRISMATIC, num_points=512).video
    rounds: list[loop._More | None] = []
    find = loop._find_more

    def find_more(*args):
        rounds.append(find(*args))
        return rounds[-1]

    def keep_none(scene, found, config):
        return loop._Kept(np.zeros(0, dtype=int), loop._share(scene, found.take(np.zeros(0, dtype=int)), config))

    monkeypatch.setattr(loop, "_find_more", find_more)
    monkeypatch.setattr(loop, "_keep_needed", keep_none)
    normalized = normalize(video, fit_normalization(video))
    found = find_parts(judge, normalized, InferenceConfig(max_empty=3), np.random.default_rng(0))
    assert found.joints == ()
    assert len(rounds) == 3
    assert rounds[0] is not None and rounds[0].num_new >= 1


@pytest.mark.parametrize(("score", "is_taken"), [(0.55, False), (0.75, True)])
def test_a_new_part_takes_the_place_of_a_known_one_only_if_it_is_better_once_fitted(
    score: float, is_taken: bool, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_points=256)
    normalization = fit_normalization(clip.video)
    video, truth = normalize(clip.video, normalization), normalized_truth(clip, normalization).joints[0]
    joint = FittedJoint(**vars(truth), axis_sigma=0.0, pivot_sigma=0.0, num_rows=1.0)
    logits = np.where(clip.part_ids == 1, 5.0, -5.0)
    known = loop._Found([joint], np.array([0.6]), np.array([-1.0]), logits[None])
    new = loop._Found(
        [dataclasses.replace(joint, values=1.02 * joint.values)], np.array([0.6]), np.array([-1.0]), logits[None]
    )
    judgement = Judgement(
        mask_logits=np.stack([logits] * 2), scores=np.array([0.5, score]), revolute_logits=np.zeros(2)
    )
    monkeypatch.setattr(SampleJudge, "judge", lambda self, pool: judgement)
    slots = np.tile(np.arange(video.num_points), (video.num_frames, 1))
    asked = SampleJudge(network=judge, sample=Sample.of(prepare(video, evidence_for(judge)), slots, video.num_points))
    kept, better = loop._keep_better(asked, known, new, InferenceConfig())
    assert (kept.tolist(), len(better.joints)) == (([], 1) if is_taken else ([0], 0))


def test_the_next_of_parts_that_open_in_turns_does_not_explain_this_one() -> None:
    """A drawer's points over eight frames; each opens by 1 within a frame, the next one two frames later."""
    first, last = np.array([(a, a + step) for step in (1, 3) for a in range(8 - step)]).T
    places = {
        "own": np.arange(8) >= 3,
        "next": np.arange(8) >= 5,
        "again": 1.05 * (np.arange(8) >= 3),
        "half": 0.5 * (np.arange(8) >= 3),
    }
    steps = {name: place[last] * 1.0 - place[first] * 1.0 for name, place in places.items()}
    names = list(places)
    residuals = np.array(
        [np.abs(steps["own"]), *(np.abs(steps["own"] - steps[name]) for name in names)], dtype=np.float32
    )
    shares = dict(zip(names[1:], own_shares(residuals, 1, [2, 3, 4], ExplainedConfig()), strict=True))
    assert shares["next"] > 0.5
    assert shares["again"] == 0.0
    assert shares["half"] == 1.0
    wrong = own_shares(residuals, 4, [1], ExplainedConfig())
    assert wrong[0] == 0.0


def test_another_seed_finds_the_same_parts(judge: Judge) -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_points=768)
    video = normalize(clip.video, fit_normalization(clip.video))
    first, again, other = (
        find_parts(judge, video, InferenceConfig(seed=seed), np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert [joint.is_revolute for joint in other.joints] == [joint.is_revolute for joint in first.joints] == [False]
    assert abs(other.joints[0].axis @ first.joints[0].axis) > 0.999


def test_without_fits_of_promising_hypotheses_a_clean_part_is_found_all_the_same(judge: Judge) -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_points=768)
    config = InferenceConfig(promising=PromisingConfig(num_fits=0))
    assert [x.joint.type for x in infer(judge, clip.video, config).joints] == [JointType.REVOLUTE]
