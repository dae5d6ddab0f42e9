"""What can be asked of a reconstruction."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.export.up import Side
from sim2art.methods import MethodName
from sim2art.perception.options import ObserveOptions


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions:
    """How a recording becomes a model."""

    observe: ObserveOptions = field(default_factory=ObserveOptions)
    method: MethodName | None = None
    """None takes the network where depth was measured, and joints of the images where it was guessed."""
    checkpoint: Path | None = None
    """Folder of the network's weights; None takes those that ship with sim2art."""
    refine: bool = True
    """Fit the joints again to flow and surfaces, with sigmas; may drop, hang elsewhere or add parts."""
    keep_room: bool = False
    """Whether the base keeps floor and walls beyond the object."""
    up: Float[np.ndarray, "3"] | Side | None = None
    """Which way is up, where a person says so: unit, axes of the first used camera, or a side of its picture."""
    label_all: bool = False
    """Label the pixels of every frame of the recording, not of the used ones only."""
    name: str = "object"
    """Name of the model in the files."""
    recording_name: str | None = None
    """Which video, for a folder that holds ViPE's results of several."""
