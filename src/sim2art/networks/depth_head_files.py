"""The depth head's checkpoint: weights, config and provenance in a folder."""

import dataclasses
from pathlib import Path
from typing import Any

from sim2art.networks import CHECKPOINTS
from sim2art.networks.checkpoint_files import read_description, read_weights, write_checkpoint
from sim2art.networks.depth_head import DepthHead, DepthHeadConfig

_KIND = "depth_head"
DEPTH_HEAD_CHECKPOINT = CHECKPOINTS / _KIND
"""The weights that ship."""


def save_depth_head(folder: Path, head: DepthHead, **facts: Any) -> None:
    """Write a head; `facts` go into the provenance."""
    write_checkpoint(folder, head, {"network": _KIND, "config": dataclasses.asdict(head.config)}, **facts)


def load_depth_head(folder: Path | None = None) -> DepthHead:
    """The head of a checkpoint folder (the shipped one when None), in eval mode, fp32, on the CPU.

    Raises:
        InvalidFileError: When it is missing, damaged, or of another kind.
        SchemaError: When another version wrote it.
    """
    path = folder or DEPTH_HEAD_CHECKPOINT
    values = read_description(path, kind=_KIND, maker="benchmarks/depth_head.py")["config"]
    head = DepthHead(DepthHeadConfig(**{**values, "layers": tuple(values["layers"])}))
    read_weights(path, head)
    return head.eval()
