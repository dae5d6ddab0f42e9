"""ROS 1 and ROS 2 recordings (`.bag`, folders with `metadata.yaml`), RealSense's own `.bag` files among them.

Read by rosbags (Apache-2.0), which needs no ROS. One colour and one depth topic are taken, aligned depth where there is some;
each has its CameraInfo. Depth of a camera of its own is brought into the view of colour, by what the bag says of the two:
`/tf_static`, or in RealSense's files the place of each stream. Camera poses are not looked for: they are tracked.
"""

import dataclasses
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import make_transform
from sim2art.optional import require
from sim2art.perception.captures.capture import Capture, ColorCapture, ColorSource
from sim2art.perception.captures.depth_images import depth_from_raw
from sim2art.perception.captures.derived import with_depth
from sim2art.perception.captures.frame_lists import nearest_pairs
from sim2art.perception.captures.lens import Lens
from sim2art.perception.captures.registration import DepthCamera, with_registered_depth
from sim2art.perception.captures.ros_messages import camera_of, color_image, image_kind, image_size, raw_depth
from sim2art.perception.captures.standard_form import fit_intrinsics, to_standard_form

_MAX_GAP = 0.025
"""s between the colour and the depth image of one frame."""
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_ALIGNED = ("aligned", "registered", "align_to_color")
_RECORD = (
    "Record the aligned depth topic too (RealSense: align_depth.enable:=true, topic aligned_depth_to_color/image_raw)"
)


def is_ros_bag(path: Path) -> bool:
    """Whether a path is a ROS recording."""
    return _bag_path(path) is not None


@dataclass(frozen=True, kw_only=True)
class _Topic:
    """One image topic with its camera."""

    connection: Any
    frame: str
    """Name of the camera's frame."""
    size: tuple[int, int]
    intrinsics: np.ndarray | None
    lens: Lens | None
    stamps: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """ns by the bag's clock, to find the messages; filled for the topics that are used."""
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """s by the messages' own clock, where that goes on."""

    @property
    def name(self) -> str:
        """Of the topic."""
        return str(self.connection.topic)


def read_ros_bag(path: Path) -> ColorCapture:
    """Open a ROS recording.

    Raises:
        InvalidFileError: When it is damaged, holds no colour, or depth that cannot be brought into its view.
        MissingPackageError: When rosbags is not installed.
    """
    bag = _Bag(path)
    color = bag.pick("color")
    if color is None:
        raise InvalidFileError(
            f"{path} holds no colour images that can be read; its topics: {bag.topics()}.", path=path
        )
    depth = bag.pick("depth")
    if depth is None:
        return bag.color_source(color, range(len(color.stamps)))
    pairs = nearest_pairs(color.times, depth.times, _MAX_GAP)
    if not pairs:
        raise InvalidFileError(
            f"{path}: no image of {color.name} lies within {_MAX_GAP} s of one of {depth.name}.", path=path
        )
    return _with_depth(bag, color, depth, pairs)


def _with_depth(bag: "_Bag", color: _Topic, depth: _Topic, pairs: list[tuple[int, int]]) -> Capture:
    source = bag.color_source(color, [pair[0] for pair in pairs])
    if source.intrinsics is None:
        raise InvalidFileError(
            f"{bag.path}: {color.name} has no CameraInfo; record its camera_info topic too.", path=bag.path
        )
    unit = bag.depth_unit(depth)
    stamps = [int(depth.stamps[pair[1]]) for pair in pairs]

    def read(index: int) -> Float32[np.ndarray, "height width"]:
        where = f"{bag.path}: {depth.name}"
        raw, usual = raw_depth(bag.message(depth.connection, stamps[index]), where)
        return depth_from_raw(raw, usual if unit is None or raw.dtype.kind == "f" else unit, where)

    is_aligned = any(word in depth.name.lower() for word in _ALIGNED) or (
        depth.frame == color.frame and _same_view(color, depth)
    )
    if is_aligned:
        fitted = fit_intrinsics(source.intrinsics, None, color.size, bag.path)
        return to_standard_form(with_depth(source, read), fitted, lens=color.lens)
    color_from_depth = bag.color_from_depth(color, depth)
    if depth.intrinsics is None or color_from_depth is None:
        raise InvalidFileError(
            f"{bag.path}: depth ({depth.name}) is not aligned to colour ({color.name}), and the bag does not say how the two "
            f"cameras stand to each other. {_RECORD}, or /tf_static.",
            path=bag.path,
        )
    camera = DepthCamera(
        intrinsics=depth.intrinsics, size=depth.size, color_from_depth=color_from_depth, lens=depth.lens
    )
    return with_registered_depth(source, color.size, color.lens, read, camera)


