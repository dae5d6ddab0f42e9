"""Names that a file system allows, as text that every file of ours can hold.

Linux allows every byte but "/" and NUL in a name. Python keeps bytes that are no UTF-8 as lone surrogates, which neither a
UTF-8 file nor many readers of JSON take, and XML has no place for control characters. So text that may hold a path is made
readable where it enters a result; the paths themselves stay as they are.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not take or discourages."""
_MAX_BYTES = 200
"""Of a name that is to grow endings; file systems allow 255."""


def readable(text: str) -> str:
    r"""Text with an escape, such as "\xff", for whatever UTF-8 or XML cannot hold; other text comes back as it is."""
    return _UNWRITABLE.sub(_escaped, text)


def readable_values(value: Any) -> Any:
    """Plain JSON values, or paths among them, with all text made readable."""
    if isinstance(value, str | Path):
        return readable(str(value))
    if isinstance(value, Mapping):
        return {readable_values(key): readable_values(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [readable_values(entry) for entry in value]
    return value


def model_name(recording: Path) -> str:
    """What the model of a recording is called: the folder's whole name, or the file's without its ending."""
    path = recording.resolve()
    return " ".join(readable(path.name if path.is_dir() else path.stem).split()) or "object"


def short_name(name: str) -> str:
    """A name that leaves room for an ending; a long one is cut and told apart by a digest."""
    raw = os.fsencode(name)
    if len(raw) <= _MAX_BYTES:
        return name
    return f"{os.fsdecode(raw[: _MAX_BYTES - 9])}_{hashlib.sha256(raw).hexdigest()[:8]}"


@contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """The path, or where its bytes are no UTF-8 another way to it, for libraries that take text alone.

    Args:
        path: A file, there or still to be written, in a folder that is there.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="sim2art-") as temporary:
            link = Path(temporary) / "folder"
            link.symlink_to(path.resolve().parent)
            yield link / path.name
    else:
        yield path


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00  # The byte that Python could not decode.
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
