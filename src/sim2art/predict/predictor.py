"""A trained network as a function from `PointVideo` to `ArticulationEstimate`."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidFileError
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.networks.slot_network import SlotNetwork
from sim2art.networks.vote_network import VoteNetwork
from sim2art.observation.point_video import PointVideo
from sim2art.predict.checkpoint import (
    DEFAULT_CHECKPOINT,
    MASKS_CHECKPOINT,
    PAPER_CHECKPOINT,
    POOLS_CHECKPOINT,
    load_checkpoint,
)
from sim2art.predict.decoding import DecodingConfig, TrainedJudge, decode_video
from sim2art.predict.slot_decoding import decode_slots
from sim2art.predict.vote_decoding import decode_votes

Predictor = Callable[[PointVideo], ArticulationEstimate]


def load_predictor(checkpoint: Path | None = None, *, seed: int = 0) -> Predictor:
    """The method of a checkpoint folder; the shipped one when None.

    A judge works alone with the mask network that ships, a mask network with the judges that ship.

    Raises:
        InvalidFileError: When the checkpoint is missing or damaged.
        SchemaError: When another version wrote it.
    """
    network, calibration = load_checkpoint(checkpoint or MASKS_CHECKPOINT)
    if isinstance(network, SlotNetwork):
        return partial(decode_slots, network)
    if isinstance(network, VoteNetwork):
        votes = network
        return lambda video: decode_votes(votes, video)
    masks: nn.Module = network
    if isinstance(network, Judge):
        judges = [TrainedJudge(network, calibration)]
        masks, _ = load_checkpoint(MASKS_CHECKPOINT)
    else:
        judges = load_judges()
    assert isinstance(masks, MaskNetwork)
    config = dataclasses.replace(DecodingConfig(), seed=seed)
    return partial(decode_video, judges, config=config, masks=masks)


def load_slots(checkpoint: Path | None = None) -> Predictor:
    """The paper's network; the shipped one when None.

    Raises:
        InvalidFileError: When the checkpoint is missing or damaged, or holds another network.
    """
    folder = checkpoint or PAPER_CHECKPOINT
    network, _ = load_checkpoint(folder)
    if not isinstance(network, SlotNetwork):
        raise InvalidFileError(
            f"Method 'paper' needs a checkpoint of `sim2art train --preset paper-cpu`; '{folder}' holds a "
            f"{type(network).__name__}.",
            path=folder,
        )
    return partial(decode_slots, network)


def load_judges() -> list[TrainedJudge]:
    """The judges that ship; they take turns."""
    judges: list[TrainedJudge] = []
    for folder in (DEFAULT_CHECKPOINT, POOLS_CHECKPOINT):
        network, calibration = load_checkpoint(folder)
        assert isinstance(network, Judge)
        judges.append(TrainedJudge(network, calibration))
    return judges
