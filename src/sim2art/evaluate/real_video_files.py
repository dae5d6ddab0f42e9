"""A folder of real videos with drawings, and the result folders of `sim2art run` on them, as `real_video` needs them.

    FOLDER/clips/NAME.mp4            colour video; NAME begins with negative_: no joint may come out
    FOLDER/annotations/NAME.json     drawings; the clip may also lie beside the folder, where its `clip` says
    FOLDER/rgbd_still/NAME/          recordings with depth in which nothing moves

The annotation's form: `size`, `parts` (`name`, `type`, `range`), `frames` (number -> `polygons`, `axis`, `hand`), or
`unusable` with the reason.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError
from sim2art.evaluate.real_video import Drawing, DrawnFrame, DrawnPart, FoundJoint, FoundResult, Kind
from sim2art.evaluate.real_video_axis import AxisLine, ImageCamera
from sim2art.geometry.transforms import inverse

_T = TypeVar("_T")

NEGATIVE = "negative_"
STILL = "rgbd_still"


@dataclass(frozen=True, kw_only=True)
class RealClip:
    """One recording of the set."""

    name: str
    """Of its annotation and its result folder."""
    recording: Path | None
    """None when no file was found."""
    kind: Kind
    chain: Literal["light", "rgbd"]
    drawing: Drawing | None = None


def list_clips(folder: Path) -> tuple[RealClip, ...]:
    """The clips of a folder: drawn ones, negatives, still recordings with depth.

    Raises:
        InvalidFileError: When the folder holds none, or an annotation is damaged.
    """
    videos = {path.stem: path for path in sorted((folder / "clips").glob("*")) if path.is_file()}
    found: dict[str, RealClip] = {}
    for path in sorted((folder / "annotations").glob("*.json")):
        content = _read_json(path)
        if "unusable" in content:
            videos.pop(path.stem, None)
            continue
        drawing = _read(lambda content=content: _drawing_from(content), path)
        beside = folder.resolve().parent / str(content.get("clip", ""))
        recording = videos.get(path.stem) or (beside if beside.is_file() else None)
        kind: Kind = "moving" if drawing.parts else "negative"
        found[path.stem] = RealClip(
            name=path.stem, recording=recording, kind=kind, chain="light", drawing=drawing if drawing.parts else None
        )
    for name, path in videos.items():
        if name.startswith(NEGATIVE) and name not in found:
            found[name] = RealClip(name=name, recording=path, kind="negative", chain="light")
    for path in sorted(path for path in (folder / STILL).glob("*") if path.is_dir()):
        name = f"{STILL}_{path.name}"
        found[name] = RealClip(name=name, recording=path, kind="still", chain="rgbd")
    if not found:
        raise InvalidFileError(
            f"'{folder}' holds no set of real videos: annotations/NAME.json with clips/NAME.mp4 are needed.",
            path=folder,
        )
    return tuple(found[name] for name in sorted(found))


def read_found_result(folder: Path) -> FoundResult:
    """What a result folder says.

    Raises:
        InvalidFileError: When its files are missing or damaged; label and depth images may fail later, when read.
    """
    content, camera = _read_json(folder / "result.json"), _read_json(folder / "video" / "camera.json")
    return _read(lambda: _result_from(content, camera, folder), folder)


def read_used_image(folder: Path, frame_id: int) -> Image.Image:
    """The picture of a used frame.

    Raises:
        InvalidFileError: When it is missing or damaged.
    """
    return _read_image(folder / "video" / "rgb" / f"{frame_id:06d}.jpg").convert("RGB")


def _drawing_from(content: dict[str, Any]) -> Drawing:
    width, height = (int(length) for length in content["size"])
    parts = tuple(
        DrawnPart(name=str(part["name"]), type=part["type"], range_deg=None if not part.get("range") else tuple(part["range"]))
        for part in content["parts"]
    )  # fmt: skip
    frames = {
        int(number): DrawnFrame(
            polygons=tuple(_polygons(drawn["polygons"][index]) for index in range(len(parts))),
            axes=tuple(_axis(drawn.get("axis"), index) for index in range(len(parts))),
            hand=_polygons(drawn.get("hand")),
        )
        for number, drawn in content["frames"].items()
    }
    return Drawing(size=(width, height), parts=parts, frames=frames)


def _polygons(outlines: list | None) -> tuple[np.ndarray, ...]:
    return tuple(np.array(outline, dtype=np.float64).reshape(-1, 2) for outline in outlines or [])


def _axis(axes: list | None, index: int) -> np.ndarray | None:
    return np.array(axes[index], dtype=np.float64).reshape(2, 2) if axes and axes[index] else None


def _result_from(content: dict[str, Any], camera: dict[str, Any], folder: Path) -> FoundResult:
    frame_ids = tuple(int(frame) for frame in content["frames"])
    size = (int(camera["width"]), int(camera["height"]))
    intrinsics = np.array(camera["intrinsics"], dtype=np.float64)
    poses = np.array(camera["world_from_camera"], dtype=np.float64)
    depth_scale = float(camera["depth_scale"])

    def read_labels(place: int) -> np.ndarray:
        return np.array(_read_image(folder / "labels" / f"{frame_ids[place]:06d}.png"), dtype=np.uint8)

    def read_depth(place: int) -> float:
        depth = np.array(_read_image(folder / "video" / "depth" / f"{frame_ids[place]:06d}.png"))
        return float(np.median(depth[depth > 0])) * depth_scale if (depth > 0).any() else 1.0

    return FoundResult(
        status=str(content["status"]),
        frame_ids=frame_ids,
        times=tuple(float(time) for time in content["times"]),
        joints=tuple(_joint_from(joint) for joint in content["joints"]),
        cameras=tuple(
            ImageCamera(camera_from_world=inverse(poses[place]), intrinsics=intrinsics, size=size)
            for place in range(len(frame_ids))
        ),
        read_labels=read_labels,
        read_depth=read_depth,
    )


def _joint_from(joint: dict[str, Any]) -> FoundJoint:
    kind = JointType(joint["type"])
    swing = float(np.ptp(np.array(joint["values"], dtype=np.float64)))
    return FoundJoint(
        line=AxisLine(
            type=kind,
            axis=np.array(joint["axis"], dtype=np.float64),
            pivot=np.array(joint["pivot"], dtype=np.float64) if kind is JointType.REVOLUTE else None,
        ),
        label=int(joint["child"]),
        swing=float(np.rad2deg(swing)) if kind is JointType.REVOLUTE else swing,
        confidence=float(joint["confidence"]),
        is_doubted=bool(joint["reasons"]),
    )


def _read_json(path: Path) -> dict[str, Any]:
    content = _read(lambda: json.loads(path.read_text(encoding="utf-8")), path)
    if not isinstance(content, dict):
        raise InvalidFileError(f"'{path}' holds no JSON object but {type(content).__name__}.", path=path)
    return content


def _read_image(path: Path) -> Image.Image:
    def read() -> Image.Image:
        with Image.open(path) as image:
            image.load()
            return image

    return _read(read, path)


def _read(read: Callable[[], _T], path: Path) -> _T:
    """What `read` gives; anything missing or damaged is said with the path."""
    try:
        return read()
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise InvalidFileError(f"'{path}' is missing or damaged: {type(error).__name__} {error}.", path=path) from error
