"""Masks drawn anew once the joints are final: by the mask network, over all points of all frames at once."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from sim2art.inference.assembly import hypotheses_from_joints
from sim2art.inference.assign.consensus import share_out
from sim2art.inference.assign.mask_evidence import JOINT_SUPPORT, Neighborhood, gather_mask_evidence, gather_world
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.judging import evidence_for
from sim2art.inference.scene import prepare
from sim2art.networks.mask_network import Links, MaskNetwork, link
from sim2art.observation.point_video import PointVideo


@torch.inference_mode()
def predict_masks(
    network: MaskNetwork,
    video: PointVideo,
    joints: Sequence[JointGuess],
    probabilities: Float[np.ndarray, "frame point part"],
) -> Float[np.ndarray, "frame point part"]:
    """Part probabilities of all points, the base first.

    Args:
        video: In normalised coordinates.
        joints: At least one; all of them on the base, as the network has learned no others.
        probabilities: As the judge gave them.
    """
    config = evidence_for(network)
    scene = prepare(video, config)
    pool = hypotheses_from_joints(joints, np.full(len(joints), JOINT_SUPPORT))
    evidence = gather_mask_evidence(scene.smoothed, scene.surface, scene.normals, pool, probabilities, config)
    device = next(network.parameters()).device
    world = _link(gather_world(video, scene.normals), device)
    logits = np.full((len(pool), *video.valid.shape), -10.0)
    for part, shown in enumerate(evidence):
        features = torch.from_numpy(shown.features).to(device)
        logits[part][video.valid] = network(features, [*world, *_link(shown.rest, device)]).masks.cpu().numpy()
    return share_out(video, logits)


def _link(neighborhood: Neighborhood, device: torch.device) -> list[Links]:
    return link(*(torch.from_numpy(x).to(device) for x in neighborhood))
