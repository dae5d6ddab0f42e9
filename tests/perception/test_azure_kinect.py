"""Azure Kinect recordings: colour and depth tracks, the attached calibration, depth in the view of colour."""

import json
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.azure_kinect import _color_matrix, _depth_matrix
from sim2art.perception.captures.open_capture import open_capture

PLANE = 1.5
"""m: a wall before the camera, square to it."""
NEAR = 0.8
"""m: a square in front of it."""
COLOR = [0.4968, 0.5109, 0.4709, 0.6274, 0.1, -0.05, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, -5e-5, 8e-5]
DEPTH = [0.5123, 0.4945, 0.4921, 0.4922, 3.1306, 2.3249, 0.1304, 3.4587, 3.3501, 0.6629, 0.0, 0.0, -5e-5, 8e-5]
"""As a real device has them: cx, cy, fx, fy as shares, k1 to k6, the centre of distortion, p2, p1."""
SHIFT = [-0.032, -0.002, 0.004]


def _calibration() -> bytes:
    cameras = []
    for purpose, values, shift in (("PhotoVideo", COLOR, SHIFT), ("Depth", DEPTH, [0, 0, 0])):
        cameras.append({
            "Purpose": f"CALIBRATION_CameraPurpose{purpose}",
            "Intrinsics": {"ModelParameterCount": 14, "ModelParameters": values},
            "Rt": {"Rotation": np.eye(3).ravel().tolist(), "Translation": shift},
        })  # fmt: skip
    return json.dumps({"CalibrationInformation": {"Cameras": cameras}}).encode() + b"\0"


