"""Any recording as our capture folder, one frame at a time, so that a long one fits in memory."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.captures.capture import Capture, ColorCapture, mean_up
from sim2art.stages import PARTIAL, check_output, move_in

JPEG_QUALITY = 95
_METRIC_STEP = 0.001
_STEPS = 60_000
"""Of the 16-bit range, for the farthest depth of a recording whose depth is not metres."""


def write_capture(
    capture: ColorCapture, output: Path, *, every: int = 1, overwrite: bool = False,
    on_frame: Callable[[int, int], None] | None = None,
) -> list[str]:  # fmt: skip
    """Write `rgb/`, `depth/` when there is depth, and `camera.json`; all appear together or not at all.

    Args:
        capture: An open recording.
        output: The folder; it must be empty or missing.
        every: Keep every n-th frame only.
        overwrite: Replace what the folder holds of an earlier run.
        on_frame: Called with the number of frames done and of all.

    Returns:
        What was repaired or left out, in words.

    Raises:
        OutputExistsError: When the folder holds files.
        InvalidFileError: When no frame could be read.
    """
    if every < 1:
        raise InvalidValueError(f"every is {every}; 1 keeps all frames, 2 every second one.")
    check_output(output, overwrite=overwrite, resume=True)
    partial = output / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        told = _write(capture, partial, every, on_frame)
        move_in(partial, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return told


def _write(
    capture: ColorCapture, folder: Path, every: int, on_frame: Callable[[int, int], None] | None
) -> list[str]:  # fmt: skip
    chosen = range(0, len(capture.frame_ids), every)
    (folder / "rgb").mkdir()
    has_depth = isinstance(capture, Capture)
    scale = 0.0
    if has_depth:
        (folder / "depth").mkdir()
        scale = _METRIC_STEP if capture.is_metric else _depth_step(capture, chosen)
    kept, damage, size = [], [], (0, 0)
    for done, index in enumerate(chosen):
        name = f"{capture.frame_ids[index]:06d}"
        try:
            image = capture.read_image(index)
            depth = capture.read_depth(index) if has_depth else None
        except InvalidFileError as error:
            damage.append(str(error))
            continue
        size = (image.shape[1], image.shape[0])
        Image.fromarray(image).save(folder / "rgb" / f"{name}.jpg", quality=JPEG_QUALITY)
        if depth is not None:
            steps = np.clip(np.rint(depth / scale), 0, np.iinfo(np.uint16).max).astype(np.uint16)
            Image.fromarray(steps).save(folder / "depth" / f"{name}.png")
        kept.append(index)
        if on_frame is not None:
            on_frame(done + 1, len(chosen))
    if not kept:
        raise InvalidFileError(f"{capture.path}: no frame can be read. First: {damage[0]}", path=capture.path)
    camera: dict[str, Any] = {
        "width": size[0],
        "height": size[1],
        "times": [float(capture.times[index]) for index in kept],
        "frames": [int(capture.frame_ids[index]) for index in kept],
    }
    if capture.intrinsics is not None:
        camera["intrinsics"] = capture.intrinsics.tolist()
    if has_depth:
        camera |= {"depth_scale": scale, "is_metric": capture.is_metric}
    if capture.world_from_camera is not None:
        camera["world_from_camera"] = capture.world_from_camera[kept].tolist()
        up = None if capture.ups_camera is None else mean_up(capture.world_from_camera[kept], capture.ups_camera[kept])
        if up is not None:
            camera["up_world"] = up.tolist()
    (folder / "camera.json").write_text(json.dumps(camera))
    lost = [f"{len(damage)} of {len(chosen)} frames are damaged and left out ({damage[0]})"] if damage else []
    return [*capture.warnings, *lost]


def _depth_step(capture: Capture, chosen: range) -> float:
    """Length of one 16-bit step for depth of unknown unit: fine enough for the farthest of a few frames, twice over."""
    farthest = 0.0
    for index in chosen[:: max(1, len(chosen) // 8)]:
        try:
            farthest = max(farthest, float(capture.read_depth(index).max()))
        except InvalidFileError:
            continue
    return 2 * farthest / _STEPS if farthest > 0 else _METRIC_STEP
