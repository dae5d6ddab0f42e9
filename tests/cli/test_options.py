"""Options go from the command line to `config.json` and back, and what cannot be read is refused with the way to mend it."""

import ast
import dataclasses
import inspect
import itertools
import json
from pathlib import Path
from typing import get_type_hints

import pytest

from sim2art.cli.main import VERBS, load_verb, main
from sim2art.cli.options import options_to_dict, options_type, parse_options, read_options
from sim2art.cli.run_options import RunOptions
from sim2art.errors import InvalidFileError, SchemaError
from tests.perception.sliding_scene import render_scene, write_scene

WORDS = [
    "/clips/door.mp4", "-o", "/out/door", "--frames", "9", "--start", "1", "--end", "4.5", "--box", "1,2,30,40", "--up=-y",
    "--known-length", "1,1,9,9=0.4", "--chain", "light", "--mask", "file:/masks", "--labels", "all", "--keep-room",
    "--method", "paper", "--checkpoint", "/weights/mine", "--no-refine", "--seed", "3",
]  # fmt: skip


def written(options: RunOptions, path: Path) -> Path:
    path.write_text(json.dumps(options_to_dict(options, schema=RunOptions.SCHEMA)))
    return path


def parse(*words: str) -> RunOptions:
    return parse_options(RunOptions, words, prog="sim2art run")


def test_options_come_back_from_the_file(tmp_path: Path) -> None:
    first = parse(*WORDS, "--overwrite", "--resume")
    config = written(first, tmp_path / "config.json")
    again = parse("-o", "/out/door", "--config", str(config))
    assert (again.input, again.chain, again.expert) == (first.input, first.chain, first.expert)
    assert (again.output.labels, again.output.keep_room) == ("all", True)
    assert not again.output.overwrite and not again.output.resume, "what is about one run is not kept"
    assert again.reconstruct_options(Path("x")).observe == first.reconstruct_options(Path("x")).observe
    assert json.loads(config.read_text()) == options_to_dict(again, schema=RunOptions.SCHEMA)


def test_the_command_line_stands_above_the_file(tmp_path: Path) -> None:
    config = written(parse(*WORDS), tmp_path / "config.json")
    for given in (["--config", str(config)], [f"--config={config}"], ["--config", str(tmp_path)]):
        again = parse("other.mp4", "-o", "x", *given, "--frames", "5", "--refine", "--no-keep-room", "--mask", "whole")
        assert (again.input.recording, again.input.frames, again.chain.mask) == (Path("other.mp4"), 5, "whole")
        assert again.expert.refine and not again.output.keep_room
        assert (again.input.end, again.expert.seed) == (4.5, 3)


def test_a_missing_output_is_still_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(parse(*WORDS), tmp_path / "config.json")
    with pytest.raises(SystemExit):
        parse("--config", str(config))
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is damaged"),
        ("[]", "has schema None"),
        ('{"observe": {}}', "has schema None"),
        ('{"schema": "sim2art.run/1", "input": {"frame": 3}}', "holds 'frame', which is no option"),
        ('{"schema": "sim2art.run/1", "input": {"frames": "many"}}', "has 'many' for 'frames', where int is needed"),
        ('{"schema": "sim2art.run/1", "input": {"frames": true}}', "has True for 'frames'"),
        ('{"schema": "sim2art.run/1", "expert": {"method": "magic"}}', "has 'magic' for 'method'; known: network"),
        ('{"schema": "sim2art.run/1", "chain": 3}', "holds 3 where a table of options is needed"),
        ('{"schema": "sim2art.run/1", "output": {"overwrite": true}}', "holds 'overwrite'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises((InvalidFileError, SchemaError)) as refused:
        read_options(RunOptions, path)
    assert words in str(refused.value) and "leave --config out" in str(refused.value)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "x", "-o", str(tmp_path / "out"), "--config", str(tmp_path / "no.json")]) == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_option_of_every_verb_is_explained(verb: str) -> None:
    waiting = [options_type(load_verb(verb))]
    while waiting:
        kind = waiting.pop()
        (body,) = (node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
        groups = {name: hint for name, hint in get_type_hints(kind).items() if dataclasses.is_dataclass(hint)}
        waiting += groups.values()
        options = {field.name for field in dataclasses.fields(kind)} - set(groups)
        explained = {
            node.target.id
            for node, after in itertools.pairwise(body)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr)
        }
        assert kind.__doc__ and options <= explained, f"{kind.__name__}: {options - explained}"


def test_the_help_of_run_is_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    printed = capsys.readouterr().out
    assert all(f" {group} options " in printed for group in ("input", "chain", "output", "expert", "batch"))


def test_a_result_can_be_made_again_from_its_own_file(tmp_path: Path) -> None:
    still = write_scene(render_scene(num_frames=6, width=120, height=90, slide=0.0), tmp_path / "clip")
    assert main(["run", str(still), "-o", str(tmp_path / "one"), "--frames", "4", "--mask", "motion"]) == 0
    assert main(["run", "-o", str(tmp_path / "two"), "--config", str(tmp_path / "one" / "config.json")]) == 0
    one, two = ((tmp_path / name / "config.json").read_bytes() for name in ("one", "two"))
    assert one == two
    # A batch takes the options of a result; the recording of that result is not meant.
    assert (
        main(["run", "--batch", str(tmp_path / "no"), "-o", str(tmp_path / "all"), "--config", str(tmp_path / "one")])
        == 2
    )
