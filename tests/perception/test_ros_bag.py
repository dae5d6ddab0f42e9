"""ROS recordings of both kinds, and RealSense's own, give colour, depth, camera and times."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.open_capture import open_capture, open_recording
from tests.perception.sliding_scene import SlidingScene, render_scene

rosbags = pytest.importorskip("rosbags")
from rosbags.rosbag1 import Writer as Writer1  # noqa: E402
from rosbags.rosbag2 import StoragePlugin  # noqa: E402
from rosbags.rosbag2 import Writer as Writer2  # noqa: E402
from rosbags.typesys import Stores, get_typestore  # noqa: E402


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=5, width=64, height=48, camera_shift=0.3)


class BagMaker:
    """Writes messages of one recording, by ROS 1 or ROS 2."""

    def __init__(self, path: Path, kind: str) -> None:
        self.is_ros1 = kind == "bag"
        self._store = get_typestore(Stores.ROS1_NOETIC if self.is_ros1 else Stores.ROS2_HUMBLE)
        plugin = StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
        self._writer: Any = Writer1(path) if self.is_ros1 else Writer2(path, version=9, storage_plugin=plugin)
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> "BagMaker":
        self._writer.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def make(self, name: str, *values: Any) -> Any:
        return self._store.types[name](*values)

    def header(self, seconds: float, frame: str) -> Any:
        time = self.make("builtin_interfaces/msg/Time", int(seconds), round(1e9 * (seconds % 1)))
        return self.make("std_msgs/msg/Header", *((0,) if self.is_ros1 else ()), time, frame)

    def write(self, topic: str, message: Any, seconds: float) -> None:
        name = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, name, typestore=self._store)
        pack = self._store.serialize_ros1 if self.is_ros1 else self._store.serialize_cdr
        self._writer.write(self._connections[topic], round(1e9 * seconds), pack(message, name))

    def image(self, pixels: np.ndarray, encoding: str, seconds: float, frame: str, pad: int = 0) -> Any:
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
        rows = np.pad(rows, ((0, 0), (0, pad)))
        height, width = pixels.shape[:2]
        header = self.header(seconds, frame)
        return self.make("sensor_msgs/msg/Image", header, height, width, encoding, 0, rows.shape[1], rows.ravel())

    def compressed(self, content: bytes, kind: str, seconds: float, frame: str) -> Any:
        data = np.frombuffer(content, np.uint8)
        return self.make("sensor_msgs/msg/CompressedImage", self.header(seconds, frame), kind, data)

    def info(self, k: np.ndarray, size: tuple[int, int], seconds: float, frame: str, d: tuple = (0.0,) * 5) -> Any:
        roi = self.make("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
        projection = np.concatenate([k, np.zeros((3, 1))], axis=1)
        return self.make(
            "sensor_msgs/msg/CameraInfo", self.header(seconds, frame), size[1], size[0], "plumb_bob", np.array(d),
            k.ravel().astype(float), np.eye(3).ravel(), projection.ravel(), 0, 0, roi,
        )  # fmt: skip

    def transform(self, shift: list[float]) -> Any:
        place = self.make("geometry_msgs/msg/Vector3", *shift)
        return self.make(
            "geometry_msgs/msg/Transform", place, self.make("geometry_msgs/msg/Quaternion", 0.0, 0.0, 0.0, 1.0)
        )


def _write(scene: SlidingScene, path: Path, kind: str, *, encoding: str = "16UC1", lens: tuple = (0.0,) * 5) -> Path:
    """What ros2 bag record or rosbag record keeps of a RealSense with aligned depth."""
    size = (64, 48)
    with BagMaker(path, kind) as bag:
        for index, image in enumerate(scene.images):
            at = 1000 + float(scene.times[index])
            colour, near = "/camera/color/image_raw", "/camera/aligned_depth_to_color"
            bag.write("/camera/infra1/image_rect_raw", bag.image(image[..., 0], "mono8", at, "infra"), at + 0.011)
            bag.write(colour, bag.image(image[..., ::-1], "bgr8", at, "optical", pad=8), at + 0.012)
            bag.write("/camera/color/camera_info", bag.info(scene.intrinsics, size, at, "optical", lens), at + 0.012)
            depth = scene.depths[index]
            stored = depth if encoding == "32FC1" else np.rint(1000 * depth).astype(np.uint16)
            stored = stored.copy()
            stored[:4, :4] = np.nan if encoding == "32FC1" else 65535
            bag.write(f"{near}/image_raw", bag.image(stored, encoding, at + 0.004, "optical"), at + 0.015)
            bag.write(f"{near}/camera_info", bag.info(scene.intrinsics, size, at, "optical"), at + 0.015)
    return path


def _check(capture: Capture, scene: SlidingScene) -> None:
    assert len(capture.frame_ids) == 5
    np.testing.assert_allclose(capture.times, scene.times, atol=1e-6)
    np.testing.assert_allclose(capture.intrinsics, scene.intrinsics)
    np.testing.assert_array_equal(capture.read_image(3), scene.images[3])
    depth = capture.read_depth(3)
    assert (depth[:4, :4] == 0).all()
    np.testing.assert_allclose(depth[4:], scene.depths[3, 4:], atol=6e-4)
    assert capture.world_from_camera is None


@pytest.mark.parametrize("kind", ["bag", "sqlite", "mcap"])
@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_a_recording_with_aligned_depth_is_read(scene: SlidingScene, tmp_path: Path, kind: str, encoding: str) -> None:
    path = _write(scene, tmp_path / ("clip.bag" if kind == "bag" else "clip"), kind, encoding=encoding)
    _check(open_capture(path), scene)


def test_the_storage_file_of_a_ros2_recording_stands_for_its_folder(scene: SlidingScene, tmp_path: Path) -> None:
    folder = _write(scene, tmp_path / "clip", "sqlite")
    _check(open_capture(next(folder.glob("*.db3"))), scene)


def test_a_camera_infos_lens_is_taken_out(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(_write(scene, tmp_path / "clip", "sqlite", lens=(-0.3, 0.0, 0.0, 0.0, 0.0)))
    assert any("straightened" in warning for warning in capture.warnings)


def test_compressed_topics_are_read(scene: SlidingScene, tmp_path: Path) -> None:
    path = tmp_path / "clip.bag"
    with BagMaker(path, "bag") as bag:
        for index, image in enumerate(scene.images):
            at = 1000 + float(scene.times[index])
            jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes()
            png = cv2.imencode(".png", np.rint(1000 * scene.depths[index]).astype(np.uint16))[1].tobytes()
            bag.write("/cam/rgb/image_raw/compressed", bag.compressed(jpeg, "rgb8; jpeg compressed bgr8", at, "o"), at)
            bag.write("/cam/rgb/camera_info", bag.info(scene.intrinsics, (64, 48), at, "o"), at)
            topic = "/cam/depth_registered/image_raw/compressedDepth"
            bag.write(topic, bag.compressed(bytes(12) + png, "16UC1; compressedDepth png", at, "o"), at)
    capture = open_capture(path)
    difference = (capture.read_image(2).astype(int) - scene.images[2]) @ [0.299, 0.587, 0.114]
    assert np.abs(difference).mean() < 8  # JPEG loses a little, in colour most.
    np.testing.assert_allclose(capture.read_depth(2), scene.depths[2], atol=6e-4)


def _write_realsense(scene: SlidingScene, path: Path, *, has_place: bool = True) -> Path:
    """What RealSense's own recorder writes: depth as its camera sees it, 2 cm beside colour, in units of 0.1 mm."""
    sensors = {"Depth": "/device_0/sensor_0/Depth_0", "Color": "/device_0/sensor_1/Color_0"}
    with BagMaker(path, "bag") as bag:
        unit = bag.make("std_msgs/msg/Float32", 0.0001)
        bag.write("/device_0/sensor_0/option/Depth_Units/value", unit, 0.001)
        for name, shift in (("Depth", [0.0, 0.0, 0.0]), ("Color", [0.02, 0.0, 0.0])):
            bag.write(f"{sensors[name]}/info/camera_info", bag.info(scene.intrinsics, (64, 48), 0, ""), 0.001)
            if has_place:
                bag.write(f"{sensors[name]}/tf/0", bag.transform(shift), 0.001)
        for index, image in enumerate(scene.images):
            at = 1 + float(scene.times[index])
            bag.write(f"{sensors['Color']}/image/data", bag.image(image, "rgb8", 0, ""), at)
            stored = np.full((48, 64), 10_000, np.uint16)
            stored[:, 20:30] = 5_000
            bag.write(f"{sensors['Depth']}/image/data", bag.image(stored, "mono16", 0, ""), at)
    return path


