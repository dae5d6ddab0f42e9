"""`sim2art export` on a saved result."""

from pathlib import Path

import pytest

from sim2art.cli.export import parse_limits
from sim2art.cli.main import main
from sim2art.errors import InvalidValueError
from tests.export.test_saved import save


def test_files_are_written_and_the_verdict_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path)
    assert main(["export", str(tmp_path), "--hulls", "--for", "robosuite", "--limits", "joint_2=0:0.3"]) == 0
    said = capsys.readouterr().out
    assert "Simulation:" in said
    assert "reach joint_1" in said
    assert "object_robosuite.xml" in said
    assert (tmp_path / "object_robosuite.xml").is_file()


def test_a_folder_without_a_result_is_the_users_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path)]) == 2
    assert "output folder of a finished sim2art run" in capsys.readouterr().err


def test_limits_are_read() -> None:
    assert parse_limits(("joint_1=-0.5:1.57", "lid=0:2")) == {"joint_1": (-0.5, 1.57), "lid": (0.0, 2.0)}


@pytest.mark.parametrize("word", ["joint_1", "joint_1=1", "joint_1=2:1", "=0:1", "joint_1=a:b", "joint_1=0:inf"])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(InvalidValueError, match="NAME=LOW:HIGH"):
        parse_limits((word,))
