"""Frames of textured rectangles before a camera, with the part of every pixel: small, exact, and rendered by the test."""

from dataclasses import dataclass

import cv2
import numpy as np

from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply, inverse, make_transform

WIDTH, HEIGHT, FOCAL = 240, 180, 220.0
INTRINSICS = np.array([[FOCAL, 0, (WIDTH - 1) / 2], [0, FOCAL, (HEIGHT - 1) / 2], [0, 0, 1]])


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A textured rectangle that moves with a part."""

    corner: np.ndarray
    right: np.ndarray
    down: np.ndarray
    part: int
    texture: np.ndarray


@dataclass(frozen=True, kw_only=True)
class MadeScene:
    """What a camera saw of rectangles, and what is true."""

    images: np.ndarray
    depths: np.ndarray
    labels: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray
    world_from_rest: np.ndarray


def texture(seed: int, color: tuple[int, int, int], contrast: float = 40.0) -> np.ndarray:
    """Blotches and lines of one colour."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.normal(size=(8, 8)), (96, 96), interpolation=cv2.INTER_CUBIC)
    fine = cv2.resize(rng.normal(size=(32, 32)), (96, 96), interpolation=cv2.INTER_CUBIC)
    pattern = coarse + 0.6 * fine
    return np.clip(np.array(color) + contrast * pattern[..., None], 0, 255).astype(np.uint8)


def rectangle(corner, right, down, part: int, seed: int, color, contrast: float = 40.0) -> Rectangle:
    """A rectangle from its corner and its two sides (m)."""
    return Rectangle(
        corner=np.array(corner, float), right=np.array(right, float), down=np.array(down, float), part=part,
        texture=texture(seed, color, contrast),
    )  # fmt: skip


def render(rectangles, world_from_rest, world_from_camera, noise: float = 2.0) -> MadeScene:
    """Images, depths and parts of all frames; `world_from_rest` is (frame, part, 4, 4)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rays = np.stack([(x - INTRINSICS[0, 2]) / FOCAL, (y - INTRINSICS[1, 2]) / FOCAL, np.ones(x.shape)], axis=-1)
    images, depths, labels = [], [], []
    rng = np.random.default_rng(0)
    for motions, pose in zip(world_from_rest, world_from_camera, strict=True):
        depth = np.full(x.shape, np.inf)
        image = np.zeros((*x.shape, 3))
        label = np.zeros(x.shape, np.uint8)
        for piece in rectangles:
            to_camera = inverse(pose) @ motions[piece.part]
            corner = apply(to_camera, piece.corner[None])[0]
            right, down = (to_camera[:3, :3] @ side for side in (piece.right, piece.down))
            # corner + a right + b down = z ray
            solved = np.einsum("ij,hwj->hwi", np.linalg.inv(np.stack([right, down, corner], axis=1)), rays)
            z = 1.0 / np.where(np.abs(solved[..., 2]) < 1e-9, 1e-9, solved[..., 2])
            a, b = solved[..., 0] * z, solved[..., 1] * z
            hit = (z > 0) & (z < depth) & (a >= 0) & (a <= 1) & (b >= 0) & (b <= 1)
            size = np.array(piece.texture.shape[:2]) - 1
            colors = cv2.remap(
                piece.texture, np.clip(a * size[1], 0, size[1]).astype(np.float32), np.clip(b * size[0], 0, size[0]).astype(np.float32),
                cv2.INTER_LINEAR,
            )  # fmt: skip
            depth[hit], image[hit], label[hit] = z[hit], colors[hit], piece.part
        images.append(np.clip(image + rng.normal(scale=noise, size=image.shape), 0, 255).astype(np.uint8))
        depths.append(np.where(np.isfinite(depth), depth, 0.0))
        labels.append(label)
    return MadeScene(
        images=np.array(images), depths=np.array(depths), labels=np.array(labels), intrinsics=INTRINSICS,
        world_from_camera=np.array(world_from_camera), world_from_rest=np.array(world_from_rest),
    )  # fmt: skip


def door_scene(num_frames: int = 8, *, swing: float = 1.0, contrast: float = 40.0) -> MadeScene:
    """A door that opens in a wall, before a camera that stands still."""
    angles = np.linspace(0, swing, num_frames)
    turn = revolute_transform(np.array([0.0, 1.0, 0.0]), np.array([-0.45, 0.0, 2.0]), angles)
    motions = np.stack([np.broadcast_to(np.eye(4), turn.shape), turn], axis=1)
    pieces = [
        rectangle([-2, -1.5, 2.02], [4, 0, 0], [0, 3, 0], 0, 1, (150, 140, 120), contrast),
        rectangle([-0.45, -0.5, 2.015], [0.9, 0, 0], [0, 1.0, 0], 0, 4, (60, 50, 45), contrast),
        rectangle([-0.45, -0.5, 2.0], [0.9, 0, 0], [0, 1.0, 0], 1, 2, (90, 120, 170), contrast),
    ]
    return render(pieces, motions, np.tile(np.eye(4), (num_frames, 1, 1)))


def drawer_scene(num_frames: int = 8, *, slide: float = 0.35, contrast: float = 40.0) -> MadeScene:
    """A drawer's front that comes out of a cabinet, before a camera that moves sideways."""
    motion = prismatic_transform(
        np.broadcast_to([0.0, 0.0, -1.0], (num_frames, 3)),
        np.concatenate([[0, 0], np.linspace(0, slide, num_frames - 2)]),
    )
    motions = np.stack([np.broadcast_to(np.eye(4), motion.shape), motion], axis=1)
    pieces = [
        rectangle([-2, -1.5, 2.02], [4, 0, 0], [0, 3, 0], 0, 1, (150, 140, 120), contrast),
        rectangle([-0.45, -0.25, 2.015], [0.9, 0, 0], [0, 0.5, 0], 0, 4, (60, 50, 45), contrast),
        rectangle([-0.45, -0.25, 2.0], [0.9, 0, 0], [0, 0.5, 0], 1, 3, (170, 120, 80), contrast),
    ]
    poses = [make_transform(np.eye(3), np.array([0.25 * np.sin(0.4 * i), -0.03 * i, 0.0])) for i in range(num_frames)]
    return render(pieces, motions, poses)
