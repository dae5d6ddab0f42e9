"""The table verb -> function. It imports only the verb that runs, so `sim2art --help` is instant and needs no torch."""

import errno
import io
import logging
import os
import select
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import sim2art
from sim2art.cli.threads import set_threads
from sim2art.errors import Sim2ArtError

VERBS: dict[str, tuple[str, str]] = {
    "run": ("sim2art.cli.run:run", "Turn one recording of an object in motion into an articulated model."),
    "capture": ("sim2art.cli.capture:capture", "Turn another program's recording into a capture folder, or show it."),
    "doctor": ("sim2art.cli.doctor:doctor", "Say which components can run here, and how to get the others."),
    "weights": ("sim2art.cli.weights:weights", "List, fetch or verify the weights of outside models."),
    "view": ("sim2art.cli.view:view", "Look at a result in the browser; correct it, fit again, save."),
    "export": ("sim2art.cli.export:export", "Write a result as files for simulators; simulate it as a check."),
    "merge": ("sim2art.cli.merge:merge", "Join results of one object from several videos."),
    "evaluate": ("sim2art.cli.evaluate:evaluate", "Score methods on a simulated set; print the table, write JSON."),
    "compare": ("sim2art.cli.compare:compare", "Compare two evaluations of the same set, clip by clip."),
    "generate": ("sim2art.cli.generate:generate", "Write simulated clips as shards."),
    "assets": ("sim2art.cli.assets:assets", "List the objects that clips are made of; draw a sheet of them."),
    "train": ("sim2art.cli.train:train", "Train the articulation network on simulated clips."),
}
"""Verb -> ("module:function", one line for the help)."""

USER_ERROR = 2
INTERRUPTED = 130
NOBODY_READS = 141
"""As a shell reports a program that the system ended because nobody reads its output: 128 + SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done, 2 the input is at fault, 130 Ctrl-C, 141 nobody reads the output.

    Args:
        arguments: Words after the program's name; None reads them from the command line.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            return _main(words)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # Here, so that a closed pipe is noticed before the interpreter ends.
    except BrokenPipeError:
        if not _silence_closed_pipes():
            raise  # A pipe of something else, such as another process.
        return NOBODY_READS


def _silence_closed_pipes() -> bool:
    """Send what standard output and error still hold nowhere, where nobody reads them; whether one was so."""
    found = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            watch = select.poll()
            watch.register(stream.fileno(), 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0)):
                found = True
                with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
                    os.dup2(nowhere.fileno(), stream.fileno())
    return found


def _main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if words[0] in ("-V", "--version"):
        print(f"sim2art {sim2art.__version__}")
        return 0
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        print(f"sim2art: no verb '{verb}'; known verbs: {', '.join(VERBS)}. See sim2art --help.", file=sys.stderr)
        return USER_ERROR
    set_threads(verb)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # Names of files are printed as the bytes that they are.
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        run_verb(verb, rest)
    except Sim2ArtError as error:
        print(f"sim2art {verb}: {error}", file=sys.stderr)
        return USER_ERROR
    except OSError as error:
        if error.errno == errno.ENOSPC:
            print(
                f"sim2art {verb}: the disk is full ({error}). Make room, then run the command again.", file=sys.stderr
            )
        elif error.filename is not None:  # The system refused a file: no permission, a name too long, a broken disk.
            print(f"sim2art {verb}: {error.strerror}: '{error.filename}'.", file=sys.stderr)
        else:
            raise
        return USER_ERROR
    except KeyboardInterrupt:
        print(f"\nsim2art {verb}: stopped by you (Ctrl-C).", file=sys.stderr)
        return INTERRUPTED
    return 0


def load_verb(verb: str) -> Callable[..., Any]:
    """Import the function behind a verb."""
    module, _, function = VERBS[verb][0].partition(":")
    return getattr(import_module(module), function)


def run_verb(verb: str, words: Sequence[str]) -> None:
    """Read the words that follow a verb as its options, and do it."""
    from sim2art.cli.options import options_type, parse_options

    function = load_verb(verb)
    function(parse_options(options_type(function), words, prog=f"sim2art {verb}"))


def help_text() -> str:
    """What `sim2art --help` prints."""
    width = max(map(len, VERBS))
    table = "\n".join(f"  {verb:<{width}}  {line}" for verb, (_, line) in VERBS.items())
    return (
        "usage: sim2art VERB [options]\n\n"
        "One video of an object in motion to an articulated 3D model.\n\n"
        f"verbs:\n{table}\n\n"
        "sim2art VERB --help shows the options of a verb; sim2art --version the version."
    )


if __name__ == "__main__":
    sys.exit(main())
