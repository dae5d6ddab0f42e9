"""The channel of an OpenEXR file that holds depth, such as ViPE and Record3D write; read by OpenEXR itself."""

import io
from pathlib import Path
from typing import Any

import Imath
import numpy as np
import OpenEXR
from jaxtyping import Float32

from sim2art.errors import InvalidFileError

_DEPTH_CHANNELS = ("Z", "R", "Y", "V")
"""Names of the channel that holds depth, the likeliest first."""


def read_exr_channel(content: bytes, path: Path | str) -> Float32[np.ndarray, "height width"]:
    """The depth in an OpenEXR file of any compression; `path` is for the error message.

    Raises:
        InvalidFileError: When the file is no image of OpenEXR, damaged or cut off.
    """
    try:
        file: Any = OpenEXR.InputFile(io.BytesIO(content))
        header = file.header()
        names, window = sorted(header["channels"]), header["dataWindow"]
        wanted = next((name for name in _DEPTH_CHANNELS if name in names), names[0])
        values = np.frombuffer(file.channel(wanted, Imath.PixelType(Imath.PixelType.FLOAT)), np.float32)
        return values.reshape(window.max.y - window.min.y + 1, window.max.x - window.min.x + 1).copy()
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, MemoryError) as error:
        raise InvalidFileError(
            f"{path} is no OpenEXR image of depth, or damaged or cut off ({len(content)} bytes): {error}.", path=path
        ) from error
