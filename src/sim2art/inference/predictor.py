"""A trained network as a function from `PointVideo` to `ArticulationEstimate`."""

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


def load_predictor(checkpoint: Path | None = None, *, seed: int = 0) -> Predictor:
    """The method of a checkpoint folder; the shipped one when None.

    A judge works with the mask network that ships, a mask network with the judge that ships.

    Args:
        checkpoint: Its folder.
        seed: Of the points and hypotheses that are drawn.

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
