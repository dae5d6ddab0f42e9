"""Reads one channel of depth images in OpenEXR: scan lines of half or float, without compression, ZIPS or ZIP.

Format: "OpenEXR File Layout" (openexr.com). ViPE writes half floats in the channel Z with ZIP compression. Files that are
compressed otherwise, such as by PIZ, go through FFmpeg (PyAV), which knows the channels R, G, B and Y only.
"""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.optional import require

_MAGIC = b"\x76\x2f\x31\x01"
_LINES = {0: 1, 2: 1, 3: 16}
"""Compression (none, ZIPS, ZIP) -> scan lines in a block."""
_TYPES = {1: np.dtype("<f2"), 2: np.dtype("<f4")}
_HOW = "Write it again with ZIP compression and one half or float channel, such as ViPE does."
_DEPTH_CHANNELS = ("Z", "R", "Y", "V")
"""Names of the channel that holds depth, the likeliest first."""


def read_exr_channel(content: bytes, path: Path | str) -> Float32[np.ndarray, "height width"]:
    """The channel of an OpenEXR file that holds depth.

    Args:
        content: The file.
        path: For the error message.

    Raises:
        InvalidFileError: When the file is cut off or of a kind that this reader does not know.
    """
    try:
        return _read(content, path)
    except (struct.error, zlib.error, IndexError, ValueError) as error:
        raise InvalidFileError(f"{path} is damaged or cut off ({len(content)} bytes): {error}.", path=path) from error


def _read(content: bytes, path: Path | str) -> Float32[np.ndarray, "height width"]:
    if content[:4] != _MAGIC:
        raise InvalidFileError(f"{path} is not an OpenEXR file ({len(content)} bytes).", path=path)
    flags = struct.unpack_from("<I", content, 4)[0]
    header, at = _read_header(content, 8)
    channels = _channels(header["channels"])
    compression = header["compression"][0]
    if flags & 0x1A00 or compression not in _LINES or any(kind not in _TYPES for _, kind in channels):
        return _read_by_ffmpeg(content, path, compression)
    x0, y0, x1, y1 = struct.unpack("<4i", header["dataWindow"])
    width, height = x1 - x0 + 1, y1 - y0 + 1
    names = [name for name, _ in channels]
    wanted = next((name for name in _DEPTH_CHANNELS if name in names), names[0])
    start = width * sum(_TYPES[kind].itemsize for name, kind in channels if name < wanted)
    kind = _TYPES[dict(channels)[wanted]]
    row_bytes = width * sum(_TYPES[kind].itemsize for _, kind in channels)
    lines = _LINES[compression]
    image = np.zeros((height, width), np.float32)
    for block in range(-(-height // lines)):
        offset = struct.unpack_from("<Q", content, at + 8 * block)[0]
        y, size = struct.unpack_from("<ii", content, offset)
        raw = content[offset + 8 : offset + 8 + size]
        rows = min(lines, height - (y - y0))
        if compression and size < rows * row_bytes:
            raw = _undo_prediction(zlib.decompress(raw))
        table = np.frombuffer(raw, np.uint8).reshape(rows, row_bytes)
        values = np.ascontiguousarray(table[:, start : start + width * kind.itemsize]).view(kind)
        image[y - y0 : y - y0 + rows] = values
    return image


def _read_by_ffmpeg(content: bytes, path: Path | str, compression: int) -> Float32[np.ndarray, "height width"]:
    """The first colour plane of a file of another kind."""
    av: Any = require("av", extra="video")
    try:
        decoder = av.CodecContext.create("exr", "r")
        frames = [*decoder.decode(av.Packet(content)), *decoder.decode(None)]
        # Planes of FFmpeg come as G, B, R; of a grey image there is one.
        plane = frames[0].planes[2 if len(frames[0].planes) >= 3 else 0]
        values = np.frombuffer(plane, np.float32).reshape(-1, plane.line_size // 4)
        return values[: frames[0].height, : frames[0].width].copy()
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise InvalidFileError(
            f"{path} is OpenEXR of a kind that is not read (compression {compression}). {_HOW}", path=path
        ) from error


def _read_header(content: bytes, at: int) -> tuple[dict[str, bytes], int]:
    """Attributes by name, and where the header ends."""
    found = {}
    while content[at] != 0:
        name_end = content.index(0, at)
        type_end = content.index(0, name_end + 1)
        size = struct.unpack_from("<i", content, type_end + 1)[0]
        begin = type_end + 5
        found[content[at:name_end].decode("latin-1")] = content[begin : begin + size]
        at = begin + size
    return found, at + 1


def _channels(raw: bytes) -> list[tuple[str, int]]:
    """Name and pixel type of each channel, in the order in which a scan line holds them."""
    found, at = [], 0
    while at < len(raw) and raw[at] != 0:
        end = raw.index(0, at)
        found.append((raw[at:end].decode("latin-1"), struct.unpack_from("<i", raw, end + 1)[0]))
        at = end + 17
    return sorted(found)


def _undo_prediction(raw: bytes) -> bytes:
    """What the compressor saw: differences added up, then the two halves woven together."""
    delta = np.frombuffer(raw, np.uint8).astype(np.int64)
    delta[1:] -= 128
    values = (np.cumsum(delta) & 255).astype(np.uint8)
    woven = np.empty_like(values)
    half = (len(values) + 1) // 2
    woven[0::2], woven[1::2] = values[:half], values[half:]
    return woven.tobytes()
