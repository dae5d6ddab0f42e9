"""Decoding of the `paper` preset: argmax over slots, joints as the heads say, then the same joint fit."""

import numpy as np
import torch

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.slot_network import SlotNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.assembly import assemble_estimate
from sim2art.proposals.hypotheses import JointGuess
from sim2art.proposals.joint_fit import FittedJoint, fit_joint, gather_part_flow

MIN_SHARE = 0.01
"""Slots with a smaller share of the points are pruned."""


@torch.inference_mode()
def decode_slots(network: SlotNetwork, video: PointVideo) -> ArticulationEstimate:
    """The paper's network from points to an estimate; nothing is random here."""
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    device = next(network.parameters()).device
    output = network(
        torch.from_numpy(normalized.points_world.astype(np.float32))[None].to(device),
        torch.from_numpy(normalized.flow_channels().astype(np.float32))[None].to(device),
        torch.from_numpy(normalized.valid.copy())[None].to(device),
    )
    types = torch.softmax(output.types[0].float(), dim=-1).cpu().numpy()
    # A slot's claim on a point: its mask, discounted by how likely it is empty.
    claims = torch.sigmoid(output.masks[0].float()).cpu().numpy() * (1 - types[:, 3])[:, None, None]
    kinds = types[:, :3].argmax(axis=1)
    owner = claims.argmax(axis=0)
    shares = np.array([(owner[video.valid] == slot).mean() for slot in range(len(kinds))])
    moving = [slot for slot in range(len(kinds)) if kinds[slot] > 0 and shares[slot] >= MIN_SHARE]
    static = claims[[slot for slot in range(len(kinds)) if slot not in moving]].max(axis=0)
    stacked = np.stack([static, *(claims[slot] for slot in moving)], axis=-1) + 1e-6
    probabilities = stacked / stacked.sum(axis=-1, keepdims=True)
    joints: list[FittedJoint] = []
    for position, slot in enumerate(moving):
        rows = gather_part_flow(normalized, probabilities[..., position + 1] * video.valid)
        joints.append(
            fit_joint(
                rows,
                JointGuess(
                    is_revolute=bool(kinds[slot] == 1),
                    axis=output.axes[0, slot].float().cpu().numpy().astype(np.float64),
                    pivot=output.pivots[0, slot].float().cpu().numpy().astype(np.float64),
                    values=output.motions[0, :, slot].float().cpu().numpy().astype(np.float64),
                ),
            )
        )
    return assemble_estimate(
        video,
        normalization,
        joints,
        probabilities,
        revolute_probabilities=np.array([types[s, 1] / (types[s, 1] + types[s, 2]) for s in moving]),
        confidences=np.array([1 - types[s, 3] for s in moving]),
    )
