"""Method `paper` as it ships: it knows a door from a drawer, and refuses other checkpoints."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.splits import CURVE_SEEDS
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.evaluate.metrics import score_clip
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, PAPER_CHECKPOINT, PAPER_REAL_CHECKPOINT, load_checkpoint
from sim2art.inference.decoders.slots import read_channels
from sim2art.methods import load_method
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.slot_network import SlotConfig, SlotNetwork
from sim2art.simulate.generate import ClipConfig, generate_clip
from tests.point_clips import make_point_clip


def test_other_networks_are_no_paper_network():
    with pytest.raises(
        InvalidFileError, match=r"needs a checkpoint of `sim2art train --preset paper-cpu`.*holds a Judge"
    ):
        load_method("paper", JUDGE_CHECKPOINT)


@pytest.mark.parametrize("folder", [PAPER_CHECKPOINT, PAPER_REAL_CHECKPOINT])
def test_the_shipped_weights_are_small_and_of_twenty_slots(folder):
    network = load_checkpoint(folder)
    assert isinstance(network, SlotNetwork)
    assert network.config.num_slots == 20
    assert (folder / "model.safetensors").stat().st_size < 10 * 2**20


def test_unseen_objects_are_mostly_taken_apart_rightly():
    config = ClipConfig(families=("laptop", "drawer_chest", "oven"), corruption="paper", num_points=512, image_size=128)
    method = load_method("paper", None)
    scores = []
    for seed in CURVE_SEEDS[-6:]:
        clip = generate_clip(config, seed)
        estimate = method(clip.video)
        again = method(clip.video)
        np.testing.assert_array_equal(estimate.part_probabilities, again.part_probabilities)
        scores.append(score_clip(clip, estimate))
    assert np.mean([score.mean_iou for score in scores]) > 0.6
    joints = [joint for score in scores for joint in score.joints]
    assert np.mean([joint.is_type_right for joint in joints]) > 0.5
    assert np.median([joint.penalised_axis_deg for joint in joints]) < 45


def _config(baselines, num_semantics=0):
    return SlotConfig(encoder=EncoderConfig(num_features=0), baselines=baselines, num_semantics=num_semantics)


def test_semantics_that_a_video_lacks_are_zeros_and_others_are_refused():
    video = make_point_clip(JointType.REVOLUTE, baselines=(1, 3)).video
    plain = read_channels(video, _config((1, 3)))
    assert np.all(read_channels(video, _config((1, 3), 2))[..., 8:] == 0)
    seen = dataclasses.replace(video, features=np.ones((*video.valid.shape, 2)))
    channels = read_channels(seen, _config((1, 3), 2))
    np.testing.assert_array_equal(channels[..., :8], plain)
    assert np.all(channels[..., 8:] == 1)
    with pytest.raises(InvalidValueError, match="from 3 semantic channels; the video has 2"):
        read_channels(seen, _config((1, 3), 3))


def test_flows_that_a_video_lacks_count_as_not_measured():
    video = make_point_clip(JointType.REVOLUTE, baselines=(1, 3)).video
    channels = read_channels(video, _config((1, 3, 8)))
    np.testing.assert_allclose(channels[..., :8], video.flow_channels(), atol=1e-6)
    assert np.all(channels[..., 8:] == 0)
    one = dataclasses.replace(video, baselines=(1,), flow_world=video.flow_world[:1], flow_valid=video.flow_valid[:1])
    np.testing.assert_allclose(read_channels(one, _config((1, 3)))[..., :4], channels[..., :4])
