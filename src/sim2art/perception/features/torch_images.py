"""Images as input of torch models: resized by OpenCV and normalised, so that torchvision is never needed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.optional import require
from sim2art.perception.models import first_line


@contextmanager
def on_all_cores() -> Iterator[None]:
    """Let torch use every core while a network looks at an image: its products are large enough to be shared.

    Only where the command line asked for one thread of its own accord; a number that the user gave is kept.
    """
    if os.environ.get("SIM2ART_ONE_THREAD") != "1":
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def to_input(
    image: UInt8[np.ndarray, "height width 3"], size: tuple[int, int],
    mean: tuple[float, ...] = (0.485, 0.456, 0.406), std: tuple[float, ...] = (0.229, 0.224, 0.225),
) -> Float[Tensor, "1 3 new_height new_width"]:  # fmt: skip
    """An RGB image at a size (width, height), normalised (as ImageNet is), on the CPU."""
    shrinks = size[0] < image.shape[1]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    scaled = (resized.astype(np.float32) / 255.0 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))[None]


def pick_device() -> torch.device:
    """The GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_pretrained(kind: str, folder: Path, known: tuple[str, ...]) -> Any:
    """A model of `transformers` from a folder, ready for use.

    Args:
        kind: Class of `transformers`, such as "AutoModel".
        folder: Holds config.json and safetensors weights; nothing is fetched.
        known: Model types that the caller can use.

    Raises:
        InvalidFileError: When the folder holds another kind of model or is damaged.
    """
    transformers: Any = require("transformers", extra="full")
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidFileError(f"{folder}: config.json cannot be used: {first_line(error)}.", path=folder) from error
    if config.model_type not in known:
        raise InvalidFileError(
            f"{folder} holds a model of type '{config.model_type}'; needed is one of: {', '.join(known)}.", path=folder
        )
    try:
        model = getattr(transformers, kind).from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
    except Exception as error:  # safetensors and transformers raise classes of their own for damaged weights.
        raise InvalidFileError(
            f"{folder}: the weights cannot be loaded: {first_line(error)}. Fetch the model again.", path=folder
        ) from error
    return model.eval().to(pick_device())
