"""The judge asked about joints on the points that were drawn from a clip."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int

from sim2art.networks.judge import Judge
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
    surface: Surface
    """Of the whole clip."""
    evidence: EvidenceConfig
    num_judged: int

    @property
    def judged(self) -> Int[np.ndarray, "frame judged"]:
        """Slots that are judged."""
        return np.tile(np.arange(min(self.num_judged, self.video.num_points)), (self.video.num_frames, 1))

    def judge(self, pool: Hypotheses) -> Judgement:
        """What the network says of hypotheses; there must be one."""
        return judge(self.network, self.video, self.surface, pool, self.judged, self.evidence)

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


def evidence_for(network: Judge, config: EvidenceConfig) -> EvidenceConfig:
    """What evidence a network was trained on."""
    return dataclasses.replace(config, kinds=cast("tuple[EvidenceKind, ...]", network.config.evidence))


@torch.inference_mode()
def judge(
    network: Judge,
    video: PointVideo,
    surface: Surface,
    pool: Hypotheses,
    point_indices: Int[np.ndarray, "frame judged"],
    evidence: EvidenceConfig,
) -> Judgement:
    """Run the network on chosen points of a normalised video with smoothed flow."""
    device = next(network.parameters()).device
    features = lay_out_evidence(video, surface, pool, point_indices, evidence)
    frames = np.arange(video.num_frames)[:, None]
    points = video.points_world[frames, point_indices].astype(np.float32)
    output = network(
        torch.from_numpy(features)[None].to(device),
        torch.from_numpy(points)[None].to(device),
        torch.from_numpy(video.valid[frames, point_indices])[None].to(device),
        torch.ones((1, len(pool)), dtype=torch.bool, device=device),
    )
    types = output.types[0].float().cpu().numpy()
    return Judgement(
        mask_logits=output.masks[0].float().cpu().numpy(),
        scores=torch.sigmoid(output.scores[0].float()).cpu().numpy(),
        revolute_logits=types[:, 1] - types[:, 0],
    )
