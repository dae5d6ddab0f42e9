import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.predict.fitting import Judgement
from sim2art.predict.second_look import SecondLookConfig, refit_promising
from sim2art.predict.selection import SelectionConfig, select
from sim2art.proposals.hypotheses import Hypotheses
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
    chosen = select(_judgement(masks, [0.5, 0.9, 0.3, 0.05]), clip.video, 0.1, SelectionConfig())
    assert chosen.tolist() == [1, 2]


def test_a_guess_with_the_right_mask_and_wrong_motion_is_mended_by_a_second_look():
    clip = make_point_clip(JointType.REVOLUTE, seed=1, num_frames=8, num_points=256)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    truth = normalized_truth(clip, normalization).joints
    # Motion that stops half way: what a guess looks like after flow was lost.
    wrong = Hypotheses(
        is_revolute=truth.is_revolute,
        axes=truth.axes,
        pivots=truth.pivots,
        values=np.where(np.arange(truth.values.shape[1]) < 4, truth.values, truth.values[:, 3:4]),
        scores=truth.scores,
    )
    masks = np.stack([clip.part_ids == 1])
    pool = refit_promising(video, wrong, _judgement(masks, [0.2]), SecondLookConfig())
    before, after = (np.abs(x.values - truth.values).max() for x in (wrong, pool))
    assert after < 0.1 * before


def test_a_pool_without_anything_promising_stays_as_it_is():
    clip = make_point_clip(JointType.REVOLUTE, seed=2, num_frames=6, num_points=128)
    normalization = fit_normalization(clip.video)
    pool = normalized_truth(clip, normalization).joints
    masks = np.stack([clip.part_ids == 1])
    assert (
        refit_promising(normalize(clip.video, normalization), pool, _judgement(masks, [0.001]), SecondLookConfig())
        is pool
    )
