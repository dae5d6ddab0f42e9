"""Whatever a file system allows as a name ends in files that every reader takes."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.cli.batch import find_recordings
from sim2art.cli.main import main
from sim2art.file_names import model_name, readable, readable_values, short_name, utf8_path
from tests.perception.sliding_scene import render_scene, write_scene

EVERY_BYTE = bytes(byte for byte in range(1, 256) if byte != ord("/"))
NAMES = {
    "first half of all bytes": EVERY_BYTE[:127],
    "second half of all bytes": EVERY_BYTE[127:],
    "line breaks": b"two\nlines\r\tof it",
    "leading dash": b"--overwrite",
    "quotes": b'it\'s "<b>&amp;%s%n{0}</b>" ]]>-->',
    "very long": b"long" * 63 + b"end",
    "dots": b"name.with.dots",
}


@pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES.keys())
def test_a_recording_of_any_name_gives_the_whole_result(
    raw: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = render_scene(num_frames=4, width=80, height=60, slide=0.0)
    recording = write_scene(scene, tmp_path / os.fsdecode(raw))
    output = tmp_path / "results" / os.fsdecode(raw)
    assert main(["run", str(recording), "-o", str(output), "--frames", "3", "--mask", "motion"]) == 0
    for file in ("result.json", "provenance.json", "config.json", "report.html", "object.urdf", "object.glb"):
        (output / file).read_bytes().decode("utf-8", errors="ignore" if file.endswith(".glb") else "strict")
    content = json.loads((output / "result.json").read_text())
    json.dumps(content, ensure_ascii=False).encode()  # No lone surrogate anywhere.
    assert content["name"] == model_name(recording)
    assert ElementTree.parse(output / "object.urdf").getroot().get("name") == model_name(recording)
    assert (output / "labels").is_dir() and (output / "points.npz").is_file()
    assert "Traceback" not in capfd.readouterr().err


@given(st.binary(max_size=255))
def test_readable_text_fits_every_file_and_tells_names_apart(raw: bytes) -> None:
    text = readable(os.fsdecode(raw))
    text.encode()
    ElementTree.fromstring(f"<a>{text.replace('&', '').replace('<', '').replace(']]>', '')}</a>")
    assert readable(text) == text


def test_ordinary_text_is_left_alone() -> None:
    text = "Schublade \u00e4\u00f6\u00fc \u62bd\u5c49 \U0001f5c4\n\tsecond line"
    assert readable(text) == text
    assert readable("a\udcffb\x1b") == "a\\xffb\\x1b"
    assert readable_values({"p": Path("a\udcff"), "n": [1, None, "x\0"]}) == {"p": "a\\xff", "n": [1, None, "x\\x00"]}


def test_a_folder_keeps_its_dots_and_a_file_loses_its_ending(tmp_path: Path) -> None:
    (tmp_path / "name.with.dots").mkdir()
    (tmp_path / "clip.v2.mp4").touch()
    assert model_name(tmp_path / "name.with.dots") == "name.with.dots"
    assert model_name(tmp_path / "clip.v2.mp4") == "clip.v2"
    assert model_name(Path("/")) == "object"


def test_long_names_are_cut_and_told_apart() -> None:
    names = [short_name("n" * 250 + end) for end in "ab"]
    assert len(set(names)) == 2
    assert all(len(os.fsencode(name)) <= 200 for name in names)
    assert short_name("kitchen") == "kitchen"


def test_a_batch_leaves_room_for_the_endings_of_its_files(tmp_path: Path) -> None:
    for end in "ab":
        write_scene(render_scene(num_frames=2, width=32, height=24), tmp_path / ("r" * 254 + end))
    names = find_recordings(tmp_path)
    assert len(names) == 2
    for name in names:
        (tmp_path / f"{name}.log").touch()


def test_a_library_that_takes_text_alone_gets_a_way_to_any_file(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"f\xff")
    folder.mkdir()
    with utf8_path(folder / "a.txt") as place:
        str(place).encode()
        place.write_text("written")
    assert (folder / "a.txt").read_text() == "written"
    with utf8_path(tmp_path / "b") as place:
        assert place == tmp_path / "b"
