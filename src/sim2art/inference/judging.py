"""The judge asked about hypotheses, on points sampled from a scene."""

import dataclasses
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.scene import Scene
from sim2art.inference.score.evidence import EvidenceConfig, EvidenceKind, Surface, lay_out_evidence
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The judge's answer as probabilities, in NumPy."""

    mask_logits: Float[np.ndarray, "hypothesis frame point"]
    scores: Float[np.ndarray, "hypothesis"]
    """0..1."""
    revolute_logits: Float[np.ndarray, "hypothesis"]
    """Log-odds of revolute against prismatic."""

    def take(self, indices: np.ndarray) -> "Judgement":
        """What was said of the chosen hypotheses, in the given order."""
        return Judgement(
            mask_logits=self.mask_logits[indices],
            scores=self.scores[indices],
            revolute_logits=self.revolute_logits[indices],
        )


class Sample(NamedTuple):
    """Points of a scene, some in each frame; hypotheses come from them, are fitted to them, and are judged on the first ones."""

    scene: Scene
    slots: Int[np.ndarray, "frame sample"]
    """Of the scene's points."""
    video: PointVideo
    """The points, their flow smoothed."""
    normals: Float[np.ndarray, "frame sample 3"]
    num_judged: int

    @classmethod
    def of(cls, scene: Scene, slots: Int[np.ndarray, "frame sample"], num_judged: int) -> "Sample":
        """The points in these slots."""
        frames = np.arange(len(slots))[:, None]
        return cls(scene, slots, scene.smoothed.take(slots), scene.normals[frames, slots], num_judged)

    @property
    def judged(self) -> Int[np.ndarray, "frame judged"]:
        """Places in the sample that are judged."""
        return np.tile(np.arange(min(self.num_judged, self.video.num_points)), (self.video.num_frames, 1))

    def weights(self, shares: Float[np.ndarray, "frame judged"]) -> Float[np.ndarray, "frame sample"]:
        """Shares of judged points as weights of all points; 0 for the others."""
        out = np.zeros(self.video.valid.shape)
        np.put_along_axis(out, self.judged, shares, axis=1)
        return out * self.video.valid


@dataclass(frozen=True, kw_only=True)
class SampleJudge:
    """A judge that is asked about one sample several times: what it needs to know of the points is kept."""

    network: Judge
    sample: Sample
    known: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    """Evidence (frame, judged, feature) about each hypothesis of the last pool: the next one holds many of them again."""
    near: list[Tensor] = field(default_factory=list, init=False, repr=False)
    """The judge's neighbourhoods of the judged points, once they were needed."""

    def judge(self, pool: Hypotheses) -> Judgement:
        """What the network says of hypotheses; there must be one."""
        keys = pool.keys()
        new = np.array([index for index, key in enumerate(keys) if key not in self.known], dtype=int)
        video, judged = self.sample.video, self.sample.judged
        if len(new):
            made = lay_out_evidence(
                video, self.sample.scene.surface, pool.take(new), judged, evidence_for(self.network)
            )
            self.known.update((keys[index], features) for index, features in zip(new, made, strict=True))
        held = {key: self.known[key] for key in keys}
        self.known.clear()
        self.known.update(held)
        return _ask(self.network, video, judged, np.stack([held[key] for key in keys]), self.near)


def evidence_for(network: Judge | MaskNetwork) -> EvidenceConfig:
    """What evidence a network was trained on."""
    return dataclasses.replace(EvidenceConfig(), kinds=cast("tuple[EvidenceKind, ...]", network.config.evidence))


def judge(
    network: Judge,
    video: PointVideo,
    surface: Surface,
    pool: Hypotheses,
    point_indices: Int[np.ndarray, "frame judged"],
    evidence: EvidenceConfig,
) -> Judgement:
    """Run the network on chosen points of a normalised video with smoothed flow."""
    features = lay_out_evidence(video, surface, pool, point_indices, evidence)
    return _ask(network, video, point_indices, features, [])


@torch.inference_mode()
def _ask(
    network: Judge,
    video: PointVideo,
    point_indices: Int[np.ndarray, "frame judged"],
    features: Float[np.ndarray, "hypothesis frame judged feature"],
    near: list[Tensor],
) -> Judgement:
    """Run the network on evidence that was laid out for chosen points; `near` is filled for the next time."""
    device = next(network.parameters()).device
    frames = np.arange(video.num_frames)[:, None]
    points = torch.from_numpy(video.points_world[frames, point_indices].astype(np.float32))[None].to(device)
    valid = torch.from_numpy(video.valid[frames, point_indices])[None].to(device)
    if not near:
        near += network.neighborhoods(points, valid)
    hypotheses = torch.ones((1, len(features)), dtype=torch.bool, device=device)
    output = network(torch.from_numpy(features)[None].to(device), points, valid, hypotheses, near)
    types = output.types[0].float().cpu().numpy()
    return Judgement(
        mask_logits=output.masks[0].float().cpu().numpy(),
        scores=torch.sigmoid(output.scores[0].float()).cpu().numpy(),
        revolute_logits=types[:, 1] - types[:, 0],
    )
