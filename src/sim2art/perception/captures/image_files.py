"""Images decoded from files and bytes; what is cut off is noticed, which OpenCV alone would not say."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from sim2art.errors import InvalidFileError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def read_rgb(path: Path, *, upright: bool = False) -> UInt8[np.ndarray, "height width 3"]:
    """RGB of an image file as it is stored, or turned upright as its EXIF flag says."""
    return decode_rgb(read_bytes(path), path, upright=upright)


def read_raw(path: Path) -> np.ndarray:
    """An image file as it is stored: any number of channels and bits."""
    return decode_image(read_bytes(path), path, cv2.IMREAD_UNCHANGED)


def decode_rgb(
    raw: UInt8[np.ndarray, "byte"], path: Path | str, *, upright: bool = False
) -> UInt8[np.ndarray, "height width 3"]:
    """RGB from the bytes of an image file; `path` is for the error message."""
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.cvtColor(decode_image(raw, path, flags), cv2.COLOR_BGR2RGB)


def decode_image(raw: UInt8[np.ndarray, "byte"], path: Path | str, flags: int) -> np.ndarray:
    """Decode the bytes of an image file.

    Raises:
        InvalidFileError: When they are empty, cut off or no image.
    """
    is_whole = _has_end_mark(raw)
    try:
        image = cv2.imdecode(raw, flags) if len(raw) and is_whole else None
    except cv2.error:  # A header that speaks of billions of pixels.
        image = None
    if image is None:
        what = "is empty" if not len(raw) else ("is cut off" if not is_whole else "is not an image")
        raise InvalidFileError(f"{path} {what} ({len(raw)} bytes).", path=path)
    return image


def files_by_number(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """Files of a folder whose name is a number, by that number."""
    if not folder.is_dir():
        return {}
    files = (file for file in folder.iterdir() if file.suffix.lower() in suffixes and file.stem.isdecimal())
    return {int(file.stem): file for file in sorted(files)}


def read_bytes(path: Path) -> UInt8[np.ndarray, "byte"]:
    """A file's content."""
    try:
        return np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InvalidFileError(f"{path} cannot be read: {error.strerror or error}.", path=path) from error


def _has_end_mark(raw: UInt8[np.ndarray, "byte"]) -> bool:
    """False for a PNG or JPEG that ends before its end mark; other formats are left to the decoder.

    OpenCV fills the missing part of a truncated file with grey and says nothing.
    """
    tail = raw[-4096:].tobytes()
    if raw[:8].tobytes() == b"\x89PNG\r\n\x1a\n":
        return b"IEND" in tail
    if raw[:2].tobytes() == b"\xff\xd8":
        return b"\xff\xd9" in tail
    return True
