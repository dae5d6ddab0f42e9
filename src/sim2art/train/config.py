"""Training settings and the named presets."""

from dataclasses import dataclass, field, replace
from typing import Literal

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.inference.score.evidence import EvidenceConfig
from sim2art.networks.judge import JudgeConfig
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.slot_network import SlotConfig
from sim2art.simulate.generate import ClipConfig
from sim2art.train.clip_kinds import ClipKind, guessed_kind, still_kind, wall_kinds
from sim2art.train.example_pools import GuessShares
from sim2art.train.examples import ExampleConfig
from sim2art.train.mask_examples import MaskExampleConfig
from sim2art.train.optimizers import OptimizerName
from sim2art.train.scene_flow import PairConfig

SMALL_CONTROLS = ("control_panel",) * 7 + ("sliding_window", "dishwasher") * 2
"""Added to the training families where a run is to learn what is easily missed: what is small, or slides along itself."""
NetworkName = Literal["proposals", "paper", "scene_flow", "masks"]
NoiseName = Literal["none", "paper", "real"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How a pass over a cached clip differs from the last one. Standard deviations of turns in rad, shares of clips."""

    yaw: float = 0.2
    """About the first camera's vertical axis."""
    tilt: float = 0.05
    """About each of the other two."""
    mirrored: float = 0.5
    reversed: float = 0.5
    """Played backwards; never where flow is measured, which has no way back."""
    drop_flow: float = 0.02
    """Of the points, whose flow counts as not measured."""


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Clips made once and passed over many times (`clip_cache`)."""

    clips: ClipConfig = field(
        default_factory=lambda: ClipConfig(
            families=TRAINING_FAMILIES, corruption="none", num_points=512, image_size=144
        )
    )
    """What is kept; a pass draws some of the points."""
    num_clips: int = 30_720
    """Clips to which the cache grows, beside the run where it has workers."""
    shard_clips: int = 256
    """Clips a file."""
    num_points: int = 128
    """Points a frame of each pass."""
    baselines: tuple[int, ...] = ()
    """Of the flows that a pass shows, among those of the clips; empty: all of them."""
    noise: NoiseName = "paper"
    """Added anew in each pass; that of sensors (`real`) is in the clips, whose `corruption` says so."""
    num_semantics: int = 0
    """Semantic channels that the cache keeps of each point."""
    hides_semantics: bool = False
    """Whether passes leave these out."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    curve_every: int = 5000
    """Clip passes between two points of the validation curve."""
    num_curve_clips: int = 256

    @property
    def shown_baselines(self) -> tuple[int, ...]:
        """Of the flows that a pass shows."""
        return self.baselines or self.clips.baselines

    @property
    def shown_semantics(self) -> int:
        """Semantic channels that a pass shows."""
        return 0 if self.hides_semantics else self.num_semantics

    def with_noise(self, noise: NoiseName) -> "CacheConfig":
        """The same clips seen with another noise."""
        corruption = "real" if noise == "real" else "none"
        return replace(self, noise=noise, clips=replace(self.clips, corruption=corruption))


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run. Data are made on the fly from seeds, so the seed and the step decide everything."""

    network: NetworkName = "proposals"
    clips: ClipConfig = field(default_factory=lambda: ClipConfig(families=TRAINING_FAMILIES, corruption="real"))
    kinds: tuple[ClipKind, ...] = ()
    """Other kinds, which take their shares of the batches."""
    examples: ExampleConfig = field(default_factory=ExampleConfig)
    judge: JudgeConfig = field(default_factory=lambda: JudgeConfig(num_features=0))
    """Sizes of the judge; its features are those of the examples' evidence, whatever is said here."""
    pairs: PairConfig = field(default_factory=PairConfig)
    """Of the scene flow network."""
    masks: MaskExampleConfig = field(default_factory=MaskExampleConfig)
    """Of the mask network."""
    slots: SlotConfig = field(default_factory=lambda: SlotConfig(encoder=EncoderConfig(num_features=0)))
    """Sizes of the paper's network; its features are those of the clips, whatever is said here."""
    cache: CacheConfig | None = None
    """Of the paper's network, which learns from a cache and not from `clips`."""
    optimizer: OptimizerName = "adamw"
    final_steps: int | None = None
    """The rate stays until this many steps before the end, then falls in a line to 0; None: a cosine from the start."""
    seed: int = 0
    num_steps: int = 4000
    batch_size: int = 8
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    ema_decay: float = 0.995
    num_workers: int = 1
    checkpoint_every: int = 200
    log_every: int = 10

    def __post_init__(self) -> None:
        assert (self.network == "paper") == (self.cache is not None), "The paper's network learns from a cache."

    @property
    def first_seed(self) -> int:
        """Seed of the first clip."""
        return FIRST_TRAINING_SEED + self.seed * 10_000_000


_SCENE_FLOW = TrainConfig(
    network="scene_flow",
    # Small images: rendering must not cost more than learning.
    clips=ClipConfig(families=TRAINING_FAMILIES, corruption="real", num_points=1024, image_size=160, baselines=(1,)),
    batch_size=2,
    warmup_steps=100,
    ema_decay=0.995,
)

PRESETS: dict[str, TrainConfig] = {
    "tiny": TrainConfig(
        clips=ClipConfig(families=TRAINING_FAMILIES, corruption="paper", num_frames=6, num_points=256, image_size=96),
        examples=ExampleConfig(num_points=64, num_hypotheses=12),
        num_steps=20,
        batch_size=2,
        warmup_steps=2,
        num_workers=0,
        checkpoint_every=10,
        log_every=5,
    ),
    "small": TrainConfig(
        examples=ExampleConfig(num_points=96, num_hypotheses=24), num_steps=4000, batch_size=8, num_workers=2
    ),
    "pools": TrainConfig(
        clips=ClipConfig(families=TRAINING_FAMILIES + SMALL_CONTROLS, corruption="real"),
        kinds=(*wall_kinds(0.24), still_kind(0.06), guessed_kind(0.18, TRAINING_FAMILIES)),
        examples=ExampleConfig(
            num_points=128,
            num_hypotheses=32,
            true_share=0.6,
            known_share=0.4,
            guesses=GuessShares(),
            evidence=EvidenceConfig(kinds=("rest_pose", "residuals")),
        ),
        num_steps=1200,
        batch_size=4,
        learning_rate=3e-4,
        warmup_steps=50,
        ema_decay=0.99,
        checkpoint_every=50,
    ),
    "base": TrainConfig(
        examples=ExampleConfig(
            num_points=192,
            num_hypotheses=32,
            evidence=EvidenceConfig(kinds=("rest_pose", "residuals", "free_space", "targets", "semantics")),
        ),
        judge=JudgeConfig(
            num_features=0, width=64, hypothesis_width=160, num_heads=8, mix_width=24, num_gates=8, num_blocks=4
        ),
        num_steps=40_000,
        batch_size=32,
        num_workers=14,
    ),
    "scene-flow": replace(
        _SCENE_FLOW, pairs=PairConfig(num_pairs=3, num_points=256), num_steps=6000, learning_rate=1.5e-3
    ),
    "scene-flow-fine": replace(
        _SCENE_FLOW, pairs=PairConfig(num_pairs=2, num_points=768), num_steps=1000, learning_rate=3e-4
    ),
    "paper-cpu": TrainConfig(
        network="paper",
        slots=SlotConfig(
            encoder=EncoderConfig(
                num_features=0, width=64, num_anchors=16, radius=0.4, num_neighbors=8, edge_width=32, depth=3
            )
        ),
        cache=CacheConfig(),
        optimizer="muon",
        # A length that a day on a core does not reach: `--num-steps` ends it.
        num_steps=1_000_000,
        final_steps=2000,
        batch_size=4,
        learning_rate=3e-3,
        warmup_steps=50,
        weight_decay=1e-2,
        ema_decay=0.998,
        num_workers=1,
        checkpoint_every=250,
        log_every=50,
    ),
    "masks": TrainConfig(
        network="masks", num_steps=600, batch_size=4, warmup_steps=30, learning_rate=3e-3, ema_decay=0.98, num_workers=2
    ),
}
"""`tiny` for tests (seconds), `small` for a few hours on two CPU cores, `base` for one data-centre GPU. `pools` goes on from a
trained judge on pools as inference makes them, an hour or two on a core. `scene-flow` trains scene flow on few points a frame
in an hour or two on a CPU core, `scene-flow-fine` goes on from it with more. `masks` trains the mask network in less than an
hour on two. `paper-cpu` trains the paper's network on a core, from a cache of clips."""
