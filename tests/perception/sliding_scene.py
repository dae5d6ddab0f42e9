"""A textured board that slides in front of a textured wall, seen by a camera that may move: images, depth, exact truth."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sim2art.geometry.cameras import intrinsics_from_fov, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.captures.capture import ColorSource, MemoryCapture
from sim2art.perception.tasks import DepthGuess, DepthKind

WALL, BOARD = 1.32, 1.2
"""Depth of wall and board in the world (the first camera's frame), m."""
BOARD_LOW, BOARD_HIGH = np.array([-0.28, -0.16]), np.array([0.04, 0.16])
"""Corners of the board at the first frame, m."""
SLIDE = np.array([0.18, 0.03, 0.0])
"""How far the board goes, m."""


@dataclass(frozen=True, kw_only=True)
class SlidingScene:
    """The rendered frames and their truth."""

    images: np.ndarray
    depths: np.ndarray
    times: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray
    on_board: np.ndarray
    """True pixels of the board."""
    slides: np.ndarray
    """Where the board is at each frame, relative to the first, m."""

    def capture(self, *, has_poses: bool = True) -> MemoryCapture:
        """The scene as a recording."""
        return MemoryCapture(
            images=self.images,
            depths=self.depths,
            times=self.times,
            intrinsics=self.intrinsics,
            world_from_camera=self.world_from_camera if has_poses else None,
        )


def render_scene(
    *, num_frames: int = 12, width: int = 240, height: int = 180, slide: float = 1.0, camera_shift: float = 0.0,
    depth_noise: float = 0.0,
) -> SlidingScene:  # fmt: skip
    """Render the board sliding by `slide` times the full way, and a camera that moves and turns by `camera_shift` (m)."""
    rng = np.random.default_rng(7)
    textures = [_texture(rng), _texture(rng)]
    intrinsics = intrinsics_from_fov(width, height, np.deg2rad(55))
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    rays_camera = unproject(intrinsics, pixels, np.ones((height, width)))
    share = np.linspace(0, 1, num_frames)
    slides = slide * (0.5 - 0.5 * np.cos(np.pi * share))[:, None] * SLIDE
    images, depths, boards, poses = [], [], [], []
    for s, offset in zip(share, slides, strict=True):
        rotation = rotation_from_rotvec(np.array([0.05, -0.35, 0.1]) * s * camera_shift)
        pose = make_transform(rotation, np.array([1.0, 0.3, -0.2]) * s * camera_shift)
        rays, eye = rays_camera @ pose[:3, :3].T, pose[:3, 3]
        hits = []
        for plane in (WALL, BOARD):
            t = (plane - eye[2]) / rays[..., 2]
            hits.append((eye + t[..., None] * rays, t))
        on_plane = hits[1][0][..., :2] - offset[:2]
        on_board = np.all((on_plane > BOARD_LOW) & (on_plane < BOARD_HIGH), axis=-1)
        wall, board = _look_up(textures[0], hits[0][0][..., :2]), _look_up(textures[1], on_plane)
        image = np.where(on_board[..., None], board, wall)
        depth = np.where(on_board, hits[1][1], hits[0][1])  # Rays have z = 1, so t is the depth.
        depth = depth + depth_noise * depth**2 * rng.standard_normal(depth.shape)
        images.append(np.clip(image + rng.normal(0, 1.0, image.shape), 0, 255).astype(np.uint8))
        depths.append(np.rint(depth * 1000) / 1000)
        boards.append(on_board)
        poses.append(pose)
    world_from_camera = inverse(poses[0]) @ np.array(poses)
    return SlidingScene(
        images=np.array(images),
        depths=np.array(depths).astype(np.float32),
        times=np.arange(num_frames) / 10.0,
        intrinsics=intrinsics,
        world_from_camera=world_from_camera,
        on_board=np.array(boards),
        slides=slides,
    )


def write_scene(scene: SlidingScene, folder: Path, *, has_poses: bool = True) -> Path:
    """Write the scene as a capture folder."""
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    for index, (image, depth) in enumerate(zip(scene.images, scene.depths, strict=True)):
        Image.fromarray(image).save(folder / "rgb" / f"{index:06d}.png")
        Image.fromarray((depth * 1000).round().astype(np.uint16)).save(folder / "depth" / f"{index:06d}.png")
    height, width = scene.depths.shape[1:]
    camera = {
        "width": width,
        "height": height,
        "fps": 10,
        "depth_scale": 0.001,
        "intrinsics": scene.intrinsics.tolist(),
        "frames": list(range(len(scene.images))),
    }
    if has_poses:
        camera["world_from_camera"] = scene.world_from_camera.tolist()
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def change_camera(folder: Path, **values: object) -> None:
    """Replace entries of a capture folder's camera.json; None removes one."""
    path = folder / "camera.json"
    camera = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in camera.items() if value is not None}))


def board_points_world(scene: SlidingScene, frame: int) -> np.ndarray:
    """World points of the board's pixels in a frame."""
    y, x = np.nonzero(scene.on_board[frame])
    depth = scene.depths[frame, y, x].astype(np.float64)
    return apply(
        scene.world_from_camera[frame], unproject(scene.intrinsics, np.stack([x, y], axis=1).astype(np.float64), depth)
    )


def _texture(rng: np.random.Generator) -> np.ndarray:
    """A picture with blobs of several sizes."""
    picture = np.zeros((512, 512, 3), np.float32)
    for cells in (16, 48, 128):
        coarse = rng.uniform(-60, 60, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 120, 0, 255)


def _look_up(texture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Colours at places (m); the texture spans 2.4 m and repeats."""
    at = ((places + 1.2) / 2.4 * 511).astype(np.float32)
    return cv2.remap(texture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


class TremblingDepth:
    """The true depth as networks give it: with a factor, and for disparity an offset, that change with every image."""

    def __init__(self, scene: SlidingScene, kind: DepthKind) -> None:
        self._scene, self._kind, self._rng = scene, kind, np.random.default_rng(3)

    def __call__(self, image: np.ndarray, frame_id: int) -> DepthGuess:
        factor, offset = self._rng.uniform(0.7, 1.4), self._rng.uniform(0.0, 0.3)
        depth = self._scene.depths[frame_id]
        values = factor * depth if self._kind is DepthKind.DEPTH else factor / depth + offset
        values = values * self._rng.normal(1.0, 0.01, values.shape)
        return DepthGuess(values=cv2.GaussianBlur(values, (0, 0), 1.0).astype(np.float32), kind=self._kind)


def colour_of(scene: SlidingScene) -> ColorSource:
    """The scene as a recording without depth."""
    return ColorSource(
        path=Path("clip.mp4"), frame_ids=tuple(range(len(scene.images))), times=scene.times,
        images=lambda index: scene.images[index], intrinsics=scene.intrinsics,
    )  # fmt: skip
