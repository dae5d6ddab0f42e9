"""ROS messages as arrays: images, compressed images, camera infos. Depth comes as stored, with its unit."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.depth_images import MILLIMETRES
from sim2art.perception.captures.image_files import decode_image, decode_rgb
from sim2art.perception.captures.lens import Lens, lens_from_names

DEPTH_ENCODINGS = {"16UC1": MILLIMETRES, "mono16": MILLIMETRES, "32FC1": 1.0}
"""Encoding -> m a unit (ROS REP 118)."""
_COLORS = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "8UC4": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "bayer_rggb8": (1, cv2.COLOR_BayerRGGB2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerBGGR2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGBRG2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGRBG2RGB),
}
"""Encoding -> channels, and OpenCV's conversion to RGB."""
_COMPRESSED_DEPTH_HEADER = 12
_PNG = b"\x89PNG"


def image_kind(message: Any) -> str | None:
    """Whether an image holds "depth" or "color"; None for what is neither."""
    if hasattr(message, "format"):
        return "depth" if "compresseddepth" in message.format.lower() else "color"
    if message.encoding in DEPTH_ENCODINGS:
        return "depth"
    return "color" if message.encoding in _COLORS else None


def image_size(message: Any, where: str) -> tuple[int, int]:
    """Width and height, px."""
    if hasattr(message, "width"):
        return int(message.width), int(message.height)
    found = raw_depth(message, where)[0] if image_kind(message) == "depth" else color_image(message, where)
    return found.shape[1], found.shape[0]


def color_image(message: Any, where: Path | str) -> UInt8[np.ndarray, "height width 3"]:
    """RGB of an image message.

    Raises:
        InvalidFileError: When it is of another kind, or damaged.
    """
    if hasattr(message, "format"):
        return decode_rgb(np.asarray(message.data, np.uint8), where)
    channels, conversion = _COLORS[message.encoding]
    image = _unpack(message, np.dtype(np.uint8), channels, where)
    return np.ascontiguousarray(image) if conversion is None else cv2.cvtColor(image, conversion)


def raw_depth(message: Any, where: Path | str) -> tuple[np.ndarray, float]:
    """Stored depth of a message, and m of one unit.

    Raises:
        InvalidFileError: When it is of another kind, or damaged.
    """
    if not hasattr(message, "format"):
        kind = np.dtype(np.float32 if message.encoding == "32FC1" else np.uint16)
        return _unpack(message, kind, 1, where), DEPTH_ENCODINGS[message.encoding]
    content = np.asarray(message.data, np.uint8)
    if content[_COMPRESSED_DEPTH_HEADER:][:4].tobytes() != _PNG or message.format.startswith("32FC1"):
        raise InvalidFileError(
            f"{where}: compressed depth of the kind '{message.format}' is not read; only 16-bit PNG is. Record the plain "
            "depth topic, or republish it.",
            path=str(where),
        )
    return decode_image(content[_COMPRESSED_DEPTH_HEADER:], where, cv2.IMREAD_UNCHANGED), MILLIMETRES


def camera_of(info: Any) -> tuple[np.ndarray, Lens | None]:
    """Intrinsics (px) and lens of a CameraInfo message, whose fields ROS 1 and 2 spell differently."""
    k, d = (getattr(info, name, None) if hasattr(info, name) else getattr(info, name.lower()) for name in ("K", "D"))
    coefficients = [float(value) for value in np.asarray(d).ravel()]
    lens = (
        lens_from_names({"coeffs": coefficients, "distortion_model": info.distortion_model})
        if any(coefficients)
        else None
    )
    return np.array(k, dtype=np.float64).reshape(3, 3), lens


def _unpack(message: Any, kind: np.dtype, channels: int, where: Path | str) -> np.ndarray:
    """The pixels of an Image message, without the padding at the end of its lines."""
    height, width = int(message.height), int(message.width)
    content = np.asarray(message.data, np.uint8)
    line = width * channels * kind.itemsize
    step = int(message.step) or line
    if step < line or content.size < step * height:
        raise InvalidFileError(
            f"{where}: an image of {width}x{height} px ({message.encoding}) holds {content.size} bytes: it is damaged.",
            path=str(where),
        )
    rows = np.ascontiguousarray(content[: step * height].reshape(height, step)[:, :line])
    values = rows.view(kind.newbyteorder(">" if message.is_bigendian else "<")).astype(kind)
    return values.reshape(height, width) if channels == 1 else values.reshape(height, width, channels)
