"""The one place where stored depth becomes metres: which values mean "none", which files are read, which unit they have.

PNG and TIFF of one 16-bit or float channel, OpenEXR, NumPy arrays. None are: what is not finite and positive; 65534 and
65535, the largest of 16 bits, which 7-Scenes and several cameras write where nothing came back; 32767 of signed values;
and floats from 65504 on, the largest half float, which renderers write for an empty background.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.exr import read_exr_channel
from sim2art.perception.captures.image_files import read_bytes, read_raw

DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".exr", ".npy", ".npz")
MILLIMETRES = 0.001
_NONE_FROM = {"u": 65534, "i": 32767, "f": 65504.0}
"""By kind of number: this value and larger ones mean that nothing was measured."""
_MAX_METRES = 50.0
"""A median above this is no room in metres, and below it none in mm: the two are a factor 1000 apart."""
_LOOKS = 5


def read_depth_image(path: Path, scale: float) -> Float32[np.ndarray, "height width"]:
    """Depth (m, 0 = none) of a file, at `scale` metres a unit.

    Raises:
        InvalidFileError: When it is damaged or no depth image.
    """
    return depth_from_raw(read_raw_depth(path), scale, path)


def read_raw_depth(path: Path) -> np.ndarray:
    """A depth file's values as they are stored."""
    suffix = path.suffix.lower()
    if suffix == ".exr":
        return read_exr_channel(read_bytes(path).tobytes(), path)
    if suffix in (".npy", ".npz"):
        return _read_array(path)
    return read_raw(path)


def depth_from_raw(raw: np.ndarray, scale: float, path: Path | str) -> Float32[np.ndarray, "height width"]:
    """Depth (m) from stored values; those that mean none become 0.

    Raises:
        InvalidFileError: When the array is no depth image.
    """
    squeezed = raw.reshape(raw.shape[:2]) if raw.ndim == 3 and 1 in raw.shape[2:] else raw
    kind = raw.dtype.kind
    if squeezed.ndim != 2 or kind not in _NONE_FROM or (kind in "ui" and raw.dtype.itemsize < 2):
        raise InvalidFileError(
            f"{path} holds {raw.dtype} with shape {raw.shape}; a depth image has one 16-bit or float channel "
            "(an 8-bit or colour picture of depth cannot be used).",
            path=path,
        )
    values = squeezed.astype(np.float32)
    with np.errstate(invalid="ignore"):
        measured = np.isfinite(values) & (values > 0) & (values < _NONE_FROM[kind])
    return np.where(measured, values * np.float32(scale), np.float32(0))


def clean_depth(depth: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    """Float depth with everything that means none set to 0."""
    return depth_from_raw(depth, 1.0, "depth")


def keep_confident(
    depth: Float32[np.ndarray, "height width"], confidence: np.ndarray | None
) -> Float32[np.ndarray, "height width"]:
    """Depth without the pixels whose confidence, where it is known, is 0: the lowest that apps write."""
    if confidence is None or confidence.shape != depth.shape:
        return depth
    return np.where(confidence >= 1, depth, np.float32(0))


def read_confident_depth(depth: Path, confidence: Path | None) -> Float32[np.ndarray, "height width"]:
    """Depth (m) of a file in mm, without the pixels of lowest confidence by the file beside it, if there is one."""
    trust = None if confidence is None else read_raw(confidence)
    return keep_confident(read_depth_image(depth, MILLIMETRES), trust)


def find_depth_scale(files: Sequence[Path], said: float | None = None) -> tuple[float, list[str]]:
    """Metres of one unit of a recording's depth files, and what was assumed about it.

    Integers are mm unless the recording says otherwise. Floats are metres or mm, which their size tells.

    Args:
        files: Depth files of the recording; a few are looked at.
        said: What the recording says, m a unit.
    """
    looks = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, _LOOKS).round().astype(int))]
    medians, is_float = [], False
    for file in looks:
        try:
            raw = read_raw_depth(file)
            depth = depth_from_raw(raw, 1.0, file)
        except InvalidFileError:
            continue  # Damaged files are counted when they are read for use.
        is_float |= raw.dtype.kind == "f"
        if np.any(depth > 0):
            medians.append(float(np.median(depth[depth > 0])))
    if not is_float or not medians:
        return (MILLIMETRES, ["No depth scale is given: depth is taken to be in mm."]) if said is None else (said, [])
    median = float(np.median(medians))
    scale, unit = (1.0, "m") if median < _MAX_METRES else (MILLIMETRES, "mm")
    if said is not None and not (scale == 1.0 and median * said < 0.01):
        return said, []
    why = (
        "no depth scale is given"
        if said is None
        else f"a depth scale of {said:g} would make that {median * said:.2g} m"
    )
    return scale, [f"Depth files hold floats with a median of {median:.4g}: they are taken to be in {unit} ({why})."]


def _read_array(path: Path) -> np.ndarray:
    """An array of a .npy file, or the first of a .npz file."""
    content = read_bytes(path).tobytes()
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        return np.asarray(found if isinstance(found, np.ndarray) else found[found.files[0]])
    except (ValueError, EOFError, OSError, IndexError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidFileError(
            f"{path} is no NumPy array, or damaged ({len(content)} bytes): {error}.", path=path
        ) from error
