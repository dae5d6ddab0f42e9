"""Weights: found where they are said to be, refused when their content is another, and never fetched unasked."""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.masks.u2netp import U2NetP
from sim2art.weights import GROUPS, WEIGHTS, Weight, WheelSource, expand_names, find_weight, has_weight, require_weight

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIM2ART_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weight = Weight(
        file="small.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        license="Apache-2.0",
        source=WheelSource(requirement="small==1.0", member="small/small.bin"),
    )
    monkeypatch.setitem(WEIGHTS, "small", weight)
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def test_a_file_with_the_right_content_is_found(folder: Path) -> None:
    assert find_weight("small") is None
    (folder / "small.bin").write_bytes(CONTENT)
    assert find_weight("small") == folder / "small.bin"


def test_another_content_is_refused(folder: Path) -> None:
    (folder / "small.bin").write_bytes(b"other")
    with pytest.raises(InvalidFileError, match="sha256"):
        find_weight("small")


def test_a_missing_weight_tells_how_to_get_it() -> None:
    with pytest.raises(InvalidFileError, match="sim2art weights fetch small"):
        require_weight("small")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match="u2netp"):
        find_weight("u2net")


def test_without_its_weight_the_salient_masker_says_how_to_get_it() -> None:
    with pytest.raises(InvalidFileError, match="sim2art weights fetch u2netp"):
        U2NetP()


def test_a_group_is_there_only_with_all_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(WEIGHTS["small"], file="other.bin")
    monkeypatch.setitem(WEIGHTS, "other", other)
    monkeypatch.setitem(GROUPS, "two", ("small", "other"))
    assert expand_names(("two", "small")) == ("small", "other", "small")
    (folder / "small.bin").write_bytes(CONTENT)
    assert has_weight("small")
    assert not has_weight("two")
    (folder / "other.bin").write_bytes(CONTENT)
    assert has_weight("two")


def test_groups_name_known_weights_and_no_weight() -> None:
    assert all(name in WEIGHTS for names in GROUPS.values() for name in names)
    assert not set(GROUPS) & set(WEIGHTS)
