"""A small set of real videos as files, with results whose scores are known by hand or drawn by chance."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (100, 80)
FOCAL = 100.0
SQUARE = [[10, 10], [29, 10], [29, 29], [10, 29]]
"""Filled, 20 x 20 pixels."""


def write_annotation(
    folder: Path, name: str, parts: list[dict[str, Any]], frames: dict[str, Any], **facts: Any
) -> None:
    path = folder / "annotations" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"clip": f"x/{name}.mp4", "size": SIZE, "parts": parts, "frames": frames, **facts}))


def write_clip(folder: Path, name: str) -> None:
    """A file where the video would be."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    (folder / "clips" / f"{name}.mp4").write_bytes(b"no video")


def joint(kind: str, child: int, **facts: Any) -> dict[str, Any]:
    """A joint as `result.json` holds it: by default a hinge that the image shows as the column x = 60."""
    return {
        "type": kind,
        "child": child,
        "axis": [0.0, 1.0, 0.0],
        "pivot": [0.1, 0.0, 1.0] if kind == "revolute" else None,
        "values": [0.0, 0.2, 0.5],
        "confidence": 0.9,
        "reasons": [],
        **facts,
    }


def write_result(
    folder: Path,
    labels: list[np.ndarray],
    joints: list[dict[str, Any]],
    *,
    status: str = "ok",
    frames: tuple[int, ...] = (0, 10, 20),
    fps: float = 30.0,
    world_from_camera: np.ndarray | None = None,
    size: tuple[int, int] = SIZE,
    focal: float = FOCAL,
    depth: int = 1000,
) -> None:
    """A result folder as `sim2art run` writes it, as far as scores need it."""
    for name in ("labels", "video/rgb", "video/depth"):
        (folder / name).mkdir(parents=True)
    poses = np.broadcast_to(np.eye(4), (len(frames), 4, 4)) if world_from_camera is None else world_from_camera
    camera = {
        "width": size[0], "height": size[1], "depth_scale": 0.001, "world_from_camera": poses.tolist(),
        "intrinsics": [[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]],
    }  # fmt: skip
    (folder / "video" / "camera.json").write_text(json.dumps(camera))
    for frame, image in zip(frames, labels, strict=True):
        Image.fromarray(image.astype(np.uint8)).save(folder / "labels" / f"{frame:06d}.png")
        grey = np.full((size[1], size[0], 3), 90, np.uint8)
        Image.fromarray(grey).save(folder / "video" / "rgb" / f"{frame:06d}.jpg")
        depths = np.full((size[1], size[0]), depth, np.uint16)
        Image.fromarray(depths).save(folder / "video" / "depth" / f"{frame:06d}.png")
    content = {
        "status": status, "frames": list(frames), "times": [frame / fps for frame in frames], "joints": joints,
        "provenance": {"commit": "abc"},
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(content))


def square_labels(*places: tuple[int, int, int]) -> np.ndarray:
    """A label image with squares of 20 x 20 pixels: (left, top, label) each."""
    labels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    for left, top, label in places:
        labels[top : top + 20, left : left + 20] = label
    return labels
