"""The documentation says what the program does: its commands parse, its scripts are there, the site builds."""

import functools
import itertools
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sim2art
from sim2art.cli.main import VERBS, load_verb
from sim2art.cli.options import options_type, parse_options

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")])
MORE_PAGES = [*sorted(ROOT.glob("docs/history/*.md")), ROOT / "tests/README.md"]
MOST_WORDS = 15_000
"""Of README and docs/ outside of docs/history/: what a reader may be asked to read."""
FENCED = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANY_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
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


@functools.cache
def anchors_of(page: Path) -> frozenset[str]:
    """Names of a page's headings, as code hosts and the site make them."""
    headings = HEADING.findall(ANY_FENCE.sub("", page.read_text(encoding="utf-8")))
    return frozenset(re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings)


def broken_links(page: Path) -> list[str]:
    """Links of a page to files or headings that are not there."""
    broken = []
    for target, anchor in LINK.findall(ANY_FENCE.sub("", page.read_text(encoding="utf-8"))):
        place = page.parent / target if target else page
        if not place.exists() or (anchor and anchor not in anchors_of(place.resolve())):
            broken.append(f"{target}#{anchor}" if anchor else target)
    return broken


@pytest.mark.parametrize("page", [*PAGES, *MORE_PAGES], ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b\n[x](#a-b) [y](#c) [z](other.md) ![p](p.png) [w](https://example.org)")
    assert broken_links(page) == ["#c", "other.md", "p.png"]


def count_words(text: str) -> int:
    """Words of a page: whatever holds a letter or a digit, commands and cells of tables included."""
    return sum(re.search(r"\w", word) is not None for word in text.split())


def test_documents_stay_short_enough_to_be_read() -> None:
    words = {page.name: count_words(page.read_text()) for page in [*ROOT.glob("docs/*.md"), ROOT / "README.md"]}
    assert sum(words.values()) <= MOST_WORDS, sorted(words.items(), key=lambda item: -item[1])


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


def test_page_of_results_is_made_of_the_kept_evaluations_byte_for_byte() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/results_page.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_of_tests_is_described() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "tests/README.md").read_text(), flags=re.MULTILINE))
    assert described == {path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}


def test_architecture_names_every_package_and_draws_the_layers_that_are_enforced() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    top = [path for path in (ROOT / "src/sim2art").iterdir() if path.is_dir() or path.suffix == ".py"]
    for path in [x for x in top if not x.name.startswith("__")]:
        assert re.search(rf"`{re.escape(path.name)}/?`", page), f"{path.name} is not named."
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    enforced = [re.sub(r"[()]", "", layer) for layer in settings["layers"] if layer != "__main__"]
    drawn = page.split("## Who may import whom")[1].split("## Core types")[0]
    assert [line.strip() for line in drawn.splitlines() if line.startswith("    ")] == enforced


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version == sim2art.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    latest = re.search(r"^## \[(\d.*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest is not None and latest[1] == version
    assert f"\ndate-released: {latest[2]}\n" in (ROOT / "CITATION.cff").read_text()