def _same_view(color: _Topic, depth: _Topic) -> bool:
    if depth.intrinsics is None or color.intrinsics is None:
        return depth.intrinsics is None
    return bool(np.allclose(depth.intrinsics / depth.size[0], color.intrinsics / color.size[0], atol=2e-3))


class _Bag:
    """An open recording; messages are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        found = _bag_path(path)
        assert found is not None, "is_ros_bag was asked before."
        highlevel: Any = require("rosbags.highlevel", extra="ros")
        typesys: Any = require("rosbags.typesys", extra="ros")
        try:
            stores = typesys.Stores
            known = typesys.get_typestore(stores.ROS1_NOETIC if found.suffix == ".bag" else stores.LATEST)
            self._reader = highlevel.AnyReader([found], default_typestore=known)
            self._reader.open()
        except Exception as error:  # Each reader of the package raises errors of its own.
            raise InvalidFileError(
                f"{path} cannot be opened as a ROS recording: {error}. It is cut off or damaged; for ROS 1, rosbag reindex "
                "mends a recording that was stopped hard.",
                path=path,
            ) from error
        self._topics = [topic for c in self._reader.connections if c.msgtype in _IMAGES if (topic := self._look(c))]

    def topics(self) -> str:
        """Names of all topics."""
        return ", ".join(sorted({connection.topic for connection in self._reader.connections})[:12]) or "none"

    def pick(self, kind: str) -> _Topic | None:
        """The topic of that kind; aligned depth and the larger image go first."""
        found = [topic for which, topic in self._topics if which == kind]

        def rank(topic: _Topic) -> tuple[bool, bool, bool, int]:
            name = topic.name.lower()
            words = _ALIGNED if kind == "depth" else ("color", "colour", "rgb")
            is_other = any(word in name for word in ("infra", "fisheye", "/ir", "confidence"))
            return not is_other, any(word in name for word in words), topic.intrinsics is not None, topic.size[0]

        return self._with_times(max(found, key=rank)) if found else None

    def message(self, connection: Any, stamp: int) -> Any:
        """The message of a topic at a time of the bag's clock, ns."""
        try:
            for _, _, raw in self._reader.messages(connections=[connection], start=stamp, stop=stamp + 1):
                return self._reader.deserialize(raw, connection.msgtype)
        except Exception as error:  # As above.
            raise InvalidFileError(
                f"{self.path}: {connection.topic} cannot be read: {error}.", path=self.path
            ) from error
        raise InvalidFileError(f"{self.path}: {connection.topic} has no message at {stamp} ns.", path=self.path)

    def first(self, topic: str) -> Any | None:
        """The first message of a topic, if there is one."""
        for connection in self._reader.connections:
            if connection.topic == topic:
                for _, _, raw in self._reader.messages(connections=[connection]):
                    return self._reader.deserialize(raw, connection.msgtype)
        return None

    def color_source(self, topic: _Topic, positions: Any) -> ColorSource:
        """The images of a topic at some positions."""
        chosen = [int(position) for position in positions]
        stamps = topic.stamps[chosen]
        return ColorSource(
            path=self.path,
            frame_ids=tuple(chosen),
            times=topic.times[chosen] - topic.times[chosen[0]],
            images=lambda index: color_image(
                self.message(topic.connection, int(stamps[index])), f"{self.path}: {topic.name}"
            ),
            intrinsics=topic.intrinsics,
        )

    def depth_unit(self, topic: _Topic) -> float | None:
        """M of one unit of depth where the bag says it, as RealSense's files do."""
        place = topic.name.split("/Depth_")[0]
        said = self.first(f"{place}/option/Depth_Units/value") or self.first(f"{place}/option/Depth Units/value")
        value = float(getattr(said, "data", 0.0)) if said is not None else 0.0
        return value if value > 0 else None

    def color_from_depth(self, color: _Topic, depth: _Topic) -> np.ndarray | None:
        """How the two cameras stand to each other (m), by RealSense's place of each stream or by /tf_static."""
        places = [self.first(f"{topic.name.removesuffix('/image/data')}/tf/0") for topic in (color, depth)]
        if None not in places:
            to_color, to_depth = (_transform(place) for place in places)
            return to_color @ np.linalg.inv(to_depth)  # Both lead from the device's reference to the stream.
        if color.frame == depth.frame:
            return np.eye(4)
        ups = self._parents()
        chains = [_chain(ups, frame) for frame in (color.frame, depth.frame)]
        common = next((frame for frame in chains[0] if frame in chains[1]), None)
        return None if common is None else np.linalg.inv(chains[0][common]) @ chains[1][common]

    def _parents(self) -> dict[str, tuple[str, np.ndarray]]:
        """Of each frame its parent, and parent from frame, by the static transforms."""
        found = {}
        for connection in self._reader.connections:
            if connection.topic.endswith("tf_static"):
                for _, _, raw in self._reader.messages(connections=[connection]):
                    for item in self._reader.deserialize(raw, connection.msgtype).transforms:
                        frame = item.child_frame_id.lstrip("/")
                        found[frame] = (item.header.frame_id.lstrip("/"), _transform(item.transform))
        return found

    def _look(self, connection: Any) -> tuple[str, _Topic] | None:
        """What an image topic holds; None where it is nothing that is used."""
        first = self.first(connection.topic)
        kind = None if first is None else image_kind(first)
        if kind is None or first is None:
            return None
        info = self.first(self._info_topic(connection.topic) or "")
        intrinsics, lens = (None, None) if info is None else camera_of(info)
        return kind, _Topic(
            connection=connection,
            frame=first.header.frame_id.lstrip("/"),
            size=image_size(first, f"{self.path}: {connection.topic}"),
            intrinsics=intrinsics,
            lens=lens,
        )

    def _with_times(self, topic: _Topic) -> _Topic:
        """The topic with when its messages were written."""
        stamps, own = [], []
        try:
            for _, stamp, raw in self._reader.messages(connections=[topic.connection]):
                made = self._reader.deserialize(raw, topic.connection.msgtype).header.stamp
                stamps.append(stamp)
                own.append(made.sec + 1e-9 * made.nanosec)
        except Exception as error:  # As above.
            if not stamps:
                raise InvalidFileError(f"{self.path}: {topic.name} cannot be read: {error}.", path=self.path) from error
        by_bag, order = np.unique(np.array(stamps, dtype=np.int64), return_index=True)
        by_camera = np.array(own)[order]
        times = by_camera if np.all(np.diff(by_camera) > 0) else 1e-9 * by_bag
        return dataclasses.replace(topic, stamps=by_bag, times=times)

    def _info_topic(self, topic: str) -> str | None:
        """The CameraInfo topic whose name begins most like that of an image topic, in the same place."""
        names = [c.topic for c in self._reader.connections if c.msgtype == "sensor_msgs/msg/CameraInfo"]
        if not names:
            return None
        best = max(names, key=lambda name: _shared_parts(name, topic))
        place = (
            topic.removesuffix("/compressed")
            .removesuffix("/compressedDepth")
            .removesuffix("/image/data")
            .rpartition("/")[0]
        )
        return best if best.startswith(place) else None