def _see(camera: dict, matrix: np.ndarray, size: tuple[int, int], shift: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Depth (m) and where the square is, as a camera with its lens and its place sees wall and square."""
    values = camera["Intrinsics"]["ModelParameters"]
    k1, k2, k3, k4, k5, k6 = values[4:10]
    p2, p1 = values[12:14]
    column, row = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    bent_x, bent_y = (column - matrix[0, 2]) / matrix[0, 0], (row - matrix[1, 2]) / matrix[1, 1]
    x, y = bent_x, bent_y
    for _ in range(40):  # Brown's rational formula, inverted by fixed points.
        r2 = x**2 + y**2
        radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
        x, y = (
            (bent_x - 2 * p1 * x * y - p2 * (r2 + 2 * x**2)) / radial,
            (bent_y - p1 * (r2 + 2 * y**2) - 2 * p2 * x * y) / radial,
        )
    rays = np.stack([x, y], axis=-1)
    place = rays * NEAR - np.array(shift[:2])
    square = np.all(np.abs(place) < 0.15, axis=-1)
    return np.where(square, NEAR, PLANE) + shift[2], square


@cache
def _pictures(size: tuple[int, int], depth_size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Colour, and stored depth."""
    cameras = json.loads(_calibration().rstrip(b"\0"))["CalibrationInformation"]["Cameras"]
    _, square = _see(cameras[0], _color_matrix(cameras[0], size, Path("a")), size, SHIFT)
    image = np.where(square[..., None], np.uint8(220), np.uint8(40)).repeat(3, axis=-1)
    depth, _ = _see(cameras[1], _depth_matrix(cameras[1], depth_size, Path("a")), depth_size, [0.0, 0, 0])
    raw = np.rint(1000 * depth).astype(">u2")
    raw[:5] = 0
    return image, raw


def write_azure_kinect(path: Path, *, calibration: bytes | None = None, count: int = 4) -> Path:
    """What k4arecorder writes in the modes 720P and NFOV_2X2BINNED."""
    attached = _calibration() if calibration is None else calibration
    size, depth_size = (1280, 720), (320, 288)
    image, raw = _pictures(size, depth_size)
    with av.open(str(path), "w", options={"allow_raw_vfw": "1"}) as container:
        color, track = container.add_stream("mjpeg", rate=30), container.add_stream("rawvideo", rate=30)
        color.width, color.height, color.pix_fmt = *size, "yuvj420p"
        track.width, track.height, track.pix_fmt = *depth_size, "gray16be"
        color.metadata["title"], track.metadata["title"] = "COLOR", "DEPTH"
        track.metadata["K4A_DEPTH_MODE"] = "NFOV_2X2BINNED"
        if attached:
            container.add_attachment("calibration.json", "application/octet-stream", attached)
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            seen = av.VideoFrame(*depth_size, "gray16be")
            rows = np.zeros((depth_size[1], seen.planes[0].line_size // 2), ">u2")
            rows[:, : depth_size[0]] = raw + index  # 1 mm further each time.
            seen.planes[0].update(rows.tobytes())
            for stream, picture in ((color, frame), (track, seen)):
                picture.pts, picture.time_base = index, Fraction(1, 30)
                container.mux(stream.encode(picture))
        container.mux(color.encode())
        container.mux(track.encode())
    return path


def test_depth_comes_out_in_the_view_of_colour(tmp_path: Path) -> None:
    capture = open_capture(write_azure_kinect(tmp_path / "output.mkv"))
    assert len(capture.frame_ids) == 4
    assert capture.intrinsics[0, 0] == pytest.approx(0.4709 * 1280)
    assert capture.intrinsics[1, 2] == pytest.approx(0.5109 * 960 - 120 - 0.5)
    assert any("colour was straightened" in warning for warning in capture.warnings)
    image, depth = capture.read_image(2), capture.read_depth(2)
    assert image.shape[:2] == (720, 1280)
    assert depth.shape[1] / depth.shape[0] == pytest.approx(1280 / 720, rel=0.01)
    whole = cv2.resize(depth, (1280, 720), interpolation=cv2.INTER_NEAREST)
    bright = image[..., 0] > 130
    near = (whole > 0.7) & (whole < 0.9)
    assert (bright & near).sum() > 0.93 * (bright | near).sum()
    assert np.median(whole[near]) == pytest.approx(NEAR + SHIFT[2] + 0.002, abs=1e-3)
    wall = whole > 1.2
    assert np.median(whole[wall]) == pytest.approx(PLANE + SHIFT[2] + 0.002, abs=1e-3)
    inside = np.zeros_like(bright)
    inside[200:500, 400:850] = True  # Both cameras see that.
    assert ((near | wall) & inside).sum() > 0.93 * inside.sum()  # The rest lies in the shadow of the square.


def test_frames_come_in_any_order(tmp_path: Path) -> None:
    capture = open_capture(write_azure_kinect(tmp_path / "output.mkv"))
    middles = [float(np.median(depth[depth > 1.2])) for depth in map(capture.read_depth, (3, 0, 1, 3))]
    np.testing.assert_allclose(np.array(middles) - middles[1], [0.003, 0, 0.001, 0.003], atol=2e-4)


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON"])
def test_a_recording_without_its_calibration_is_named_as_what_it_is(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidFileError, match="is an Azure Kinect recording, but its attached calibration"):
        open_capture(write_azure_kinect(tmp_path / "output.mkv", calibration=content))


def test_the_sensor_windows_are_those_that_the_sdk_prints() -> None:
    # Printed by the SDK for a device whose shares are these: 1080P, NFOV_UNBINNED.
    color = {"Intrinsics": {"ModelParameters": [0.4967627, 0.5108628, 0.4709071, 0.6274451, *[0.0] * 10]}}
    np.testing.assert_allclose(
        _color_matrix(color, (1920, 1080), Path("a"))[[0, 1, 0, 1], [0, 1, 2, 2]],
        [904.1415, 903.5214, 953.2844, 555.1425], atol=2e-3,
    )  # fmt: skip
    depth = {"Intrinsics": {"ModelParameters": [0.5122698, 0.4945120, 0.4921168, 0.4921667, *[0.0] * 10]}}
    np.testing.assert_allclose(
        _depth_matrix(depth, (640, 576), Path("a"))[[0, 1, 0, 1], [0, 1, 2, 2]],
        [503.9276, 503.9788, 332.0643, 325.8803], atol=2e-3,
    )  # fmt: skip
