"""Writes small recordings in the folder formats of datasets and tools, as those write them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.geometry.rotations import quaternion_from_rotation
from tests.perception.recorded_files import FLIP, encode_exr
from tests.perception.sliding_scene import SlidingScene


def write_tum(scene: SlidingScene, folder: Path, *, units: float = 5000.0) -> Path:
    """A TUM RGB-D folder; depth at so many units a metre."""
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    lists: dict[str, list[str]] = {"rgb.txt": ["# time file"], "depth.txt": [], "groundtruth.txt": []}
    for index, pose in enumerate(scene.world_from_camera):
        time = 100 + float(scene.times[index])
        Image.fromarray(scene.images[index]).save(folder / "rgb" / f"{index}.png")
        raw = (scene.depths[index] * units).round().astype(np.uint16)
        Image.fromarray(raw).save(folder / "depth" / f"{index}.png")
        lists["rgb.txt"].append(f"{time:.4f} rgb/{index}.png")
        lists["depth.txt"].append(f"{time + 0.008:.4f} depth/{index}.png")
        w, x, y, z = quaternion_from_rotation(pose[:3, :3])
        lists["groundtruth.txt"].append(f"{time:.4f} {' '.join(map(str, pose[:3, 3]))} {x} {y} {z} {w}")
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines))
    return folder


def write_nerfstudio(scene: SlidingScene, folder: Path, *, has_depth: bool = True, **more: object) -> Path:
    """What ns-process-data writes, with entries of one's own in `transforms.json`."""
    (folder / "images").mkdir(parents=True)
    (folder / "depth").mkdir()
    k, (height, width) = scene.intrinsics, scene.depths.shape[1:]
    frames = []
    for index, pose in enumerate(scene.world_from_camera):
        name = f"frame_{index + 1:05d}.png"
        Image.fromarray(scene.images[index]).save(folder / "images" / name)
        frame: dict[str, object] = {"file_path": f"images/{name}", "transform_matrix": (pose @ FLIP).tolist()}
        if has_depth:
            Image.fromarray((1000 * scene.depths[index]).round().astype(np.uint16)).save(folder / "depth" / name)
            frame["depth_file_path"] = f"depth/{name}"
        frames.append(frame)
    camera = {"fl_x": k[0, 0], "fl_y": k[1, 1], "cx": k[0, 2] + 0.5, "cy": k[1, 2] + 0.5, "w": width, "h": height}
    scene_file = camera | {"camera_model": "OPENCV", "frames": frames[::-1]} | more
    (folder / "transforms.json").write_text(json.dumps(scene_file))
    return folder


def write_scannet(scene: SlidingScene, folder: Path, *, depth_factor: float = 1.0) -> Path:
    """What ScanNet's SensReader exports; the depth camera sees `depth_factor` times as wide an angle."""
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir(parents=True)
    height, width = scene.depths.shape[1:]
    depth_k = scene.intrinsics.copy()
    depth_k[[0, 1], [0, 1]] /= depth_factor
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    at = np.stack([x, y], axis=-1) - depth_k[:2, 2]
    at = np.rint(at * depth_factor + scene.intrinsics[:2, 2]).astype(int)
    inside = np.all((at >= 0) & (at < [width, height]), axis=-1)
    column, row = (np.clip(at[..., axis], 0, size - 1) for axis, size in enumerate((width, height)))
    for index, pose in enumerate(scene.world_from_camera):
        Image.fromarray(scene.images[index]).save(folder / "color" / f"{index}.jpg", quality=97)
        depth = np.where(inside, 1000 * scene.depths[index][row, column], 0).round().astype(np.uint16)
        Image.fromarray(depth).save(folder / "depth" / f"{index}.png")
        np.savetxt(folder / "pose" / f"{index}.txt", pose)
    for name, k in (("color", scene.intrinsics), ("depth", depth_k)):
        four = np.eye(4)
        four[:3, :3] = k
        np.savetxt(folder / "intrinsic" / f"intrinsic_{name}.txt", four)
        np.savetxt(folder / "intrinsic" / f"extrinsic_{name}.txt", np.eye(4))
    return folder


def write_seven_scenes(scene: SlidingScene, folder: Path, *, has_camera: bool = True) -> Path:
    """A sequence of 7-Scenes, or with a camera file of 3DMatch."""
    folder.mkdir(parents=True)
    for index, pose in enumerate(scene.world_from_camera):
        name = f"frame-{index:06d}"
        Image.fromarray(scene.images[index]).save(folder / f"{name}.color.png")
        depth = (1000 * scene.depths[index]).round().astype(np.uint16)
        depth[:4, :4] = 65535  # Nothing came back.
        Image.fromarray(depth).save(folder / f"{name}.depth.png")
        np.savetxt(folder / f"{name}.pose.txt", pose)
    if has_camera:
        np.savetxt(folder / "camera-intrinsics.txt", scene.intrinsics)
    return folder


def write_bundlesdf(scene: SlidingScene, folder: Path) -> Path:
    """A folder for BundleSDF or FoundationPose; poses in it are the object's."""
    for name in ("rgb", "depth", "masks", "poses"):
        (folder / name).mkdir(parents=True)
    for index, image in enumerate(scene.images):
        name = f"{1581120424100262102 + 33_000_000 * index}"
        Image.fromarray(image).save(folder / "rgb" / f"{name}.png")
        Image.fromarray((1000 * scene.depths[index]).round().astype(np.uint16)).save(folder / "depth" / f"{name}.png")
        Image.fromarray(255 * scene.on_board[index].astype(np.uint8)).save(folder / "masks" / f"{name}.png")
        np.savetxt(folder / "poses" / f"{name}.txt", np.diag([-1.0, -1, 1, 1]))
    np.savetxt(folder / "cam_K.txt", scene.intrinsics)
    return folder


def write_record3d_exr(scene: SlidingScene, folder: Path) -> Path:
    """Record3D's export of EXR depth and JPG colour."""
    inner = folder / "EXR_RGBD"
    for name in ("rgb", "depth"):
        (inner / name).mkdir(parents=True)
    height, width = scene.depths.shape[1:]
    for index, image in enumerate(scene.images):
        Image.fromarray(image).save(inner / "rgb" / f"{index}.jpg", quality=97)
        depth = scene.depths[index, ::2, ::2].astype(np.float32)
        depth[:4, :4] = np.nan
        (inner / "depth" / f"{index}.exr").write_bytes(encode_exr(depth, channel="R"))
    poses = []
    for pose in scene.world_from_camera @ FLIP:
        w, x, y, z = quaternion_from_rotation(pose[:3, :3])
        poses.append([float(v) for v in (x, y, z, w, *pose[:3, 3])])
    meta = {
        "w": width, "h": height, "fps": 10, "K": scene.intrinsics.T.ravel().tolist(), "poses": poses,
        "frameTimestamps": (100 + scene.times).tolist(),
    }  # fmt: skip
    (inner / "metadata.json").write_text(json.dumps(meta))
    return folder
