"""The methods by name: the network, and those that it is compared with."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, assert_never

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.observation.point_video import PointVideo

Predictor = Callable[[PointVideo], ArticulationEstimate]
"""What maps points with flow to parts and joints."""
MethodName = Literal["network", "flow_clustering", "reart_style", "gamma_style", "single_frame", "paper"]


def check_method(method: MethodName, checkpoint: Path | None) -> None:
    """Refuse a checkpoint that is missing, damaged or of another version, before anything is computed.

    Raises:
        InvalidFileError: When a file is missing or damaged.
        SchemaError: When it was written by an incompatible version.
    """
    if checkpoint is not None and method in ("network", "single_frame", "paper"):
        from sim2art.networks.checkpoint_files import read_description

        read_description(checkpoint)


def load_method(method: MethodName, checkpoint: Path | None) -> Predictor:
    """The method of a name; a checkpoint replaces the weights of those that have some."""
    match method:
        case "flow_clustering":
            from sim2art.baselines.flow_clustering import flow_clustering

            return flow_clustering
        case "reart_style":
            from sim2art.baselines.reart_style import reart_style

            return reart_style
        case "gamma_style":
            from sim2art.inference.checkpoint import VOTES_CHECKPOINT
            from sim2art.inference.predictor import load_predictor

            return load_predictor(VOTES_CHECKPOINT)
        case "single_frame":
            from sim2art.baselines.single_frame import answer_from_two_frames
            from sim2art.inference.predictor import load_predictor

            return partial(answer_from_two_frames, load_predictor(checkpoint))
        case "paper":
            from sim2art.inference.predictor import load_slots

            return load_slots(checkpoint)
        case "network":
            from sim2art.inference.predictor import load_predictor

            return load_predictor(checkpoint)
        case _:
            assert_never(method)