def test_realsense_depth_is_brought_into_the_view_of_colour(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(_write_realsense(scene, tmp_path / "clip.bag"))
    np.testing.assert_allclose(capture.times, scene.times, atol=1e-6)
    np.testing.assert_array_equal(capture.read_image(4), scene.images[4])
    depth = capture.read_depth(2)
    shift = 0.02 * scene.intrinsics[0, 0] / 0.5
    first, last = round(20 + shift) + 1, round(30 + shift) - 2
    np.testing.assert_allclose(depth[24, first:last], 0.5, atol=1e-6)
    np.testing.assert_allclose(depth[24, last + 6 : 60], 1.0, atol=1e-6)


def test_depth_that_is_not_aligned_without_a_word_of_the_cameras_is_refused(
    scene: SlidingScene, tmp_path: Path
) -> None:
    path = tmp_path / "clip"
    with BagMaker(path, "sqlite") as bag:
        for index, image in enumerate(scene.images):
            at = 1000 + float(scene.times[index])
            depth = np.rint(1000 * scene.depths[index]).astype(np.uint16)
            bag.write("/camera/color/image_raw", bag.image(image, "rgb8", at, "color"), at)
            bag.write("/camera/color/camera_info", bag.info(scene.intrinsics, (64, 48), at, "color"), at)
            bag.write("/camera/depth/image_rect_raw", bag.image(depth, "16UC1", at, "depth"), at)
            bag.write("/camera/depth/camera_info", bag.info(scene.intrinsics, (64, 48), at, "depth"), at)
    with pytest.raises(InvalidFileError, match=r"not aligned to colour.*align_depth\.enable:=true"):
        open_capture(path)


def test_static_transforms_say_how_the_cameras_stand(scene: SlidingScene, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    with BagMaker(path, "sqlite") as bag:
        links = []
        for child, shift in (("color", [0.0, 0.0, 0.0]), ("depth", [0.02, 0.0, 0.0])):
            header = bag.header(0, "link")
            links.append(bag.make("geometry_msgs/msg/TransformStamped", header, child, bag.transform(shift)))
        bag.write("/tf_static", bag.make("tf2_msgs/msg/TFMessage", links), 999.0)
        for index, image in enumerate(scene.images):
            at = 1000 + float(scene.times[index])
            stored = np.full((48, 64), 1000, np.uint16)
            stored[:, 20:30] = 500
            bag.write("/camera/color/image_raw", bag.image(image, "rgb8", at, "color"), at)
            bag.write("/camera/color/camera_info", bag.info(scene.intrinsics, (64, 48), at, "color"), at)
            bag.write("/camera/depth/image_rect_raw", bag.image(stored, "16UC1", at, "depth"), at)
            bag.write("/camera/depth/camera_info", bag.info(scene.intrinsics, (64, 48), at, "depth"), at)
    depth = open_capture(path).read_depth(2)
    shift = (
        0.02 * scene.intrinsics[0, 0] / 0.5
    )  # The depth camera stands right of the other: all lies further right there.
    np.testing.assert_allclose(depth[24, round(20 + shift) + 1 : round(30 + shift) - 2], 0.5, atol=1e-6)


def test_a_recording_of_colour_alone_and_one_of_neither(scene: SlidingScene, tmp_path: Path) -> None:
    with BagMaker(tmp_path / "colour.bag", "bag") as bag:
        for index, image in enumerate(scene.images):
            bag.write("/usb_cam/image_raw", bag.image(image, "rgb8", 5 + index / 10, "usb"), 5 + index / 10)
    capture = open_recording(tmp_path / "colour.bag")
    assert not isinstance(capture, Capture)
    np.testing.assert_array_equal(capture.read_image(1), scene.images[1])
    with BagMaker(tmp_path / "other.bag", "bag") as bag:
        bag.write("/speed", bag.make("std_msgs/msg/Float32", 1.0), 1.0)
    with pytest.raises(InvalidFileError, match=r"no colour images.*its topics: /speed"):
        open_recording(tmp_path / "other.bag")


def test_a_damaged_recording_is_refused_in_words(scene: SlidingScene, tmp_path: Path) -> None:
    path = _write(scene, tmp_path / "clip.bag", "bag")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InvalidFileError, match="cannot be opened as a ROS recording"):
        open_recording(path)
