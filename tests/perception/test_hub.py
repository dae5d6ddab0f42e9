"""Fetching from the hub: at a revision that is noted, and with words that mend when it cannot be done."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError
from sim2art.perception.models import fetch_model, find_model, require_model, verify_model

hub = pytest.importorskip("huggingface_hub")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SIM2ART_WEIGHTS", "SIM2ART_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sim2art"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that writes what the real client does; holds the revisions that it was asked for."""
    revisions: list[str] = []

    def download(repository: str, *, revision: str, local_dir: str, **_: Any) -> None:
        revisions.append(revision)
        folder = Path(local_dir)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"weights")
        notes = folder / ".cache" / "huggingface" / "download"
        notes.mkdir(parents=True)
        (notes / "config.json.metadata").write_text(f"{COMMIT}\netag\n1700000000.0\n")

    monkeypatch.setattr(hub, "snapshot_download", download)
    return revisions


def test_the_commit_that_a_branch_stood_at_is_noted(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = fetch_model("dinov2")
    assert asked == ["main"]
    assert json.loads((folder / "origin.json").read_text())["commit"] == COMMIT
    assert verify_model("dinov2")
    assert main(["weights", "list"]) == 0
    assert f"facebook/dinov2-small@{COMMIT}" in capsys.readouterr().out


def test_the_users_revision_is_fetched_and_another_one_is_not_passed_off(asked: list[str]) -> None:
    assert main(["weights", "fetch", "sam2", "--revision", COMMIT]) == 0
    assert asked == [COMMIT]
    assert fetch_model("sam2", COMMIT) == find_model("sam2")  # It is there: nothing is asked again.
    assert asked == [COMMIT]
    with pytest.raises(InvalidFileError, match=r"not of v9\. Delete that folder"):
        fetch_model("sam2", "v9")


def test_a_revision_goes_with_one_model(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "sam2", "da2", "--revision", "v1"]) == 2
    assert main(["weights", "fetch", "u2netp", "--revision", "v1"]) == 2
    assert "--revision goes with one model" in capsys.readouterr().err
    assert asked == []


def test_a_licence_that_was_not_accepted_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx = pytest.importorskip("httpx")
    response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))

    def refuse(*_: Any, **__: Any) -> None:
        raise hub.errors.GatedRepoError("Access to model is restricted.", response=response)

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    with pytest.raises(
        InvalidFileError, match=r"restricted.*accept its licence at https://huggingface.co/facebook/dinov3"
    ):
        fetch_model("dinov3")
    assert find_model("dinov3") is None
    assert list((cache / "models").iterdir()) == []


def test_a_hub_that_cannot_be_reached_is_said(cache: Path) -> None:
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_ETAG_TIMEOUT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "sim2art", "weights", "fetch", "da2"], env=environment, capture_output=True, text=True,
        check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Could not fetch depth-anything/Depth-Anything-V2" in done.stderr
    assert "copy the model's folder" in done.stderr
    assert find_model("da2") is None


def test_a_file_that_changed_is_refused(asked: list[str]) -> None:
    folder = fetch_model("da2")
    (folder / "model.safetensors").write_bytes(b"others")
    assert main(["weights", "verify", "da2"]) != 0
    with pytest.raises(InvalidFileError, match=r"model\.safetensors changed"):
        verify_model("da2")
    assert require_model("da2") == folder