def _shared_parts(a: str, b: str) -> int:
    """How many parts of two topics' names agree, from the left."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(a.split("/"), b.split("/"), strict=False))))


def _transform(message: Any) -> np.ndarray:
    """4x4 of a ROS Transform message."""
    at, turn = message.translation, message.rotation
    rotation = rotation_from_quaternion(np.array([turn.w, turn.x, turn.y, turn.z], dtype=np.float64))
    return make_transform(rotation, np.array([at.x, at.y, at.z], dtype=np.float64))


def _chain(parents: dict[str, tuple[str, np.ndarray]], frame: str) -> dict[str, np.ndarray]:
    """All frames above a frame, and each of them from it."""
    found, at = {frame: np.eye(4)}, frame
    while at in parents and parents[at][0] not in found:
        parent, parent_from_frame = parents[at]
        found[parent] = parent_from_frame @ found[at]
        at = parent
    return found


def _bag_path(path: Path) -> Path | None:
    """What rosbags is given: a .bag file, or the folder of a ROS 2 recording."""
    if path.is_file():
        if path.suffix.lower() == ".bag":
            return path
        is_inner = path.suffix.lower() in (".db3", ".mcap")
        if is_inner and (path.parent / "metadata.yaml").is_file():
            return path.parent
        return path if is_inner else None
    has_storage = (path / "metadata.yaml").is_file() and any(
        file.suffix in (".db3", ".mcap", ".zstd") for file in path.iterdir()
    )
    return path if has_storage else None
