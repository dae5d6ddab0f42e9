"""The judge asked about joints on the points that were drawn from a clip."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import Judgement
from sim2art.proposals.evidence import EvidenceConfig, EvidenceKind, Surface, lay_out_evidence
from sim2art.proposals.hypotheses import Hypotheses

MARGIN = 0.02
"""Another version of a joint must score higher by this than the first one."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Points drawn from a clip, with all that is needed to judge joints on them."""

    network: Judge
    video: PointVideo
    """The drawn points, in normalised coordinates, flow smoothed; the judged ones are the first slots of each frame."""
    normals: Float[np.ndarray, "frame slot 3"]
    """Of the drawn points, of either sign; zeros where unknown."""
    directions: Float[np.ndarray, "direction 3"]
    """That axes are likely to lie along (`find_main_directions`)."""
    surface: Surface
    """Of the whole clip."""
    evidence: EvidenceConfig
    num_judged: int
    known: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    """Evidence (frame, judged, feature) about each hypothesis of the last pool: the next one holds many of them again."""
    near: list[Tensor] = field(default_factory=list, init=False, repr=False)
    """The judge's neighbourhoods of the judged points, once they were needed."""

    @property
    def judged(self) -> Int[np.ndarray, "frame judged"]:
        """Slots that are judged."""
        return np.tile(np.arange(min(self.num_judged, self.video.num_points)), (self.video.num_frames, 1))

    def judge(self, pool: Hypotheses) -> Judgement:
        """What the network says of hypotheses; there must be one."""
        return _ask(self.network, self.video, self.judged, self._lay_out(pool), self.near)

    def prefer(
        self, versions: Sequence[Hypotheses], known: Sequence[Judgement] = ()
    ) -> tuple[Int[np.ndarray, "hypothesis"], Judgement]:
        """Which version of each hypothesis scores best, and what was said of it.

        Each version of all hypotheses is judged apart: near-duplicates side by side would take each other's score.

        Args:
            versions: The same hypotheses in several versions, the one to take when in doubt first.
            known: Judgements of the last versions that were made already.
        """
        asked = versions[: len(versions) - len(known)]
        verdicts = [*(self.judge(version) for version in asked), *known]
        scores = np.array([verdict.scores for verdict in verdicts])
        scores[1:] -= MARGIN
        best = np.argmax(scores, axis=0)
        rows = np.arange(len(best))
        return best, Judgement(
            **{
                field.name: np.stack([getattr(verdict, field.name) for verdict in verdicts])[best, rows]
                for field in dataclasses.fields(Judgement)
            }
        )

    def _lay_out(self, pool: Hypotheses) -> Float[np.ndarray, "hypothesis frame judged feature"]:
        """Evidence about a pool, made for those that the last one did not hold: each stands for itself."""
        keys = pool.keys()
        new = np.array([index for index, key in enumerate(keys) if key not in self.known], dtype=int)
        if len(new):
            made = lay_out_evidence(self.video, self.surface, pool.take(new), self.judged, self.evidence)
            self.known.update((keys[index], features) for index, features in zip(new, made, strict=True))
        held = {key: self.known[key] for key in keys}
        self.known.clear()
        self.known.update(held)
        return np.stack([held[key] for key in keys])


def evidence_for(network: Judge | MaskNetwork, config: EvidenceConfig) -> EvidenceConfig:
    """What evidence a network was trained on."""
    return dataclasses.replace(config, kinds=cast("tuple[EvidenceKind, ...]", network.config.evidence))


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
