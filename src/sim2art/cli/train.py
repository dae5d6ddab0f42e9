"""`sim2art train`: train a network from a preset."""

import dataclasses
import logging
from pathlib import Path
from typing import Literal

from sim2art.dataset.clip_set import ClipSet
from sim2art.errors import InvalidValueError
from sim2art.inference.score.evidence import EvidenceKind
from sim2art.train.config import CHAIN_COPIES, CHAIN_FAMILIES, PRESETS, NoiseName
from sim2art.train.loop import train as run_training

logger = logging.getLogger(__name__)


def train(
    preset: Literal["tiny", "small", "pools", "base", "scene-flow", "scene-flow-fine", "masks", "paper-cpu"],
    *,
    output: Path,
    network: Literal["proposals", "paper", "queries"] | None = None,
    corruption: Literal["none", "paper", "real"] | None = None,
    evidence: tuple[EvidenceKind, ...] | None = None,
    seed: int = 0,
    num_steps: int | None = None,
    final_steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    workers: int | None = None,
    part_views: float | None = None,
    clips: Path | None = None,
    cache: Path | None = None,
    noise: NoiseName | None = None,
    resume: bool = False,
    start_from: Path | None = None,
) -> None:
    """Train a network on simulated clips, made on the fly.

    Args:
        preset: Size of the run: tiny (seconds), small (hours on two CPU cores), base (a data-centre GPU);
            pools goes on from a trained judge (--start-from) with the rarer guesses that decoding makes;
            scene-flow trains scene flow for --flow gmsf (hours on a CPU core), scene-flow-fine ends it with more points;
            masks trains the network that draws masks once the joints are known;
            paper-cpu trains the paper's network on a core, from a cache of clips (--cache).
        output: Folder for checkpoint, state and logs.
        network: Hypothesise and verify (default), the paper's slots, or slots from learned queries.
        corruption: Noise of the clips; the preset's own when not given.
        evidence: Kinds of evidence that the judge sees beyond the basic ones: targets, free_space, rest_pose,
            residuals, semantics;
            the preset's own when not given.
        seed: Decides the data and the initial weights.
        num_steps: Length of the run; the preset's own when not given. paper-cpu learns at one rate until --final-steps
            before the end: to end a run, resume a copy of its folder with as many steps as it has done and these more.
        final_steps: Steps at the end in which the rate falls in a line (paper-cpu: 2,000; other presets: the whole run,
            a cosine).
        batch_size: Clips a step; the preset's own when not given.
        learning_rate: Peak of the rate, after a warm-up; the preset's own when not given. A run that goes on from good
            weights on little changed data wants a smaller one than a run from scratch.
        workers: Processes that make clips.
        part_views: Share of examples that show a clip as one of its moving parts sees it: how parts on moving parts are
            learned. Families of objects that have such are drawn more often then.
        clips: Data set of `sim2art generate` to learn from, over and over, instead of clips made on the fly: the only
            way to learn from semantic features.
        cache: Folder of clips that are passed over many times, each time with other points and noise; made and grown by
            the run (paper-cpu).
        noise: Of the passes over cached clips: none, white noise as in the paper (default), or that of real sensors, for
            which the cache is a folder of its own.
        resume: Go on from what the folder holds.
        start_from: Checkpoint folder whose weights a new run begins with; a larger judge begins as one that says the same.
    """
    config = dataclasses.replace(PRESETS[preset], seed=seed)
    if network is not None:
        if config.network in {"scene_flow", "masks"} or (config.cache is not None and network == "proposals"):
            raise InvalidValueError(f"--network {network} does not go with preset {preset}; leave it out.")
        config = dataclasses.replace(config, network=network)
    if config.cache is None and (cache is not None or noise is not None):
        raise InvalidValueError(
            f"--cache and --noise are for preset paper-cpu; preset {preset} makes clips on the fly."
        )
    if config.cache is not None:
        if corruption is not None or clips is not None:
            raise InvalidValueError(
                f"Preset {preset} learns from clips of --cache, with --noise none|paper|real: leave --corruption and --clips out."
            )
        config = dataclasses.replace(config, cache=config.cache.with_noise(noise or config.cache.noise))
    if corruption is not None:
        config = dataclasses.replace(config, clips=dataclasses.replace(config.clips, corruption=corruption))
    if evidence is not None:
        if config.network in {"scene_flow", "masks"}:
            raise InvalidValueError(f"--evidence is what a judge sees; preset {preset} trains none, so leave it out.")
        examples = dataclasses.replace(
            config.examples, evidence=dataclasses.replace(config.examples.evidence, kinds=evidence)
        )
        config = dataclasses.replace(config, examples=examples)
    if part_views is not None:
        if config.network != "proposals" or not 0 <= part_views <= 1:
            raise InvalidValueError(
                f"--part-views {part_views} is a share from 0 to 1 of the judge's examples (network 'proposals'); "
                f"this run trains '{config.network}'."
            )
        config = dataclasses.replace(
            config,
            clips=dataclasses.replace(config.clips, families=(*config.clips.families, *CHAIN_FAMILIES * CHAIN_COPIES)),
            examples=dataclasses.replace(config.examples, part_view_share=part_views),
        )
    for name, value in (
        ("num_steps", num_steps),
        ("final_steps", final_steps),
        ("batch_size", batch_size),
        ("learning_rate", learning_rate),
        ("num_workers", workers),
    ):
        if value is not None:
            config = dataclasses.replace(config, **{name: value})
    given = None if clips is None else ClipSet(clips)
    run_training(config, output, resume=resume, start_from=start_from, clips=given, cache=cache)
    print(f"Checkpoint: {output / 'checkpoint'}")
