"""Label images: the part of every pixel of every used frame, one 8-bit PNG a frame, named by frame id."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from sim2art.errors import DAMAGED, InvalidFileError, InvalidValueError


def label_path(folder: Path, frame_id: int) -> Path:
    """Where a frame's labels are."""
    return folder / f"{frame_id:06d}.png"


def write_labels(folder: Path, labels: UInt8[np.ndarray, "frame height width"], frame_ids: Sequence[int]) -> None:
    """Write `folder/NNNNNN.png` for every used frame; `folder` is made when missing."""
    if len(labels) != len(frame_ids):
        raise InvalidValueError(
            f"{len(labels)} label images and {len(frame_ids)} frame ids were given; one each is needed."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for image, frame_id in zip(labels, frame_ids, strict=True):
        Image.fromarray(np.ascontiguousarray(image)).save(label_path(folder, frame_id), optimize=True)


def read_labels(folder: Path, frame_ids: Sequence[int]) -> UInt8[np.ndarray, "frame height width"]:
    """Read the label images of the given frames.

    Raises:
        InvalidFileError: When one is missing, damaged, not 8-bit grey, or of another size than the first.
    """
    images = []
    for frame_id in frame_ids:
        path = label_path(folder, frame_id)
        try:
            with Image.open(path) as image:
                mode, array = image.mode, np.array(image)
        except (*DAMAGED, Image.DecompressionBombError) as error:
            raise InvalidFileError(f"Cannot read labels from '{path}': {error}.", path=path) from error
        if mode not in ("L", "P"):
            raise InvalidFileError(f"'{path}' has mode {mode}; label images are 8-bit with one channel.", path=path)
        if images and array.shape != images[0].shape:
            raise InvalidFileError(
                f"'{path}' has size {array.shape}, the frames before {images[0].shape}; write all labels anew.",
                path=path,
            )
        images.append(array)
    return np.stack(images) if images else np.zeros((0, 0, 0), dtype=np.uint8)
