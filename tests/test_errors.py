"""Errors reach the user from wherever they were raised."""

import pickle
from pathlib import Path

import pytest

from sim2art.errors import InvalidFileError, InvalidValueError, MissingPackageError, OutputExistsError, SchemaError


@pytest.mark.parametrize(
    "error",
    [
        InvalidFileError("What is wrong.", path="a/b"),
        OutputExistsError("What is wrong.", path=Path("a/b")),
        SchemaError("What is wrong.", path="a/b"),
        InvalidValueError("What is wrong."),
        MissingPackageError("What is wrong."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_travels_out_of_a_worker_process(error: Exception) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is type(error) and str(there) == "What is wrong."
    assert vars(there) == vars(error)
