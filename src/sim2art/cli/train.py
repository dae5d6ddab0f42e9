"""`sim2art train`: train a network from a preset."""

import dataclasses
import logging
from pathlib import Path
from typing import Literal

from sim2art.dataset.clip_set import ClipSet
from sim2art.errors import InvalidValueError
from sim2art.proposals.evidence import EvidenceKind
from sim2art.train.config import CHAIN_COPIES, CHAIN_FAMILIES, PRESETS
from sim2art.train.loop import train as run_training

logger = logging.getLogger(__name__)


def train(
    preset: Literal["tiny", "small", "pools", "base", "scene-flow", "scene-flow-fine", "masks"],
    *,
    output: Path,
    network: Literal["proposals", "paper", "queries"] | None = None,
    corruption: Literal["none", "paper", "real"] | None = None,
    evidence: tuple[EvidenceKind, ...] | None = None,
    seed: int = 0,
    num_steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    workers: int | None = None,
    part_views: float | None = None,
    clips: Path | None = None,
    resume: bool = False,
    start_from: Path | None = None,
) -> None:
    """Train a network on simulated clips, made on the fly.

    Args:
        preset: Size of the run: tiny (seconds), small (hours on two CPU cores), base (a data-centre GPU);
            pools goes on from a trained judge (--start-from) with the rarer guesses that decoding makes;
            scene-flow trains scene flow for --flow gmsf (hours on a CPU core), scene-flow-fine ends it with more points;
            masks trains the network that draws masks once the joints are known.
        output: Folder for checkpoint, state and logs.
        network: Hypothesise and verify (default), the paper's slots, or slots from learned queries.
        corruption: Noise of the clips; the preset's own when not given.
        evidence: Kinds of evidence that the judge sees beyond the basic ones: targets, free_space, rest_pose,
            residuals, semantics;
            the preset's own when not given.
        seed: Decides the data and the initial weights.
        num_steps: Length of the run; the preset's own when not given.
        batch_size: Clips a step; the preset's own when not given.
        learning_rate: Peak of the rate, after a warm-up; the preset's own when not given. A run that goes on from good
            weights on little changed data wants a smaller one than a run from scratch.
        workers: Processes that make clips.
        part_views: Share of examples that show a clip as one of its moving parts sees it: how parts on moving parts are
            learned. Families of objects that have such are drawn more often then.
        clips: Data set of `sim2art generate` to learn from, over and over, instead of clips made on the fly: the only
            way to learn from semantic features.
        resume: Go on from what the folder holds.
        start_from: Checkpoint folder whose weights a new run begins with; a larger judge begins as one that says the same.
    """
    config = dataclasses.replace(PRESETS[preset], seed=seed)
    if network is not None:
        if config.network in {"scene_flow", "masks"}:
            raise InvalidValueError(f"--network {network} does not go with preset {preset}; leave it out.")
        config = dataclasses.replace(config, network=network)
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
        ("batch_size", batch_size),
        ("learning_rate", learning_rate),
        ("num_workers", workers),
    ):
        if value is not None:
            config = dataclasses.replace(config, **{name: value})
    given = None if clips is None else ClipSet(clips)
    run_training(config, output, resume=resume, start_from=start_from, clips=given)
    print(f"Checkpoint: {output / 'checkpoint'}")
