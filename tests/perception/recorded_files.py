"""Writes small recordings in the real formats of apps and cameras, as those write them."""

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR
from PIL import Image

from sim2art.geometry.rotations import quaternion_from_rotation
from tests.perception.sliding_scene import SlidingScene

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
"""Between OpenCV's and ARKit's camera axes."""


def write_video(
    path: Path, images: np.ndarray, *, times: list[float] | None = None, codec: str = "libx264", rotation: int = 0,
    transfer: int | None = None, fps: int = 10, group: int = 4,
) -> Path:  # fmt: skip
    """Encode RGB frames; `rotation` (degrees, clockwise) is written as the flag that phones set."""
    times = times or [index / fps for index in range(len(images))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = group
        stream.codec_context.time_base = Fraction(1, 1000)
        if codec == "libx264":
            stream.options = {"crf": "4"}
        if transfer is not None:
            stream.codec_context.color_trc = transfer
        for image, time in zip(images, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if rotation:
        _set_rotation(path, rotation)
    return path


def write_sound(path: Path) -> Path:
    """A file with sound only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_record3d(
    scene: SlidingScene, path: Path, *, has_depth: bool = True, pack: Callable[[bytes], bytes] | None = None
) -> Path:
    """An `.r3d` file; depth at half the size, of confidence 2 but for a low one in the corner.

    `pack` is the LZFSE encoder; None stores blocks plainly.
    """
    pack = pack or pack_plain_lzfse
    height, width = scene.depths.shape[1:]
    meta = {
        "w": width, "h": height, "dw": width // 2, "dh": height // 2, "fps": 10,
        "K": scene.intrinsics.T.ravel().tolist(),
        "poses": [_xyzw(pose @ FLIP) + (pose @ FLIP)[:3, 3].tolist() for pose in scene.world_from_camera],
        "frameTimestamps": (100 + scene.times).tolist(),
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", json.dumps(meta))
        for index, (image, depth) in enumerate(zip(scene.images, scene.depths, strict=True)):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "jpeg", quality=97)
            archive.writestr(f"rgbd/{index}.jpg", file.getvalue())
            if has_depth:
                small = np.ascontiguousarray(depth[::2, ::2], dtype=np.float32)
                confidence = np.full(small.shape, 2, np.uint8)
                confidence[:4, :4] = 0
                archive.writestr(f"rgbd/{index}.depth", pack(small.tobytes()))
                archive.writestr(f"rgbd/{index}.conf", pack(confidence.tobytes()))
    return path


def pack_plain_lzfse(content: bytes) -> bytes:
    """An LZFSE stream whose one block is not compressed."""
    return b"bvx-" + struct.pack("<I", len(content)) + content + b"bvx$"


def write_stray_scanner(scene: SlidingScene, folder: Path) -> Path:
    """A Stray Scanner folder."""
    for name in ("depth", "confidence"):
        (folder / name).mkdir(parents=True)
    write_video(folder / "rgb.mp4", scene.images)
    rows = ["timestamp, frame, x, y, z, qx, qy, qz, qw"]
    for index, (depth, pose) in enumerate(zip(scene.depths, scene.world_from_camera, strict=True)):
        small = (depth[::2, ::2] * 1000).round().astype(np.uint16)
        confidence = np.full(small.shape, 2, np.uint8)
        confidence[:4, :4] = 0
        Image.fromarray(small).save(folder / "depth" / f"{index:06d}.png")
        Image.fromarray(confidence).save(folder / "confidence" / f"{index:06d}.png")
        values = [50 + scene.times[index], *pose[:3, 3], *_xyzw(pose)]
        rows.append(f"{values[0]}, {index:06d}, " + ", ".join(str(float(value)) for value in values[1:]))
    (folder / "odometry.csv").write_text("\n".join(rows))
    np.savetxt(folder / "camera_matrix.csv", scene.intrinsics, delimiter=", ")
    return folder


def write_polycam(scene: SlidingScene, folder: Path) -> Path:
    """A folder of Polycam raw data."""
    inner = folder / "keyframes"
    for name in ("images", "cameras", "depth", "confidence"):
        (inner / name).mkdir(parents=True)
    height, width = scene.depths.shape[1:]
    k = scene.intrinsics
    for index, (image, depth) in enumerate(zip(scene.images, scene.depths, strict=True)):
        stamp = str(7_000_000_000 + round(1e6 * scene.times[index]))
        Image.fromarray(image).save(inner / "images" / f"{stamp}.jpg", quality=97)
        small = (depth[::2, ::2] * 1000).round().astype(np.uint16)
        confidence = np.full(small.shape, 255, np.uint8)
        confidence[:4, :4] = 0
        Image.fromarray(small).save(inner / "depth" / f"{stamp}.png")
        Image.fromarray(confidence).save(inner / "confidence" / f"{stamp}.png")
        pose = scene.world_from_camera[index] @ FLIP
        camera = {f"t_{row}{column}": float(pose[row, column]) for row in range(3) for column in range(4)}
        camera |= {"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2], "width": width, "height": height}
        (inner / "cameras" / f"{stamp}.json").write_text(json.dumps(camera | {"blur_score": 100.0}))
    return folder


def write_realsense(scene: SlidingScene, folder: Path) -> Path:
    """What Open3D's RealSense recorder writes."""
    for name in ("color", "depth"):
        (folder / name).mkdir(parents=True)
    for index, (image, depth) in enumerate(zip(scene.images, scene.depths, strict=True)):
        Image.fromarray(image).save(folder / "color" / f"{index:06d}.jpg", quality=97)
        Image.fromarray((depth * 1000).round().astype(np.uint16)).save(folder / "depth" / f"{index:06d}.png")
    height, width = scene.depths.shape[1:]
    camera = {"width": width, "height": height, "intrinsic_matrix": scene.intrinsics.T.ravel().tolist()}
    (folder / "camera_intrinsic.json").write_text(json.dumps(camera))
    return folder


def write_vipe_output(scene: SlidingScene, folder: Path, name: str = "clip", *, camera: str = "PINHOLE") -> Path:
    """What ViPE writes for one video."""
    for part in ("rgb", "depth", "pose", "intrinsics"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_video(folder / "rgb" / f"{name}.mp4", scene.images)
    frames = np.arange(len(scene.images))
    k = scene.intrinsics
    np.savez(folder / "pose" / f"{name}.npz", data=scene.world_from_camera.astype(np.float32), inds=frames)
    rows = np.tile([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], (len(frames), 1)).astype(np.float32)
    np.savez(folder / "intrinsics" / f"{name}.npz", data=rows, inds=frames)
    (folder / "intrinsics" / f"{name}_camera.txt").write_text("".join(f"{i}: {camera}\n" for i in frames))
    with zipfile.ZipFile(folder / "depth" / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for index, depth in enumerate(scene.depths):
            archive.writestr(f"{index:05d}.exr", encode_exr(depth.astype(np.float16)))
    return folder


def encode_exr(
    image: np.ndarray, *, compression: OpenEXR.Compression = OpenEXR.ZIP_COMPRESSION, channel: str = "Z"
) -> bytes:
    """An OpenEXR file with one channel, half or float."""
    header = {"compression": compression, "type": OpenEXR.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:
        OpenEXR.File(header, {channel: np.ascontiguousarray(image)}).write(f"{folder}/0.exr")
        return (Path(folder) / "0.exr").read_bytes()


def write_depth_file(folder: Path, suffix: str, values: np.ndarray) -> Path:
    """Depth as an array, OpenEXR, TIFF or PNG, by the suffix."""
    path = folder / f"0{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    elif suffix == ".npz":
        np.savez_compressed(path, depth=values)
    elif suffix == ".exr":
        path.write_bytes(encode_exr(values))
    else:
        assert cv2.imwrite(str(path), values)
    return path


def _xyzw(pose: np.ndarray) -> list[float]:
    w, x, y, z = quaternion_from_rotation(pose[:3, :3])
    return [float(x), float(y), float(z), float(w)]


def _set_rotation(path: Path, degrees: int) -> None:
    """Write the display matrix into the track header of an mp4 file."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4
    assert content[at] == 0, "A track header of version 0 is written here."
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = [cosine, sine, 0, -sine, cosine, 0, 0, 0, 1]
    scales = [65536, 65536, 1 << 30] * 3
    struct.pack_into(">9i", content, at + 40, *(a * b for a, b in zip(matrix, scales, strict=True)))
    path.write_bytes(bytes(content))
