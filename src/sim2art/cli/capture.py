"""`sim2art capture`: turn a recording of another program into our capture folder, or say what it holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tqdm import tqdm
from tyro.conf import Positional, arg

from sim2art.errors import InvalidValueError
from sim2art.perception.captures.capture import Capture, ColorCapture
from sim2art.perception.captures.convert import write_capture
from sim2art.perception.captures.derived import cut_times
from sim2art.perception.captures.open_capture import open_recording


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """Convert a recording into a capture folder, or show what it holds."""

    action: Positional[Literal["convert", "show"]]
    """convert writes the folder; show prints what the recording holds."""
    recording: Positional[Path]
    """A video, a folder of pictures, or a recording of an app, sensor or dataset (docs/capture_guide.md)."""
    output: Positional[Path | None] = None
    """The new folder (for convert)."""
    name: str | None = None
    """Which video, for a folder that holds ViPE's results of several."""
    start: float | None = None
    """Seconds of the recording at which to begin."""
    end: float | None = None
    """Seconds of the recording at which to stop."""
    every: Annotated[int, arg(metavar="N")] = 1
    """Keep every N-th frame only."""
    overwrite: bool = False
    """Replace an earlier conversion in the folder."""


def capture(options: CaptureOptions) -> None:
    opened = cut_times(open_recording(options.recording, options.name), options.start, options.end)
    if options.action == "show":
        print(describe(opened))
        return
    if options.output is None:
        raise InvalidValueError("Convert needs two places: sim2art capture convert RECORDING FOLDER")
    with tqdm(total=len(range(0, len(opened.frame_ids), max(1, options.every))), unit="frame") as bar:
        told = write_capture(
            opened,
            options.output,
            every=options.every,
            overwrite=options.overwrite,
            on_frame=lambda done, _: _set(bar, done),
        )
    for words in told:
        print(f"Warning: {words}")
    print(f"Written: {options.output}/")
    if not isinstance(opened, Capture):
        print("It has no depth: sim2art run needs a depth component for it (sim2art doctor says which can run here).")


def describe(opened: ColorCapture) -> str:
    """What a recording holds, as text."""
    image = opened.read_image(0)
    seconds = float(opened.times[-1] - opened.times[0]) if len(opened.times) else 0.0
    rows = [
        ("frames", f"{len(opened.frame_ids)} in {seconds:.1f} s"),
        ("image", f"{image.shape[1]}x{image.shape[0]} px"),
    ]
    if isinstance(opened, Capture):
        depth = opened.read_depth(0)
        seen = depth[depth > 0]
        unit = "m" if opened.is_metric else "(unknown unit)"
        middle = f", median {np.median(seen):.3g} {unit}" if len(seen) else ""
        rows.append(
            ("depth", f"{depth.shape[1]}x{depth.shape[0]} px, {100 * np.mean(depth > 0):.0f} % measured{middle}")
        )
    else:
        rows.append(("depth", "none"))
    if opened.intrinsics is None:
        rows.append(("intrinsics", "unknown"))
    else:
        k = opened.intrinsics
        rows.append(("intrinsics", f"fx {k[0, 0]:.1f}, fy {k[1, 1]:.1f}, cx {k[0, 2]:.1f}, cy {k[1, 2]:.1f} px"))
    rows.append(("camera poses", "none" if opened.world_from_camera is None else "recorded"))
    lines = [f"{name:<14}{value}" for name, value in rows]
    return "\n".join([*lines, *(f"Warning: {words}" for words in opened.warnings)])


def _set(bar: tqdm, done: int) -> None:
    bar.update(done - bar.n)
