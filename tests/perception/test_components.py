"""Components are chosen by name; what they lack on this machine is said with the command that mends it."""

import json
from pathlib import Path

import pytest

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception import models
from sim2art.perception.components import (
    CHAINS,
    COMPONENTS,
    Choice,
    choose_components,
    find_lacks,
    parse_choice,
    refuse_lacking,
)
from sim2art.perception.models import fetch_model, find_model, require_model, verify_model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SIM2ART_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "cache" / "sim2art"


def write_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_every_chain_names_known_components() -> None:
    for chain in CHAINS:
        assert set(choose_components(chain)) == set(COMPONENTS)


def test_a_choice_overrides_the_chain() -> None:
    chosen = choose_components("light", depth="file:/my/depth", mask=None)
    assert chosen["depth"] == "file:/my/depth"
    assert parse_choice("depth", chosen["depth"]) == Choice(name="file", source="/my/depth")


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("depth", "midas", "known: auto, file, head, da2"),
        ("mask", "file", "needs a place"),
        ("flow", "", "known: dis, gmsf, gmflow, file"),
    ],
)
def test_unknown_choices_list_the_known_ones(task: str, text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        parse_choice(task, text)
    with pytest.raises(InvalidValueError, match="rgbd, full, light"):
        choose_components("heavy")


def test_lacks_come_with_what_mends_them(cache: Path) -> None:
    assert find_lacks("flow", Choice(name="dis")) == []
    (lack,) = find_lacks("depth", Choice(name="da2"))
    assert lack.mend == "sim2art weights fetch da2"
    (lack,) = find_lacks("features", Choice(name="dinov3"))
    assert "accept its licence" in lack.mend
    (lack,) = find_lacks("depth", Choice(name="vipe"))
    assert "nvidia-vipe" in lack.mend
    write_model(cache / "models" / "da2")
    assert find_lacks("depth", Choice(name="da2")) == []


def test_whatever_is_chosen_and_cannot_run_is_refused_at_once(tmp_path: Path) -> None:
    chosen = {
        "depth": "auto",
        "cameras": "auto",
        "mask": "u2net",
        "people": "sam2",
        "flow": f"gmflow:{tmp_path}/no.pth",
    }
    with pytest.raises(InvalidFileError) as refusal:
        refuse_lacking({task: parse_choice(task, choice) for task, choice in chosen.items()})
    told = str(refusal.value)
    assert "--mask u2net cannot run here" in told
    assert "--people sam2 cannot run here" in told
    assert "no.pth' is missing" in told
    assert "--depth" not in told
    for task, known in COMPONENTS.items():
        if "auto" in known:
            assert find_lacks(task, Choice(name="auto")) == []


def test_a_place_that_is_not_there_is_a_lack_of_any_component(tmp_path: Path) -> None:
    for task, name in (("flow", "gmsf"), ("depth", "head"), ("mask", "file"), ("cameras", "file")):
        assert any(
            str(tmp_path / "no") in lack.what for lack in find_lacks(task, parse_choice(task, f"{name}:{tmp_path}/no"))
        )
    assert find_lacks("flow", parse_choice("flow", f"gmsf:{tmp_path}")) == []


def test_a_run_says_what_is_wrong_before_it_reads_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(tmp_path / "no_recording"), "-o", str(tmp_path / "out")]
    for wrong, said in (
        (["--flow", f"gmsf:{tmp_path}/no"], "--flow gmsf cannot run here"),
        (["--features", "dinov3"], "--features dinov3 cannot run here"),
        (["--checkpoint", str(tmp_path / "weights")], "has no config.json"),
    ):
        assert main([*words, *wrong]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_weight_without_its_runtime_is_a_lack(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim2art.perception.components.has_weight", lambda _: True)
    monkeypatch.setattr("sim2art.perception.components.is_installed", lambda module: module != "onnxruntime")
    (lack,) = find_lacks("mask", Choice(name="u2net"))
    assert lack.what == "package onnxruntime" and "sim2art[mask]" in lack.mend


def test_no_chain_asks_for_what_no_shipped_network_reads() -> None:
    """The shipped networks read points and flow; features are for networks that a user trains."""
    assert {chain["features"] for chain in CHAINS.values()} == {"none"}


def test_a_model_that_is_not_whole_is_never_used(cache: Path) -> None:
    folder = write_model(cache / "models" / "sam2")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-1.safetensors").write_bytes(b"half")
    with pytest.raises(InvalidFileError, match=r"model-2\.safetensors is missing"):
        find_model("sam2")
    assert "damaged" in find_lacks("mask", Choice(name="sam2"))[0].what


def test_a_users_folder_comes_first(cache: Path, tmp_path: Path) -> None:
    mine = write_model(tmp_path / "mine")
    assert require_model("da2", str(mine)) == mine
    with pytest.raises(InvalidFileError, match="is no folder"):
        require_model("da2", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidFileError, match="sim2art weights fetch da2"):
        require_model("da2")


def test_offline_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM2ART_OFFLINE", "1")
    with pytest.raises(InvalidFileError, match="switched off"):
        fetch_model("da2")


def test_a_fetch_that_breaks_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def stop_half_way(repository: str, *, local_dir: str, **_: object) -> None:
        (Path(local_dir) / "config.json").write_text("{}")
        raise OSError("connection reset")

    monkeypatch.setattr(hub, "snapshot_download", stop_half_way)
    with pytest.raises(InvalidFileError, match=r"connection reset.*Without a way to the hub"):
        fetch_model("da2")
    assert find_model("da2") is None
    assert list((cache / "models").iterdir()) == []


def test_a_fetched_model_is_whole_and_verified(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def download(repository: str, *, local_dir: str, **_: object) -> None:
        assert repository == models.MODELS["da2"].repository
        (Path(local_dir) / "config.json").write_text("{}")
        (Path(local_dir) / "model.safetensors").write_bytes(b"weights")

    monkeypatch.setattr(hub, "snapshot_download", download)
    folder = fetch_model("da2")
    assert folder == find_model("da2")
    assert verify_model("da2")
    (folder / "model.safetensors").write_bytes(b"others")
    with pytest.raises(InvalidFileError, match=r"model\.safetensors changed"):
        verify_model("da2")


def test_doctor_and_weights_say_what_to_do(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "sim2art weights fetch sam2" in printed
    assert "ok  dis" in printed
    assert "better with weight hands: sim2art weights fetch hands" in printed
    assert "--  hands" in printed
    assert "--  full" in printed
    assert main(["doctor", "--task", "sound"]) == 2
    assert main(["weights", "list"]) == 0
    assert "u2netp" in capsys.readouterr().out
    assert main(["weights", "fetch"]) == 2
    assert main(["weights", "fetch", "gpt"]) == 2
    assert "known: u2netp" in capsys.readouterr().err
    write_model(cache / "models" / "da2")
    assert main(["weights", "verify"]) == 0
    assert "unnoted" in capsys.readouterr().out
