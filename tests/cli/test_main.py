"""The verb table: help without heavy imports, exit codes, sentences for errors."""

import errno
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from types import ModuleType

import pytest

import sim2art
from sim2art.cli import main as cli
from sim2art.errors import InvalidValueError


def install_verb(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Add the verb "try", which raises `error`."""

    @dataclass(frozen=True, kw_only=True)
    class AttemptOptions:
        """Try."""

        count: int = 1
        """How often."""

    def attempt(options: AttemptOptions) -> None:
        if error is not None:
            raise error
        print(f"count {options.count}")

    module = ModuleType("sim2art_test_verb")
    module.attempt = attempt  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim2art_test_verb", module)
    monkeypatch.setitem(cli.VERBS, "try", ("sim2art_test_verb:attempt", "Try."))


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in cli.VERBS)


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"sim2art {sim2art.__version__}\n"


def test_unknown_verb_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runn"]) == 2
    assert "no verb 'runn'; known verbs: run, " in capsys.readouterr().err


def test_verb_gets_its_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install_verb(monkeypatch, None)
    assert cli.main(["try", "--count", "3"]) == 0
    assert capsys.readouterr().out == "count 3\n"


def test_our_error_becomes_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_verb(monkeypatch, InvalidValueError("The depth is all zero."))
    assert cli.main(["try"]) == 2
    assert capsys.readouterr().err == "sim2art try: The depth is all zero.\n"


def test_full_disk_becomes_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_verb(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    assert cli.main(["try"]) == 2
    assert "the disk is full" in capsys.readouterr().err


def test_a_file_that_the_system_refuses_becomes_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_verb(monkeypatch, PermissionError(errno.EACCES, "Permission denied", "/data/clip/camera.json"))
    assert cli.main(["try"]) == 2
    assert capsys.readouterr().err == "sim2art try: Permission denied: '/data/clip/camera.json'.\n"
    install_verb(monkeypatch, OSError("no file is to blame"))
    with pytest.raises(OSError, match="no file"):
        cli.main(["try"])


def test_ctrl_c_becomes_a_sentence_and_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_verb(monkeypatch, KeyboardInterrupt())
    assert cli.main(["try"]) == 130
    assert "stopped by you" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    install_verb(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["try"])


def test_help_and_import_load_nothing_heavy() -> None:
    heavy = ("torch", "cv2", "numba", "scipy", "tyro", "numpy")
    script = (
        "import sys, sim2art.cli.main as m; m.main(['--help']); import sim2art; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    start = time.perf_counter()
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
    # The promise is 0.5 s on a quiet machine; five times that leaves room for a busy one.
    assert time.perf_counter() - start < 2.5


@pytest.mark.parametrize("words", ["import sim2art; sim2art.reconstruct", "import sim2art.cli.run"])
def test_the_way_to_a_run_loads_no_network_and_no_compiler(words: str) -> None:
    script = (
        f"{words}\nimport sys, time\n"
        "heavy = ('torch', 'numba', 'scipy', 'trimesh', 'safetensors', 'mujoco', 'sim2art.perception.pipeline')\n"
        "print([name for name in heavy if name in sys.modules], time.process_time())"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    loaded, _, seconds = printed.strip().rpartition(" ")
    assert loaded == "[]"
    assert float(seconds) < 1.5  # CPU; a third of it on a quiet machine.


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_every_verb_explains_its_options(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([verb, "--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert f"usage: sim2art {verb}" in printed and "--help" in printed


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["assets"]])
def test_output_into_a_closed_pipe_ends_quietly(words: list[str], unbuffered: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "sim2art", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == b""
    assert program.wait() == cli.NOBODY_READS


def test_a_broken_pipe_of_something_else_is_no_quiet_end(monkeypatch: pytest.MonkeyPatch) -> None:
    install_verb(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    with pytest.raises(BrokenPipeError):
        cli.main(["try"])
