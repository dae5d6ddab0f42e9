import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.inference.fitting import refit
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.judging import Judgement, Sample, SampleJudge
from sim2art.inference.scene import prepare
from sim2art.inference.score.evidence import EvidenceConfig
from sim2art.inference.selection import SelectionConfig, select
from sim2art.inference.versions import PromisingConfig, fit_promising, fit_types, shortest
from sim2art.networks.judge import Judge, JudgeConfig
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


def _judgement(masks, scores):
    return Judgement(
        mask_logits=np.where(masks, 5.0, -5.0), scores=np.array(scores), revolute_logits=np.zeros(len(scores))
    )


def _select(clip: Clip, pool: Hypotheses, logits: np.ndarray, scores: list[float], known: tuple[int, ...] = ()):
    judgement = Judgement(mask_logits=logits, scores=np.array(scores), revolute_logits=np.zeros(len(scores)))
    is_known = np.isin(np.arange(len(scores)), known)
    return select(judgement, pool, is_known, clip.video, 0.1, SelectionConfig()).tolist()


def _one_after_another(count: int = 2, num_frames: int = 6) -> Hypotheses:
    """Drawers along one axis, each of which opens a frame after the one before."""
    values = 0.3 * (np.arange(num_frames) > np.arange(count)[:, None]).astype(float)
    return Hypotheses(
        is_revolute=np.zeros(count, dtype=bool),
        axes=np.tile([0.0, 0.0, 1.0], (count, 1)),
        pivots=np.zeros((count, 3)),
        values=values,
        scores=np.full(count, 0.5),
    )


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_point_clip(JointType.REVOLUTE, seed=0, num_frames=6, num_points=128)


def test_of_two_hypotheses_that_move_the_same_points_alike_the_surer_is_kept(clip: Clip) -> None:
    part = clip.part_ids == 1
    rest = (clip.part_ids == 0) & clip.video.valid
    logits = np.where(np.stack([part, part, rest, rest]), 5.0, -5.0)
    same = _one_after_another().take(np.array([0, 0, 1, 1]))
    assert _select(clip, same, logits, [0.5, 0.9, 0.3, 0.05]) == [1, 2]


def test_parts_whose_masks_spill_over_each_other_are_told_apart_by_their_motions(clip: Clip) -> None:
    valid = clip.video.valid
    left = valid & (clip.video.points_world[..., 0] < np.median(clip.video.points_world[..., 0][valid]))
    right = valid & ~left
    both = np.where(left | right, 2.0, -5.0)
    spilling = np.stack([np.where(left, 5.0, both), np.where(right, 4.0, both)])
    assert _select(clip, _one_after_another(), spilling, [0.8, 0.6]) == [0, 1]
    # Verdicts that are nowhere the surer ones give no part, and neither does the same motion.
    assert _select(clip, _one_after_another(), np.stack([both, both]), [0.8, 0.6]) == [0]
    assert _select(clip, _one_after_another().take(np.array([0, 0])), spilling, [0.8, 0.6]) == [0]


def test_a_known_part_makes_way_for_its_own_motion_only(clip: Clip) -> None:
    everywhere = np.where(np.stack([clip.video.valid] * 2), np.array([5.0, 2.0])[:, None, None], -5.0)
    assert _select(clip, _one_after_another(), everywhere, [0.9, 0.5], known=(1,)) == [0, 1]
    same = _one_after_another().take(np.array([0, 0]))
    assert _select(clip, same, everywhere, [0.9, 0.5], known=(1,)) == [0]


def _sample(video: PointVideo) -> SampleJudge:
    """All points of a clip, all of them judged, without main directions."""
    scene = prepare(video, EvidenceConfig())._replace(smoothed=video, directions=np.zeros((0, 3)))
    slots = np.tile(np.arange(video.num_points), (video.num_frames, 1))
    sample = Sample.of(scene, slots, video.num_points)
    return SampleJudge(network=Judge(JudgeConfig(num_features=8)), sample=sample)


