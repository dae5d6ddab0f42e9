"""The network that matches images, where flow is to be told by one."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from sim2art.perception.components import Choice
from sim2art.perception.tasks import FlowMatcher
from sim2art.weights import require_weight


def load_matcher(choice: Choice, grays: UInt8[np.ndarray, "frame height width"]) -> FlowMatcher | None:
    """The network's flow between any two of some images; None where none was chosen.

    Raises:
        InvalidFileError: When its weights are missing or damaged.
    """
    if choice.name != "gmflow":
        return None
    from sim2art.perception.flow.gmflow import GmFlow, load_gmflow

    return GmFlow(load_gmflow(Path(choice.source or require_weight("gmflow"))), grays)
