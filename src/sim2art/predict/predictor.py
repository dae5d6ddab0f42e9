"""A trained network as a function from `PointVideo` to `ArticulationEstimate`."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.networks.slot_network import SlotNetwork
from sim2art.networks.vote_network import VoteNetwork
from sim2art.observation.point_video import PointVideo
from sim2art.predict.checkpoint import DEFAULT_CHECKPOINT, MASKS_CHECKPOINT, load_checkpoint
from sim2art.predict.decoding import DecodingConfig, decode_video
from sim2art.predict.slot_decoding import decode_slots
from sim2art.predict.vote_decoding import decode_votes

Predictor = Callable[[PointVideo], ArticulationEstimate]


def load_predictor(checkpoint: Path | None = None, *, seed: int = 0) -> Predictor:
    """The method of a checkpoint folder; the shipped one when None.

    A judge works with the mask network that ships, a mask network with the judge that ships.

    Raises:
        InvalidFileError: When the checkpoint is missing or damaged.
        SchemaError: When another version wrote it.
    """
    network, calibration = load_checkpoint(checkpoint or DEFAULT_CHECKPOINT)
    if isinstance(network, SlotNetwork):
        slots = network
        return lambda video: decode_slots(slots, video)
    if isinstance(network, VoteNetwork):
        votes = network
        return lambda video: decode_votes(votes, video)
    masks: nn.Module = network
    if isinstance(network, MaskNetwork):
        network, calibration = load_checkpoint(DEFAULT_CHECKPOINT)
    else:
        masks, _ = load_checkpoint(MASKS_CHECKPOINT)
    assert isinstance(network, Judge) and isinstance(masks, MaskNetwork)
    config = dataclasses.replace(DecodingConfig(), seed=seed)
    return partial(decode_video, network, calibration=calibration, config=config, masks=masks)
