"""`sim2art assets`: lists what there is, draws it, and explains wrong words."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.cli.assets import SOURCES
from sim2art.cli.main import main
from tests.assets.files import write_cabinet


def test_families_are_listed_with_joints_size_and_faces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(SOURCES["training"]) + len(SOURCES["novel"])
    assert any(line.startswith("laptop") and "1 hinge" in line for line in lines)


def test_a_sheet_shows_samples_side_by_side(tmp_path: Path) -> None:
    sheet = tmp_path / "out" / "sheet.png"
    words = ["assets", "--families", "laptop", "safe", "--samples", "2", "--size", "64", "--sheet", str(sheet)]
    assert main(words) == 0
    picture = np.asarray(Image.open(sheet))
    assert picture.shape == (64 + 14, 4 * 64, 3)
    first, second = picture[:64, :64], picture[:64, 64:128]
    assert np.ptp(first.astype(int)) > 60 and np.any(first != second)
    assert main(words) == 2, "a picture that exists is not overwritten unasked"
    assert main([*words, "--overwrite"]) == 0


def test_a_folder_of_models_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cabinet(tmp_path / "mine")
    write_cabinet(tmp_path / "broken", limit="1 0")
    assert main(["assets", "--folder", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "mine" in printed.out and "1 hinge" in printed.out and "broken" not in printed.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--families", "laptopp"], "Did you mean 'laptop'?"),
        (["--samples", "0"], "at least 1 sample"),
        (["--folder", "/nowhere/at/all"], "There is no folder or file"),
    ],
)
def test_wrong_words_are_explained(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets", *words]) == 2
    assert message in capsys.readouterr().err
