"""ViPE as a program of its own environment (`vipe infer VIDEO -o FOLDER`); its results are read by `captures/vipe_output.py`.

Huang et al., "ViPE: Video Pose Engine for 3D Geometric Perception", 2025. Apache-2.0, its UniK3D part CC BY-NC-SA 4.0. It
needs CUDA and is never imported here. ViPE leaves things that move out of its camera tracking by words; its own words hold
no furniture, so ours are put in their place by the small program below, which runs in ViPE's Python.
"""

import shutil
import subprocess
from pathlib import Path

from sim2art.errors import InvalidFileError, MissingPackageError
from sim2art.perception.captures.capture import DepthSource
from sim2art.perception.captures.vipe_output import read_vipe_output

PHRASES = (
    "person", "hand", "arm", "door", "cabinet door", "drawer", "lid", "laptop", "refrigerator door", "oven door",
    "microwave door", "window", "box lid", "scissors",
)  # fmt: skip
_PROGRAM = """
import sys
import vipe.cli.main as cli
words = sys.argv[1]
if hasattr(cli, "parse_typed_config"):
    parse = cli.parse_typed_config
    cli.parse_typed_config = lambda name, hydra_args, **more: parse(name, hydra_args=[*hydra_args, words], **more)
else:
    import hydra
    compose = hydra.compose
    hydra.compose = lambda name, overrides=(), **more: compose(name, overrides=[*overrides, words], **more)
cli.main(sys.argv[2:])
"""
_TAIL = 1500
"""Characters of ViPE's last words that an error shows."""


def run_vipe(video: Path, output: Path) -> DepthSource:
    """Run ViPE on a video, or read what it has written there before.

    Args:
        video: A video file.
        output: Folder for ViPE's results; a whole result of this video in it is used again.

    Raises:
        MissingPackageError: When there is no `vipe` on the path.
        InvalidFileError: When it stops with an error or its results are not whole.
    """
    if not _is_whole(video, output):
        program = shutil.which("vipe")
        if program is None:
            raise MissingPackageError(
                "The program 'vipe' is not on the path. It needs CUDA and an environment of its own: python -m venv vipe-env && "
                "vipe-env/bin/pip install nvidia-vipe, then put vipe-env/bin on the PATH. Or run it elsewhere and pass what "
                f"it wrote: sim2art run vipe_results/ --name {video.stem}"
            )
        _call(program, video, output)
    return read_vipe_output(output, video.stem)


def _call(program: str, video: Path, output: Path) -> None:
    phrases = f"pipeline.init.instance.phrases=[{','.join(repr(phrase) for phrase in PHRASES)}]"
    infer = ["infer", str(video.resolve()), "-o", str(output.resolve())]
    python = Path(program).resolve().parent / "python"
    command = [str(python), "-c", _PROGRAM, phrases, *infer] if python.exists() else [program, *infer]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-_TAIL:]
        raise InvalidFileError(
            f"ViPE stopped with exit code {done.returncode} on {video}; its last words:\n{words}\nRun it by hand to see more: "
            f"vipe {' '.join(infer)}",
            path=video,
        )


def _is_whole(video: Path, output: Path) -> bool:
    try:
        read_vipe_output(output, video.stem)
    except InvalidFileError:
        return False
    return True
