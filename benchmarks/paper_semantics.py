"""What semantic features give the paper's network: the same clips and passes without them and with them, paired intervals.

    python benchmarks/paper_semantics.py --output runs/semantics --clips 1024 --passes 20000

Clips are rendered in colour, and every frame's crop around the sampled points goes through DINOv2-S (weight
`dinov2-small`) at 6 patches along its longer side. The 384 channels are taken to 8 by principal components of other
clips, each of unit variance. The paper reads 1024 channels of DINOv3 through a perceptron that learns along. One call
after another goes on where the last one stopped.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float, Float32, UInt8
from paper_ablations import REFERENCE, print_table, score_variants, train_whole

from sim2art.dataset.splits import CURVE_SEEDS, FIRST_TRAINING_SEED
from sim2art.perception.features.dino_features import DinoFeatures
from sim2art.perception.features.keyframe_features import KeyframeFeatures
from sim2art.simulate.generate import ClipConfig, PixelDescriber
from sim2art.train.clip_cache import grow_cache
from sim2art.train.config import PRESETS, TrainConfig
from sim2art.train.curve import CURVE_FOLDER
from sim2art.train.data import make_clip

CHANNELS = 8
PATCHES = 6
SHARD_CLIPS = 64
BASIS_SEEDS = range(FIRST_TRAINING_SEED - 24, FIRST_TRAINING_SEED)
"""Clips that the components are fitted on: of no split."""


@dataclass(frozen=True)
class Projected:
    """A describer whose channels are taken to few."""

    describe: PixelDescriber
    mean: Float[np.ndarray, "channel"]
    basis: Float[np.ndarray, "channel few"]

    def __call__(
        self, images: UInt8[np.ndarray, "frame height width 3"], pixels: Float[np.ndarray, "frame point 2"]
    ) -> Float32[np.ndarray, "frame point few"]:
        """Few channels; zeros for slots without a point."""
        rows = self.describe(images, pixels)
        known = np.any(rows != 0, axis=-1, keepdims=True)
        return (((rows - self.mean) @ self.basis) * known).astype(np.float32)


def main(*, output: Path, clips: int = 1024, passes: int = 20_000, num: int = 100) -> None:
    """Make the clips, train both variants, print the table.

    Args:
        output: Folder of the clips and the runs.
        clips: Different clips to learn from.
        passes: Clip passes of each run.
        num: Clips to score on.
    """
    torch.set_num_threads(1)
    configs = variants(passes, clips)
    settings = configs[REFERENCE].cache
    assert settings is not None
    describe = open_describer(output / "basis.npz", settings.clips)
    cache = output / "clips"
    facts = {"shard_clips": SHARD_CLIPS, "num_semantics": CHANNELS}
    curve_clips = settings.num_curve_clips
    grow_cache(
        cache / CURVE_FOLDER,
        settings.clips,
        first_seed=CURVE_SEEDS.start,
        num_clips=curve_clips,
        describe=describe,
        **facts,
    )
    grow_cache(cache, settings.clips, first_seed=FIRST_TRAINING_SEED, num_clips=clips, describe=describe, **facts)
    for name, config in configs.items():
        train_whole(config, output / name, cache, passes)
    print(f"{clips} different clips to learn from, {CHANNELS} channels of DINOv2-S")
    print_table(score_variants(output, list(configs), "paper", num, describe=describe), "paper", passes)


def variants(passes: int, clips: int) -> dict[str, TrainConfig]:
    """Without and with semantics, on the same cache."""
    preset = PRESETS["paper-cpu"]
    assert preset.cache is not None
    cache = dataclasses.replace(
        preset.cache, num_clips=clips, shard_clips=SHARD_CLIPS, num_curve_clips=SHARD_CLIPS, num_semantics=CHANNELS
    )
    steps = passes // preset.batch_size
    shown = dataclasses.replace(preset, cache=cache, num_steps=steps, final_steps=steps // 4, num_workers=0)
    hidden = dataclasses.replace(shown, cache=dataclasses.replace(cache, hides_semantics=True))
    return {REFERENCE: hidden, "semantics": shown}


def open_describer(path: Path, config: ClipConfig) -> PixelDescriber:
    """DINOv2-S with the components of a file, fitted and written where it is missing."""
    extract = KeyframeFeatures(extract=DinoFeatures("dinov2", long_side=PATCHES), num_frames=config.num_frames)
    if not path.exists():
        samples = [make_clip(config, seed, describe=extract) for seed in BASIS_SEEDS]
        rows = np.concatenate([clip.video.features[clip.video.valid] for clip in samples])  # pyright: ignore[reportOptionalSubscript]
        mean, basis, told = fit_components(rows.astype(np.float64), CHANNELS)
        print(f"{CHANNELS} components hold {told:.0%} of the variance of {len(rows)} points of {len(samples)} clips")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=mean, basis=basis)
    with np.load(path) as file:
        return Projected(extract, file["mean"], file["basis"])


def fit_components(
    rows: Float[np.ndarray, "row channel"], count: int
) -> tuple[Float[np.ndarray, "channel"], Float[np.ndarray, "channel few"], float]:
    """Mean, directions that take rows to components of unit variance, and the share of the variance that they hold."""
    mean = rows.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
    kept = np.argsort(variances)[::-1][:count]
    return mean, directions[:, kept] / np.sqrt(variances[kept]), float(variances[kept].sum() / variances.sum())


if __name__ == "__main__":
    tyro.cli(main)
