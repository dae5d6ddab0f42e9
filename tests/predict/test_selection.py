import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.networks.judge import Judge, JudgeConfig
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import Judgement
from sim2art.predict.judging import MARGIN, Draw
from sim2art.predict.second_look import SecondLookConfig, look_again
from sim2art.predict.selection import SelectionConfig, select
from sim2art.proposals.evidence import EvidenceConfig, index_video
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.rest_pose import disc_normals
from sim2art.proposals.surface_grid import index_surface
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


def _judgement(masks, scores):
    return Judgement(
        mask_logits=np.where(masks, 5.0, -5.0), scores=np.array(scores), revolute_logits=np.zeros(len(scores))
    )


def test_of_two_masks_on_the_same_points_the_surer_is_kept():
    clip = make_point_clip(JointType.REVOLUTE, seed=0, num_frames=6, num_points=128)
    part = clip.part_ids == 1
    rest = (clip.part_ids == 0) & clip.video.valid
    masks = np.stack([part, part, rest, rest])
    chosen = select(
        _judgement(masks, [0.5, 0.9, 0.3, 0.05]), clip.video, np.array([0.1, 0.1, 0.1, 0.1]), SelectionConfig()
    )
    assert chosen.tolist() == [1, 2]


def test_each_hypothesis_has_its_own_least_score():
    clip = make_point_clip(JointType.REVOLUTE, seed=0, num_frames=6, num_points=128)
    masks = np.stack([clip.part_ids == 1, (clip.part_ids == 0) & clip.video.valid])
    for least, expected in (([0.1, 0.1], [1, 0]), ([0.1, 0.6], [0]), ([0.3, 0.6], [])):
        assert (
            select(_judgement(masks, [0.2, 0.5]), clip.video, np.array(least), SelectionConfig()).tolist() == expected
        )


class _KnowingDraw(Draw):
    """Scores hypotheses by how near their motion comes to the truth, and gives each of them the moving part."""

    true_values: np.ndarray
    part: np.ndarray

    def judge(self, pool: Hypotheses) -> Judgement:
        errors = np.abs(pool.values - self.true_values).max(axis=1)
        return _judgement(np.stack([self.part] * len(pool)), 0.9 * np.exp(-errors))


def _draw(clip: Clip, video: PointVideo, true_values: np.ndarray) -> Draw:
    evidence = EvidenceConfig()
    draw = _KnowingDraw(
        network=Judge(JudgeConfig(num_features=8)), video=video, surface=index_video(video, evidence),
        normals=disc_normals(index_surface(video.points_world, video.valid, video.num_points)),
        directions=np.zeros((0, 3)), evidence=evidence, num_judged=video.num_points,
    )  # fmt: skip
    object.__setattr__(draw, "true_values", true_values)
    object.__setattr__(draw, "part", clip.part_ids == 1)
    return draw


def _half_way(truth: Hypotheses) -> Hypotheses:
    """Motion that stops half way: what a guess looks like after flow was lost."""
    held = np.where(np.arange(truth.values.shape[1]) < 4, truth.values, truth.values[:, 3:4])
    return dataclasses.replace(truth, values=held)


def test_a_guess_with_the_right_mask_and_wrong_motion_is_mended_by_a_second_look():
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=256)
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization).joints
    draw = _draw(clip, normalize(clip.video, normalization), truth.values)
    wrong = _half_way(truth)
    pool, judgement = look_again(draw, wrong, draw.judge(wrong), SecondLookConfig())
    before, after = (np.abs(x.values - truth.values).max() for x in (wrong, pool))
    assert after < 0.1 * before
    assert judgement.scores[0] > draw.judge(wrong).scores[0] + 0.1


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_flow_that_stays_behind_does_not_ruin_a_guess(share: float) -> None:
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=256)
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization).joints
    video = normalize(clip.video, normalization)
    # As of a part without texture: measured everywhere, and a tenth of what it should be.
    draw = _draw(clip, dataclasses.replace(video, flow_world=0.1 * video.flow_world), truth.values)
    guess = dataclasses.replace(truth, values=share * truth.values)
    pool, _ = look_again(draw, guess, draw.judge(guess), SecondLookConfig())
    assert np.abs(pool.values - truth.values).max() < 0.06


def test_a_pool_without_anything_promising_stays_as_it_is():
    clip = make_point_clip(JointType.REVOLUTE, seed=2, num_frames=6, num_points=128)
    normalization = fit_normalization(clip.video)
    pool = normalized_truth(clip, normalization).joints
    draw = _draw(clip, normalize(clip.video, normalization), pool.values)
    masks = np.stack([clip.part_ids == 1])
    assert look_again(draw, pool, _judgement(masks, [0.001]), SecondLookConfig())[0] is pool


def test_in_doubt_the_first_version_is_preferred():
    clip = make_point_clip(JointType.REVOLUTE, seed=2, num_frames=6, num_points=128)
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization).joints
    draw = _draw(clip, normalize(clip.video, normalization), truth.values)
    a_little_off, far_off = (dataclasses.replace(truth, values=truth.values + x) for x in (0.5 * MARGIN, 0.5))
    assert draw.prefer([a_little_off, truth, far_off])[0].tolist() == [0]
    best, judgement = draw.prefer([far_off, a_little_off, truth], [draw.judge(truth)])
    assert best.tolist() == [2]
    assert judgement.scores[0] == draw.judge(truth).scores[0]
