"""A trained network as a function from `PointVideo` to `ArticulationEstimate`."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidFileError
from sim2art.inference.checkpoint import (
    JUDGE_CHECKPOINT,
    MASKS_CHECKPOINT,
    PAPER_CHECKPOINT,
    load_checkpoint,
)
from sim2art.inference.decoders.slots import decode_slots
from sim2art.inference.decoders.votes import decode_votes
from sim2art.inference.loop import InferenceConfig, infer
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.networks.slot_network import SlotNetwork
from sim2art.networks.vote_network import VoteNetwork
from sim2art.observation.point_video import PointVideo

Predictor = Callable[[PointVideo], ArticulationEstimate]


GUESSED_MIN_SCORE = 0.03
"""Of a hypothesis that is fitted further where depth was guessed. The judge has learned from measured depth and is sure of
little there; what it finds is tested by regions of the images, and is never `ok`."""


def load_predictor(checkpoint: Path | None = None, *, seed: int = 0, depth_is_guessed: bool = False) -> Predictor:
    """The method of a checkpoint folder; the shipped one when None.

    A judge works with the mask network that ships, a mask network with the judge that ships.

    Args:
        checkpoint: Its folder.
        seed: Of the points and hypotheses that are drawn.
        depth_is_guessed: Take less sure hypotheses, too.

    Raises:
        InvalidFileError: When the checkpoint is missing or damaged.
        SchemaError: When another version wrote it.
    """
    network = load_checkpoint(checkpoint or MASKS_CHECKPOINT)
    if isinstance(network, SlotNetwork):
        return partial(decode_slots, network)
    if isinstance(network, VoteNetwork):
        votes = network
        return lambda video: decode_votes(votes, video)
    other = load_checkpoint(MASKS_CHECKPOINT if isinstance(network, Judge) else JUDGE_CHECKPOINT)
    judge, masks = (network, other) if isinstance(network, Judge) else (other, network)
    assert isinstance(judge, Judge)
    assert isinstance(masks, MaskNetwork)
    config = InferenceConfig(seed=seed)
    if depth_is_guessed:
        config = dataclasses.replace(config, min_score=GUESSED_MIN_SCORE)
    return partial(infer, judge, config=config, masks=masks)


def load_slots(checkpoint: Path | None = None) -> Predictor:
    """The paper's network; the shipped one when None.

    Raises:
        InvalidFileError: When the checkpoint is missing or damaged, or holds another network.
    """
    folder = checkpoint or PAPER_CHECKPOINT
    network = load_checkpoint(folder)
    if not isinstance(network, SlotNetwork):
        raise InvalidFileError(
            f"Method 'paper' needs a checkpoint of `sim2art train --preset paper-cpu`; '{folder}' holds a "
            f"{type(network).__name__}.",
            path=folder,
        )
    return partial(decode_slots, network)
