"""`sim2art train`: train a network from a preset."""

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sim2art.dataset.clip_set import ClipSet
from sim2art.errors import InvalidValueError
from sim2art.inference.score.evidence import EvidenceKind
from sim2art.train.config import PRESETS, NoiseName
from sim2art.train.loop import train as run_training

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Train a network on simulated clips, made on the fly."""

    preset: Literal["tiny", "small", "pools", "base", "scene-flow", "scene-flow-fine", "masks", "paper-cpu"]
    """Size of the run: tiny (seconds), small (hours on two CPU cores), base (a data-centre GPU); pools goes on from a trained judge (--start-from) with the rarer guesses that decoding makes; scene-flow trains scene flow for --flow gmsf (hours on a CPU core), scene-flow-fine ends it with more points; masks trains the network that draws masks once the joints are known; paper-cpu trains the paper's network on a core, from a cache of clips (--cache)."""
    output: Path
    """Folder for checkpoint, state and logs."""
    corruption: Literal["none", "paper", "real"] | None = None
    """Noise of the clips; the preset's own when not given."""
    evidence: tuple[EvidenceKind, ...] | None = None
    """Kinds of evidence that the judge sees beyond the basic ones: targets, free_space, rest_pose, residuals, semantics; the preset's own when not given."""
    seed: int = 0
    """Decides the data and the initial weights."""
    num_steps: int | None = None
    """Length of the run; the preset's own when not given. paper-cpu learns at one rate until --final-steps before the end: to end a run, resume a copy of its folder with as many steps as it has done and these more."""
    final_steps: int | None = None
    """Steps at the end in which the rate falls in a line (paper-cpu: 2,000; other presets: the whole run, a cosine)."""
    batch_size: int | None = None
    """Clips a step; the preset's own when not given."""
    learning_rate: float | None = None
    """Peak of the rate, after a warm-up; the preset's own when not given. A run that goes on from good weights on little changed data wants a smaller one than a run from scratch."""
    workers: int | None = None
    """Processes that make clips."""
    clips: Path | None = None
    """Data set of `sim2art generate` to learn from, over and over, instead of clips made on the fly: the only way to learn from semantic features."""
    cache: Path | None = None
    """Folder of clips that are passed over many times, each time with other points and noise; made and grown by the run (paper-cpu)."""
    noise: NoiseName | None = None
    """Of the passes over cached clips: none, white noise as in the paper (default), or that of real sensors, for which the cache is a folder of its own."""
    resume: bool = False
    """Go on from what the folder holds."""
    start_from: Path | None = None
    """Checkpoint folder of the same preset whose weights a new run begins with."""


def train(options: TrainOptions) -> None:
    config = dataclasses.replace(PRESETS[options.preset], seed=options.seed)
    if config.cache is None and (options.cache is not None or options.noise is not None):
        raise InvalidValueError(
            f"--cache and --noise are for preset paper-cpu; preset {options.preset} makes clips on the fly."
        )
    if config.cache is not None:
        if options.corruption is not None or options.clips is not None:
            raise InvalidValueError(
                f"Preset {options.preset} learns from clips of --cache, with --noise none|paper|real: leave --corruption and --clips out."
            )
        config = dataclasses.replace(config, cache=config.cache.with_noise(options.noise or config.cache.noise))
    if options.corruption is not None:
        config = dataclasses.replace(config, clips=dataclasses.replace(config.clips, corruption=options.corruption))
    if options.evidence is not None:
        if config.network in {"scene_flow", "masks"}:
            raise InvalidValueError(
                f"--evidence is what a judge sees; preset {options.preset} trains none, so leave it out."
            )
        examples = dataclasses.replace(
            config.examples, evidence=dataclasses.replace(config.examples.evidence, kinds=options.evidence)
        )
        config = dataclasses.replace(config, examples=examples)
    for name, value in (
        ("num_steps", options.num_steps),
        ("final_steps", options.final_steps),
        ("batch_size", options.batch_size),
        ("learning_rate", options.learning_rate),
        ("num_workers", options.workers),
    ):
        if value is not None:
            config = dataclasses.replace(config, **{name: value})
    given = None if options.clips is None else ClipSet(options.clips)
    run_training(
        config, options.output, resume=options.resume, start_from=options.start_from, clips=given, cache=options.cache
    )
    print(f"Checkpoint: {options.output / 'checkpoint'}")
