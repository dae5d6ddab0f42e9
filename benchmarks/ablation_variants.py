"""What is compared: tables, and the variants in each."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from ablation_sets import KINDS

from sim2art.inference.score.evidence import (
    BASELINE_FEATURES,
    NUM_TARGETS,
    PAIR_FEATURES,
    TARGET_FEATURES,
    EvidenceKind,
    num_evidence_features,
    num_features_of,
)
from sim2art.simulate.generate import CorruptionName

BASELINES = 3
CORRUPTIONS: tuple[CorruptionName, ...] = ("none", "paper", "real")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One training run of a table and what it is tested on."""

    table: str
    name: str
    network: Literal["judge", "paper", "queries"] = "judge"
    kinds: tuple[EvidenceKind, ...] = ("rest_pose", "residuals")
    """Evidence of the judge beyond the basic one."""
    baselines: int = BASELINES
    """How many of the flow baselines are shown; 0: no flow."""
    has_surface: bool = True
    """Whether the evidence that needs no flow is shown."""
    train_on: CorruptionName = "real"
    test_on: tuple[CorruptionName, ...] = ("real",)
    num_clips: int | None = None
    """Use only so many training clips; the number of steps stays."""
    has_features: bool = False
    """Learn from and test on clips with semantic features."""
    drop_semantics: float = 0.0
    test_without_semantics: bool = False
    encoder: tuple[tuple[str, Any], ...] = ()
    """Changed sizes of the encoder."""
    decode: bool = False
    """Also run the whole method on clips."""

    def hidden_columns(self, *, without_semantics: bool = False) -> list[int]:
        """Columns of the evidence that this variant does not see."""
        flow = BASELINES * BASELINE_FEATURES
        surface = flow + NUM_TARGETS * TARGET_FEATURES
        hidden = list(range(self.baselines * BASELINE_FEATURES, flow))
        hidden += [] if self.has_surface else list(range(flow, surface))
        at = surface + PAIR_FEATURES
        for kind in KINDS:
            count = num_features_of(kind, BASELINES)
            if kind not in self.kinds or (kind == "semantics" and without_semantics):
                hidden += range(at, at + count)
            elif kind == "residuals":
                hidden += range(at + self.baselines * count // BASELINES, at + count)
            at += count
        assert at == num_evidence_features(BASELINES, KINDS)
        return hidden


_NONE = Variant(table="", name="", kinds=())
_ALL: tuple[EvidenceKind, ...] = ("targets", "free_space", "rest_pose", "residuals")
_ENCODER = replace(_NONE, table="encoder", network="paper")

VARIANTS: tuple[Variant, ...] = (
    replace(_NONE, table="evidence", name="basic"),
    *(replace(_NONE, table="evidence", name=f"basic + {kind}", kinds=(kind,)) for kind in _ALL),
    replace(_NONE, table="evidence", name="basic + rest_pose + residuals", kinds=("rest_pose", "residuals")),
    replace(_NONE, table="evidence", name="all", kinds=_ALL),
    replace(_NONE, table="evidence", name="basic without surfaces", has_surface=False),
    replace(_NONE, table="flow", name="no flow (surfaces only)", baselines=0, kinds=("rest_pose",)),
    replace(_NONE, table="flow", name="baseline 1", baselines=1, kinds=("rest_pose", "residuals")),
    replace(_NONE, table="flow", name="baselines 1, 3", baselines=2, kinds=("rest_pose", "residuals")),
    replace(_NONE, table="flow", name="baselines 1, 3, 8", kinds=("rest_pose", "residuals")),
    *(Variant(table="noise", name=f"trained on {noise}", train_on=noise, test_on=CORRUPTIONS) for noise in CORRUPTIONS),
    *(Variant(table="clips", name=f"{count} clips", num_clips=count) for count in (60, 125, 250)),
    Variant(table="clips", name="all clips"),
    Variant(table="semantics", name="never with features", has_features=True),
    Variant(
        table="semantics",
        name="features, hidden from 40 % of clips",
        kinds=("rest_pose", "residuals", "semantics"),
        has_features=True,
        drop_semantics=0.4,
        test_without_semantics=True,
    ),
    Variant(
        table="semantics",
        name="always with features",
        kinds=("rest_pose", "residuals", "semantics"),
        has_features=True,
        test_without_semantics=True,
    ),
    Variant(table="presets", name="proposals", decode=True),
    replace(_ENCODER, table="presets", name="paper", decode=True),
    replace(_ENCODER, table="presets", name="queries", network="queries", decode=True),
    replace(_ENCODER, name="64 anchors, radius 0.25, 32 neighbours, depth 4"),
    replace(_ENCODER, name="32 anchors", encoder=(("num_anchors", 32),)),
    replace(_ENCODER, name="128 anchors", encoder=(("num_anchors", 128),)),
    replace(_ENCODER, name="radius 0.12", encoder=(("radius", 0.12),)),
    replace(_ENCODER, name="radius 0.5", encoder=(("radius", 0.5),)),
    replace(_ENCODER, name="8 neighbours", encoder=(("num_neighbors", 8),)),
    replace(_ENCODER, name="depth 1", encoder=(("depth", 1),)),
    replace(_ENCODER, name="depth 8", encoder=(("depth", 8),)),
)
"""Every training run; tables in the order of their first variant."""

TABLES: dict[str, str] = {
    "evidence": "Kinds of evidence of the judge",
    "flow": "Flow, and several baselines (hypotheses come from the flow in every row)",
    "noise": "Noise of the training clips, tested on all three",
    "clips": "Number of training clips, steps being the same",
    "semantics": "DINOv2-S features of 4 keyframes",
    "presets": "Slots from scratch against hypothesise and verify",
    "encoder": "The point encoder, in preset paper",
    "parts": "Many parts (the shipped checkpoint, nothing is trained)",
}
