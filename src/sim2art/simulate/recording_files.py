"""A rendered recording as our capture folder, with its truth beside it."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.articulation.io import write_kinematics
from sim2art.errors import OutputExistsError
from sim2art.simulate.recordings import SimulatedRecording

JPEG_QUALITY = 90


def write_recording(recording: SimulatedRecording, folder: Path) -> None:
    """Write `rgb/`, `depth/`, `camera.json`, and the truth: `truth.json` and part ids in `truth/`.

    `truth.json` holds kinematics in the world frame (the first camera's) and the joint values of every frame;
    `truth/NNNNNN.png` the index of the part (= link) at each pixel.

    Raises:
        OutputExistsError: When the folder already holds files.
    """
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(f"Folder '{folder}' is not empty; choose another or empty it first.", path=folder)
    for name in ("rgb", "depth", "truth"):
        (folder / name).mkdir(parents=True)
    for index in range(len(recording.times)):
        Image.fromarray(recording.images[index]).save(folder / "rgb" / f"{index:06d}.jpg", quality=JPEG_QUALITY)
        depth_mm = np.rint(recording.depths[index] * 1000).astype(np.uint16)
        Image.fromarray(depth_mm).save(folder / "depth" / f"{index:06d}.png")
        Image.fromarray(recording.part_images[index]).save(folder / "truth" / f"{index:06d}.png")
    height, width = recording.depths.shape[1:]
    camera = {
        "width": width,
        "height": height,
        "fps": recording.fps,
        "depth_scale": 0.001,
        "intrinsics": recording.intrinsics.tolist(),
        "frames": list(range(len(recording.times))),
    }
    if recording.world_from_camera is not None:
        camera["world_from_camera"] = recording.world_from_camera.tolist()
    (folder / "camera.json").write_text(json.dumps(camera))
    write_kinematics(folder / "truth.json", recording.truth.articulated_object, recording.truth.trajectory)
    (folder / "provenance.json").write_text(json.dumps(recording.provenance))
