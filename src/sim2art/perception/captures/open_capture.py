"""Which reader a path needs."""

from collections.abc import Callable
from pathlib import Path

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, Capture
from sim2art.perception.captures.capture_folder import is_capture_folder, read_capture_folder
from sim2art.perception.captures.tum import is_tum, read_tum

READERS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], Capture]], ...] = (
    ("TUM RGB-D folder (rgb.txt, depth.txt)", is_tum, read_tum),
    ("capture folder (rgb/, depth/, camera.json)", is_capture_folder, read_capture_folder),
)
"""Name, test and reader of each format; the first whose test holds is used."""

_VIDEO_SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


def open_capture(path: Path) -> Capture:
    """Open a recording with the reader that knows its format.

    Raises:
        InvalidFileError: When nothing is there, no reader knows it, or it has no depth.
    """
    known = "; ".join(name for name, _, _ in READERS)
    if not path.exists():
        raise InvalidFileError(
            f"{path} does not exist. A recording is a folder of one of these kinds: {known}.", path=path
        )
    if path.is_file():
        if path.suffix.lower() in _VIDEO_SUFFIXES:
            raise InvalidFileError(f"{path} is a plain video without depth. {HOW_TO_GET_DEPTH}.", path=path)
        raise InvalidFileError(f"{path} is a file. A recording is a folder of one of these kinds: {known}.", path=path)
    files = list(path.iterdir())
    if not files:
        raise InvalidFileError(f"{path} is an empty folder. Known recordings: {known}.", path=path)
    for _, knows, read in READERS:
        if knows(path):
            return read(path)
    suffixes = {file.suffix.lower() for file in files}
    if suffixes & (_IMAGE_SUFFIXES | _VIDEO_SUFFIXES):
        raise InvalidFileError(f"{path} holds images or video without depth. {HOW_TO_GET_DEPTH}.", path=path)
    found = ", ".join(sorted(file.name for file in files)[:6])
    raise InvalidFileError(f"{path} is no recording that sim2art knows; it holds: {found}. Known: {known}.", path=path)
