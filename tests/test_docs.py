"""The documentation says what the program does: its commands parse, its scripts are there, the site builds."""

import functools
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim2art.cli.main import VERBS, load_verb
from sim2art.cli.options import options_type, parse_options

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")])
FENCED = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANY_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(.+)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
SCRIPT = re.compile(r"\b(?:benchmarks|docs|examples)/[\w/]+\.py\b")


def whole_commands(text: str) -> Iterator[list[str]]:
    """Words after `sim2art` of each command in a block of shell, one that is meant to run as it stands."""
    plain = ANY_FENCE.sub("", text)
    for block in [*FENCED.findall(text), "\n".join(INDENTED.findall(plain))]:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for index, word in enumerate(words):
                if word == "sim2art" or word.endswith("/sim2art"):
                    yield list(
                        itertools.takewhile(lambda other: other not in ("&&", "||", ";", "|", ">"), words[index + 1 :])
                    )
                elif " sim2art " in f" {word} ":  # sbatch --wrap 'sim2art ...'
                    yield shlex.split(word)[1:]


def mentioned_commands(text: str) -> Iterator[list[str]]:
    """The same of `sim2art VERB ...` in running text, which may leave out what is plain."""
    for span in INLINE.findall(ANY_FENCE.sub("", text)):
        if re.match(r"sim2art [a-z]", span):
            yield shlex.split(span)[1:]


@functools.cache
def arguments_of(verb: str) -> Callable[[list[str]], Any]:
    """Parses a verb's words as the program does, without running it."""
    kind = options_type(load_verb(verb))
    return lambda words: parse_options(kind, words, prog=f"sim2art {verb}")


def first_choices(words: list[str]) -> list[str]:
    """`none|paper|real` stands for any of them."""
    return [word.split("|")[0] if re.fullmatch(r"[\w-]+(\|[\w-]+)+", word) else word for word in words]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_parse(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in whole_commands(page.read_text(encoding="utf-8")):
        if words[:1] in (["--help"], ["--version"], []):
            continue
        verb, rest = words[0], first_choices(words[1:])
        assert verb in VERBS, f"{page.name}: sim2art {' '.join(words)}: no such verb"
        try:
            arguments_of(verb)(rest)
        except SystemExit:
            pytest.fail(f"{page.name}: sim2art {' '.join(words)} does not parse:\n{capsys.readouterr().err}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_running_text_name_verbs_and_options(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in mentioned_commands(page.read_text(encoding="utf-8")):
        assert words[0] in VERBS, f"{page.name}: `sim2art {' '.join(words)}`: no such verb"
        try:
            if words[1:]:
                arguments_of(words[0])(first_choices(words[1:]))
        except SystemExit:
            complaint = capsys.readouterr().err  # What is required may be left out here.
            assert "Unrecognized" not in complaint and "nvalid choice" not in complaint, (
                f"{page.name}: {words}:\n{complaint}"
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_that_are_named_are_there(page: Path) -> None:
    for script in SCRIPT.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / script).is_file(), f"{page.name} names {script}, which is not there"


def test_the_checks_see_what_is_wrong() -> None:
    text = "```sh\nsim2art run A -o B --frames 8  # of many\nmake && sim2art doctor && ls\n```\n\n    sim2art runn A\n\nUse `sim2art run --framez 8`."
    assert list(whole_commands(text)) == [["run", "A", "-o", "B", "--frames", "8"], ["doctor"], ["runn", "A"]]
    assert list(mentioned_commands(text)) == [["run", "--framez", "8"]]
    assert arguments_of("run")(["A", "-o", "B", "--frames", "8"]).input.frames == 8
    with pytest.raises(SystemExit):
        arguments_of("run")(["A", "-o", "B", "--framez", "8"])


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_needs_no_network(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert (tmp_path / "CONVENTIONS.html").is_file()
    for page in tmp_path.glob("*.html"):
        outside = re.findall(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//[^"]*"', page.read_text(encoding="utf-8"))
        outside += re.findall(r'<link[^>]*stylesheet[^>]*href="(?:https?:)?//[^"]*"', page.read_text(encoding="utf-8"))
        assert not outside, f"{page.name} loads {outside}"


def test_tables_of_results_are_those_of_the_kept_evaluations() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/results_page.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