def _half_way(truth: Hypotheses) -> Hypotheses:
    """Motion that stops half way: what a hypothesis looks like after flow was lost."""
    held = np.where(np.arange(truth.values.shape[1]) < 4, truth.values, truth.values[:, 3:4])
    return dataclasses.replace(truth, values=held)


def _fitted(clip: Clip, video: PointVideo, hypotheses: Hypotheses, score: float = 0.9) -> Hypotheses:
    """Fitted to the true mask."""
    judgement = _judgement(np.stack([clip.part_ids == 1]), [score])
    return fit_promising(_sample(video), hypotheses, judgement, np.zeros(1, dtype=bool), PromisingConfig())


def test_a_hypothesis_with_the_right_mask_and_wrong_motion_is_mended() -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=256)
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization).joints
    wrong = _half_way(truth)
    after = _fitted(clip, normalize(clip.video, normalization), wrong)
    assert np.abs(after.values - truth.values).max() < 0.1 * np.abs(wrong.values - truth.values).max()


def test_a_hypothesis_that_promises_nothing_stays_as_it_is() -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=256)
    normalization = fit_normalization(clip.video)
    wrong = _half_way(normalized_truth(clip, normalization).joints)
    after = _fitted(clip, normalize(clip.video, normalization), wrong, score=0.001)
    np.testing.assert_array_equal(after.values, wrong.values)


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_flow_that_stays_behind_does_not_ruin_a_hypothesis(share: float) -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=1024)
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization).joints
    video = normalize(clip.video, normalization)
    # As of a part without texture: flow is measured everywhere, and a tenth of what it should be.
    stuck = dataclasses.replace(video, flow_world=0.1 * video.flow_world)
    after = _fitted(clip, stuck, dataclasses.replace(truth, values=share * truth.values))
    assert np.abs(after.values - truth.values).max() < 0.06


def test_of_equal_versions_the_one_along_a_direction_is_shortest_and_of_others_the_true_one() -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=2, num_frames=6, num_points=128)
    normalization = fit_normalization(clip.video)
    video, true = normalize(clip.video, normalization), normalized_truth(clip, normalization).joints[0]
    weights = (clip.part_ids == 1).astype(float)
    fitted = refit(video, true, weights)
    along = dataclasses.replace(fitted, axis=true.axis)
    free = dataclasses.replace(fitted, axis=rotation_from_rotvec(np.array([0.01, 0.0, 0.0])) @ true.axis)
    assert shortest(video, None, weights, [free, along], true.axis[None]) is along
    wrong = dataclasses.replace(along, values=0.5 * along.values)
    assert shortest(video, None, weights, [wrong, free], true.axis[None]) is free


def test_fitted_joints_are_judged_beside_the_rest_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=6, num_points=128)
    normalization = fit_normalization(clip.video)
    video, true = normalize(clip.video, normalization), normalized_truth(clip, normalization).joints
    pool = join_hypotheses([_half_way(true), true, _half_way(true)])
    sizes: list[int] = []

    def judge(self: SampleJudge, asked: Hypotheses) -> Judgement:
        sizes.append(len(asked))
        np.testing.assert_array_equal(asked.values[1:], pool.values[[0, 2]])
        return _judgement(np.tile(clip.part_ids == 1, (len(asked), 1, 1)), np.linspace(0.9, 0.1, len(asked)))

    monkeypatch.setattr(SampleJudge, "judge", judge)
    judgement = _judgement(np.tile(clip.part_ids == 1, (3, 1, 1)), [0.3, 0.8, 0.2])
    joints, scores, odds = fit_types(_sample(video), pool, judgement, np.array([1]))
    assert sizes == [3, 3]
    assert scores.tolist() == [0.9]
    assert odds[0] > 0
    assert np.abs(joints[0].values - true.values[0]).max() < 0.05
