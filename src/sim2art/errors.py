"""The errors that sim2art raises on a user's input. Each says what is wrong, what was found and how to mend it."""

import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

DAMAGED = (
    OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError,
    NotImplementedError, SyntaxError, zipfile.BadZipFile, struct.error, zlib.error,
)  # fmt: skip
"""What parsing a damaged file may raise: entries that are missing or of another type, numbers out of range, sizes that no
memory holds, streams that end early. For doors alone, whose try holds nothing but the reading of the file."""


class Sim2ArtError(Exception):
    """Base of all errors that sim2art raises on purpose."""


class InvalidValueError(Sim2ArtError, ValueError):
    """A value given to a constructor or function is outside what it accepts."""


class _PathError(Sim2ArtError):
    """An error about the file or folder at `path`."""

    def __init__(self, message: str, *, path: Path | str) -> None:
        super().__init__(message)
        self.path = Path(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), path=self.path), self.args  # So that it travels out of worker processes.


class InvalidFileError(_PathError):
    """A file or folder is missing, damaged or of another kind than needed."""


class OutputExistsError(_PathError):
    """An output folder already holds files and overwriting was not asked for."""


class DivergedError(Sim2ArtError):
    """Training went wrong and was stopped."""


class MissingPackageError(Sim2ArtError, ImportError):
    """An optional package is not installed; the message is the install command."""


class SchemaError(InvalidFileError):
    """A file's schema is not the one that this version reads."""
