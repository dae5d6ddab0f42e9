"""Masks drawn anew by the mask network that ships."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.evaluate.metrics import score_clip
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, MASKS_CHECKPOINT, load_checkpoint, save_checkpoint
from sim2art.inference.final_masks import predict_masks
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.loop import InferenceConfig, infer
from sim2art.inference.predictor import load_predictor
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_chain_clip, make_point_clip


@pytest.fixture(scope="module")
def network() -> MaskNetwork:
    loaded = load_checkpoint(MASKS_CHECKPOINT)
    assert isinstance(loaded, MaskNetwork)
    return loaded


def _found(clip, video, normalization, wrong: float) -> tuple[list[JointGuess], np.ndarray]:
    """The true joint with a mask of which a share of the points is wrong and none is sure."""
    joints = normalized_truth(clip, normalization).joints
    rng = np.random.default_rng(0)
    own = np.where(rng.random(video.valid.shape) < wrong, clip.part_ids != 1, clip.part_ids == 1)
    share = np.where(own, 0.7, 0.3) * video.valid
    return [joints[0]], np.stack([1 - share, share], axis=-1)


def _iou(clip, video, probabilities: np.ndarray) -> float:
    own, found = (clip.part_ids == 1) & video.valid, (probabilities[..., 1] > 0.5) & video.valid
    return float((own & found).sum() / (own | found).sum())


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_wrong_points_are_put_right_by_what_all_frames_show(network, kind) -> None:
    clip = make_point_clip(kind, num_points=768)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    joints, before = _found(clip, video, normalization, wrong=0.2)
    after = predict_masks(network, video, joints, before)
    assert _iou(clip, video, before) < 0.65
    assert _iou(clip, video, after) > 0.9
    np.testing.assert_allclose(after.sum(axis=-1), 1.0, atol=1e-6)
    assert np.all(after[~video.valid, 0] == 1.0)


def test_slots_without_points_change_nothing(network) -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_points=256)
    valid = clip.video.valid.copy()
    valid[3] = False
    video = dataclasses.replace(clip.video, valid=valid, flow_valid=clip.video.flow_valid & valid)
    normalization = fit_normalization(video)
    video = normalize(video, normalization)
    after = predict_masks(network, video, *_found(clip, video, normalization, wrong=0.1))
    assert np.all(after[3, :, 0] == 1.0) and _iou(clip, video, after) > 0.85


def test_inference_draws_the_masks_of_all_parts(network) -> None:
    judge = load_checkpoint(JUDGE_CHECKPOINT)
    assert isinstance(judge, Judge)
    for clip in (make_point_clip(JointType.REVOLUTE), make_chain_clip()):
        without = infer(judge, clip.video, InferenceConfig())
        drawn = infer(judge, clip.video, InferenceConfig(), network)
        assert [x.joint.name for x in drawn.joints] == [x.joint.name for x in without.joints]
        changed = np.any(drawn.part_probabilities != without.part_probabilities, axis=(0, 1))
        assert np.all(changed)
        np.testing.assert_allclose(drawn.part_probabilities.sum(axis=-1), 1.0, atol=1e-6)
        assert score_clip(clip, drawn).mean_iou > score_clip(clip, without).mean_iou - 0.02


def test_a_checkpoint_of_masks_works_with_the_judge_that_ships(network, tmp_path) -> None:
    video = make_point_clip(JointType.REVOLUTE, num_points=256).video
    shipped = load_predictor()(video)
    untrained = MaskNetwork(network.config)
    save_checkpoint(tmp_path / "masks", untrained)
    own = load_predictor(tmp_path / "masks")(video)
    assert [x.joint.type for x in own.joints] == [x.joint.type for x in shipped.joints] != []
    np.testing.assert_allclose(own.joints[0].joint.axis, shipped.joints[0].joint.axis)
    assert not np.allclose(own.part_probabilities, shipped.part_probabilities)
