"""Votes of points: features that know the flow, labels that a tiny network learns, clusters that become parts."""

import dataclasses

import numpy as np
import torch

from sim2art.articulation.joint import JointType
from sim2art.evaluate.metrics import score_clip
from sim2art.inference.checkpoint import load_checkpoint, save_checkpoint
from sim2art.inference.decoders.vote_features import (
    FLOW_GAIN,
    SURFACE_FEATURES,
    measure_vote_features,
    num_vote_features,
)
from sim2art.inference.decoders.votes import decode_votes
from sim2art.networks.vote_network import VoteConfig, VoteNetwork, VoteOutput
from sim2art.observation.normalization import fit_normalization, normalize
from tests.point_clips import make_point_clip


class KnowingNetwork(VoteNetwork):
    """Votes from the truth of one hinge or slide; which points move it reads from their flow."""

    def __init__(self, axis: np.ndarray, pivot: np.ndarray | None) -> None:
        super().__init__(VoteConfig(num_features=num_vote_features(3)))
        self.axis, self.pivot = axis, pivot

    def forward(self, features: torch.Tensor, valid: torch.Tensor) -> VoteOutput:
        flow = features[..., SURFACE_FEATURES : SURFACE_FEATURES + 3].norm(dim=-1) / FLOW_GAIN
        moves = (flow > 0.03).float()
        types = torch.zeros(*valid.shape, 3)
        types[..., 0] = 8 * (1 - moves)
        types[..., 2 if self.pivot is None else 1] = 8 * moves
        axes = torch.from_numpy(self.axis).float().expand(*valid.shape, 3)
        offsets = torch.zeros(*valid.shape, 3)
        return VoteOutput(types=types, axes=axes, offsets=offsets)


def test_features_tell_the_flow_and_its_turn() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=10, num_points=900, noise=0.0)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    features = measure_vote_features(video)
    assert features.shape == (10, 900, num_vote_features(3))
    panel = (clip.part_ids[0] == 1) & video.flow_valid[0, 0]
    wall = clip.part_ids[0] == 0
    flow = features[0, :, SURFACE_FEATURES : SURFACE_FEATURES + 3] / FLOW_GAIN
    assert np.median(np.linalg.norm(flow[panel] - video.flow_world[0, 0, panel], axis=1)) < 0.01
    assert np.abs(flow[wall]).max() < 0.02
    # The panel turns by 1.2 / 9 rad a frame about y; features hold twice that, and a plane shows half of a turn.
    turn = features[0, panel, SURFACE_FEATURES + 3 : SURFACE_FEATURES + 6]
    assert abs(np.median(np.abs(turn[:, 1])) - 1.2 / 9) < 0.02


def test_right_votes_become_the_right_joint() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_frames=8, num_points=512)
    estimate = decode_votes(KnowingNetwork(clip.truth.joints[0].axis, None), clip.video)
    (joint,) = score_clip(clip, estimate).joints
    assert joint.is_success(max_deg=1, max_cm=1)
    assert joint.motion_cm is not None and joint.motion_cm < 6
    assert np.allclose(estimate.part_probabilities.sum(axis=-1), 1.0)


def test_untrained_votes_are_a_valid_answer() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=4, num_points=200, baselines=(1, 3, 8))
    torch.manual_seed(0)
    network = VoteNetwork(VoteConfig(num_features=num_vote_features(3), width=16)).eval()
    estimate = decode_votes(network, clip.video)
    assert estimate.part_probabilities.shape[:2] == (4, 200)


def test_few_points_are_no_error() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=2, num_points=9, baselines=(1, 3, 8))
    network = VoteNetwork(VoteConfig(num_features=num_vote_features(3), width=16)).eval()
    assert decode_votes(network, clip.video).part_probabilities.shape[:2] == (2, 9)
    nothing = dataclasses.replace(
        clip.video, valid=np.zeros_like(clip.video.valid), flow_valid=np.zeros_like(clip.video.flow_valid)
    )
    assert decode_votes(network, nothing).joints == ()


def test_a_frame_knows_nothing_of_the_others_and_order_does_not_matter() -> None:
    torch.manual_seed(0)
    network = VoteNetwork(VoteConfig(num_features=7, width=16)).eval()
    features, valid = torch.randn(3, 20, 7), torch.rand(3, 20) > 0.2
    whole = network(features, valid)
    alone = network(features[1:2], valid[1:2])
    torch.testing.assert_close(whole.types[1:2], alone.types)
    order = torch.randperm(20)
    torch.testing.assert_close(network(features[:, order], valid[:, order]).axes, whole.axes[:, order])


def test_a_checkpoint_keeps_votes(tmp_path) -> None:
    torch.manual_seed(0)
    network = VoteNetwork(VoteConfig(num_features=7, width=16)).eval()
    save_checkpoint(tmp_path / "votes", network)
    again = load_checkpoint(tmp_path / "votes")
    features, valid = torch.randn(1, 20, 7), torch.ones(1, 20, dtype=torch.bool)
    torch.testing.assert_close(again(features, valid).types, network(features, valid).types, atol=0.02, rtol=0.02)
