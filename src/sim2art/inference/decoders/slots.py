"""Decoding of the paper's network (method `paper`): argmax over slots, joints as the heads say, nothing fitted."""

import numpy as np
import torch
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidValueError
from sim2art.inference.assembly import assemble_estimate
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.networks.slot_network import SlotConfig, SlotNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

MIN_SHARE = 0.01
"""Slots with a smaller share of the points are pruned."""


@torch.inference_mode()
def decode_slots(network: SlotNetwork, video: PointVideo) -> ArticulationEstimate:
    """The paper's network from points to an estimate; the same video gives the same estimate.

    The encoder sees as many points a frame as it learned from, drawn at random; masks are asked for all points.
    """
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    device = next(network.parameters()).device
    points = torch.from_numpy(normalized.points_world.astype(np.float32))[None].to(device)
    features = torch.from_numpy(read_channels(normalized, network.config))[None].to(device)
    valid = torch.from_numpy(normalized.valid.copy())[None].to(device)
    seen = torch.from_numpy(_draw(video.valid, network.config.num_points))[None].to(device)
    output = network(
        *(x.gather(2, seen[..., None].expand(-1, -1, -1, x.shape[-1])) for x in (points, features)),
        valid.gather(2, seen),
        asked=(points, features),
    )
    types = torch.softmax(output.types[0], dim=-1).cpu().numpy().astype(np.float64)
    # A slot's claim on a point: its mask, discounted by how likely it is empty.
    claims = torch.sigmoid(output.masks[0]).cpu().numpy() * (1 - types[:, 3])[:, None, None]
    kinds = types[:, :3].argmax(axis=1)
    owner = claims.argmax(axis=0)
    shares = np.array([(owner[video.valid] == slot).mean() for slot in range(len(kinds))])
    moving = [slot for slot in range(len(kinds)) if kinds[slot] > 0 and shares[slot] >= MIN_SHARE]
    static = claims[[slot for slot in range(len(kinds)) if slot not in moving]].max(axis=0)
    stacked = np.stack([static, *(claims[slot] for slot in moving)], axis=-1) + 1e-6
    axes, pivots = (x[0].cpu().numpy().astype(np.float64) for x in (output.axes, output.pivots))
    motions = output.motions[0].cpu().numpy().astype(np.float64)
    joints = [
        FittedJoint(
            is_revolute=bool(kinds[slot] == 1),
            axis=axes[slot] / np.linalg.norm(axes[slot]),
            pivot=pivots[slot],
            values=motions[:, slot],
            axis_sigma=float("inf"),
            pivot_sigma=float("inf"),
            num_rows=0.0,
        )
        for slot in moving
    ]
    return assemble_estimate(
        video,
        normalization,
        joints,
        stacked / stacked.sum(axis=-1, keepdims=True),
        revolute_probabilities=np.array([types[s, 1] / (types[s, 1] + types[s, 2]) for s in moving]),
        confidences=np.array([1 - types[s, 3] for s in moving]),
    )


def read_channels(video: PointVideo, config: SlotConfig) -> Float[np.ndarray, "frame point channel"]:
    """Flow channels (float32) of the baselines that a network learned from, then semantic ones.

    A flow that the video lacks is not measured; semantics that it lacks are zeros, their mean.

    Raises:
        InvalidValueError: When the video has semantic features of another number.
    """
    own = video.flow_channels().reshape(video.num_frames, video.num_points, -1, 4)
    channels = np.zeros((*own.shape[:2], len(config.baselines), 4), np.float32)
    for index, baseline in enumerate(config.baselines):
        if baseline in video.baselines:
            channels[:, :, index] = own[:, :, video.baselines.index(baseline)]
    flows = channels.reshape(*own.shape[:2], -1)
    if not config.num_semantics:
        return flows
    semantics = (
        np.zeros((*own.shape[:2], config.num_semantics), np.float32) if video.features is None else video.features
    )
    if semantics.shape[2] != config.num_semantics:
        raise InvalidValueError(
            f"The network learned from {config.num_semantics} semantic channels; the video has {semantics.shape[2]}."
        )
    return np.concatenate([flows, semantics.astype(np.float32)], axis=-1)


def _draw(valid: np.ndarray, num_points: int) -> np.ndarray:
    """Slots (frame, point), valid ones first, always the same for the same video."""
    keys = np.random.default_rng(0).random(valid.shape) + np.where(valid, 0.0, 2.0)
    return np.argsort(keys, axis=1)[:, :num_points]
