"""Ablations of the paper's network: each variant trained on the same cached clips for the same passes, paired intervals.

    python benchmarks/paper_ablations.py --cache clips --real-cache clips-real --output runs/ablations --passes 20000 \
        [--only without_flow ...]

Variants that a stopped call finished are not trained again. All are scored by `sim2art evaluate`'s own metrics on clips
that none has learned from, the same for all, with the noise that each column names. The difference to the reference
has a 95 % interval from a bootstrap over clips, pairs kept together.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
import tyro

from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import CURVE_SEEDS
from sim2art.evaluate.metrics import score_clip
from sim2art.inference.checkpoint import load_checkpoint
from sim2art.inference.decoders.slots import decode_slots
from sim2art.networks.slot_network import SlotNetwork
from sim2art.observation.point_video import PointVideo
from sim2art.provenance import collect_provenance
from sim2art.simulate.generate import CorruptionName, PixelDescriber, generate_clip
from sim2art.train.config import PRESETS, TrainConfig
from sim2art.train.loop import train

REFERENCE = "reference"
NOISES: tuple[CorruptionName, ...] = ("none", "paper", "real")
PAPERS_OWN = "The paper's own table (sim2art, arXiv 2512.07698): axis, mean deg 4.50 with flow, 5.78 without, on data of its own."
Scores = dict[str, np.ndarray]
"""Per clip: mean IoU, share of right types, mean penalised axis error (deg)."""


def variants(passes: int) -> dict[str, TrainConfig]:
    """The runs by name, all of the same length."""
    preset = PRESETS["paper-cpu"]
    steps = passes // preset.batch_size
    # No worker: the cache does not grow meanwhile, and all variants see the same clips.
    base = dataclasses.replace(preset, num_steps=steps, final_steps=steps // 4, num_workers=0)
    assert base.cache is not None
    cache, slots = base.cache, base.slots

    def encoder(**changes: object) -> TrainConfig:
        changed = dataclasses.replace(slots.encoder, **changes)  # pyright: ignore[reportArgumentType]
        return dataclasses.replace(base, slots=dataclasses.replace(slots, encoder=changed))

    def cached(**changes: object) -> TrainConfig:
        return dataclasses.replace(base, cache=dataclasses.replace(cache, **changes))  # pyright: ignore[reportArgumentType]

    blind = dataclasses.replace(cache.augmentation, drop_flow=1.0)
    return {
        REFERENCE: base,
        "without_flow": cached(augmentation=blind),
        "noise_none": cached(noise="none"),
        "noise_real": dataclasses.replace(base, cache=cache.with_noise("real")),
        "queries": dataclasses.replace(base, slots=dataclasses.replace(slots, slots="queries")),
        "random_keypoints": encoder(sampling="random"),
        "radius_0.2": encoder(radius=0.2),
        "radius_0.8": encoder(radius=0.8),
        "one_step_flow": cached(baselines=(1,)),
    }


def main(
    *,
    cache: Path,
    real_cache: Path,
    output: Path,
    passes: int = 20_000,
    num: int = 100,
    only: tuple[str, ...] = (),
    noises: tuple[CorruptionName, ...] = NOISES,
) -> None:
    """Train what is not trained yet, score all, print the table and write `ablations.json`.

    Args:
        cache: Folder of cached clips; its first file is made when missing, more by a run of `sim2art train`.
        real_cache: The same for clips with the noise of sensors.
        output: Folder of the runs.
        passes: Clip passes of each run. A table says how many; fewer than 20,000 compare beginnings.
        num: Clips to score on.
        only: Variants besides the reference; all when empty.
        noises: Of the clips that are scored.
    """
    torch.set_num_threads(1)
    chosen = {name: config for name, config in variants(passes).items() if not only or name in (*only, REFERENCE)}
    unknown = set(only) - set(chosen)
    if unknown:
        raise SystemExit(f"No variant {', '.join(sorted(unknown))}; known: {', '.join(variants(passes))}.")
    for name, config in chosen.items():
        assert config.cache is not None
        train_whole(config, output / name, real_cache if config.cache.noise == "real" else cache, passes)
    origin = collect_provenance()
    print(f"commit {origin['commit']}, {origin['machine']}")
    results: dict[str, dict[str, dict[str, list[float]]]] = {}
    for noise in noises:
        scores = score_variants(output, list(chosen), noise, num)
        print_table(scores, noise, passes)
        results[noise] = {name: {k: v.tolist() for k, v in own.items()} for name, own in scores.items()}
        (output / "ablations.json").write_text(json.dumps({"passes": passes, "clips": num, "scores": results}))
    print(f"\n{PAPERS_OWN}")


def train_whole(config: TrainConfig, folder: Path, cache: Path, passes: int) -> None:
    """Train a run that is not trained yet; one that is stopped ends the script."""
    if not (folder / "done").exists():
        train(config, folder, resume=True, cache=cache)
        steps = int(json.loads((folder / "checkpoint" / "provenance.json").read_text())["steps"])
        if steps < config.num_steps:
            raise SystemExit(f"{folder} was stopped after {steps} of {config.num_steps} steps; call again to go on.")
        (folder / "done").write_text(str(passes))
    elif (done := int((folder / "done").read_text())) != passes:
        raise SystemExit(f"{folder} was trained for {done} passes; name another folder for {passes}.")


def score_variants(
    output: Path, names: list[str], noise: CorruptionName, num: int, *, describe: PixelDescriber | None = None
) -> dict[str, Scores]:
    """Scores of every variant on the same clips; `describe` gives them semantics."""
    networks = {name: load_checkpoint(output / name / "checkpoint") for name in names}
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    settings = PRESETS["paper-cpu"].cache
    assert settings is not None
    config = dataclasses.replace(settings.clips, corruption=noise)
    for seed in CURVE_SEEDS[:num]:
        clip = generate_clip(config, seed, describe=describe)
        if not clip.truth.joints:
            continue
        for name, network in networks.items():
            assert isinstance(network, SlotNetwork)
            rows[name].append(_score(network, clip, is_blind=name == "without_flow"))
    return {name: dict(zip(("miou", "types", "axis_deg"), np.array(own).T, strict=True)) for name, own in rows.items()}


def _score(network: SlotNetwork, clip: Clip, *, is_blind: bool) -> tuple[float, float, float]:
    score = score_clip(clip, decode_slots(network, hide_flow(clip.video) if is_blind else clip.video))
    types = float(np.mean([joint.is_type_right for joint in score.joints])) if score.joints else 1.0
    axes = float(np.mean([joint.penalised_axis_deg for joint in score.joints])) if score.joints else 0.0
    return score.mean_iou, types, axes


def hide_flow(video: PointVideo) -> PointVideo:
    """The video as a network sees it that has no flow."""
    return dataclasses.replace(
        video, flow_world=np.zeros_like(video.flow_world), flow_valid=np.zeros_like(video.flow_valid)
    )


def paired_interval(one: np.ndarray, other: np.ndarray, *, draws: int = 4000) -> tuple[float, float, float]:
    """Mean of `one - other` and its 95 % interval by a bootstrap over clips."""
    difference = one - other
    picks = np.random.default_rng(0).integers(len(difference), size=(draws, len(difference)))
    low, high = np.percentile(difference[picks].mean(axis=1), [2.5, 97.5])
    return float(difference.mean()), float(low), float(high)


def print_table(scores: dict[str, Scores], noise: str, passes: int) -> None:
    """Means, and differences to the reference with their intervals; a star where 0 lies outside."""
    count = len(scores[REFERENCE]["miou"])
    print(f"\n{count} clips with noise '{noise}', {passes} clip passes a run; difference to {REFERENCE} [95 %]")
    print("| variant | mIoU | right types | axis, mean deg |\n| --- | --- | --- | --- |")
    for name, own in scores.items():
        cells = []
        for key, digits in (("miou", 3), ("types", 3), ("axis_deg", 1)):
            text = f"{own[key].mean():.{digits}f}"
            if name != REFERENCE:
                mean, low, high = paired_interval(own[key], scores[REFERENCE][key])
                star = "*" if low > 0 or high < 0 else ""
                text += f" ({mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]{star})"
            cells.append(text)
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    tyro.cli(main)
