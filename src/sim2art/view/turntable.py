"""Pictures of the reconstruction: from several sides, and through the observed motion."""

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, look_at
from sim2art.view.rendering import render_object

_UP = np.array([0.0, -1.0, 0.0])  # Of the world: the first camera's.
_FOV = np.deg2rad(36.0)


def render_motion(
    articulated_object: ArticulatedObject, trajectory: JointTrajectory, *, steps: int, size: tuple[int, int]
) -> list[UInt8[np.ndarray, "height width 4"]]:
    """RGBA pictures from one side, at `steps` moments from the first frame to the last."""
    center, radius = frame_object(articulated_object, trajectory)
    camera = _camera(
        center, radius, turn=_open_side(articulated_object, trajectory) * np.deg2rad(25), lift=np.deg2rad(24)
    )
    intrinsics = _intrinsics(size)
    moments = np.linspace(0, len(trajectory.times) - 1, steps)
    frames = np.arange(len(trajectory.times))
    pictures = []
    for moment in moments:
        values = np.array([np.interp(moment, frames, column) for column in trajectory.values.T])
        pictures.append(render_object(articulated_object, values, camera, intrinsics, size))
    return pictures


def render_turntable(
    articulated_object: ArticulatedObject, trajectory: JointTrajectory, *, steps: int, size: tuple[int, int]
) -> list[UInt8[np.ndarray, "height width 4"]]:
    """RGBA pictures from left to right round the object, every joint at its far end.

    The camera stays on the side that was filmed: behind it there is little but holes.
    """
    center, radius = frame_object(articulated_object, trajectory)
    intrinsics = _intrinsics(size)
    far = np.array([column[np.argmax(np.abs(column))] for column in trajectory.values.T])
    return [
        render_object(
            articulated_object, far, _camera(center, radius, turn=turn, lift=np.deg2rad(20)), intrinsics, size
        )
        for turn in np.deg2rad(np.linspace(-65, 65, steps))
    ]


def frame_object(
    articulated_object: ArticulatedObject, trajectory: JointTrajectory
) -> tuple[Float[np.ndarray, "3"], float]:
    """Centre and radius (m) of what a picture should show: the moving parts through their motion, with some base.

    The base may be a whole room, so it only counts as far as one more radius around the moving parts.
    """
    motions = link_motions(articulated_object, trajectory.values)
    moving, still = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for index, link in enumerate(articulated_object.links):
        if link.mesh is None or len(link.mesh.vertices) == 0:
            continue
        points = link.mesh.vertices[:: max(1, len(link.mesh.vertices) // 500)]
        if link.name == articulated_object.root:
            still.append(points)
        else:
            moving += [apply(motions[frame, index], points) for frame in range(0, len(motions), 3)]
    shown, base = np.concatenate(moving), np.concatenate(still)
    if len(shown) == 0:
        shown = base
    if len(shown) == 0:
        return np.array([0.0, 0.0, 1.0]), 1.0
    center, radius = _ball(shown)
    near = base[np.linalg.norm(base - center, axis=1) < 1.6 * radius]
    return _ball(np.concatenate([shown, near]))


def _open_side(articulated_object: ArticulatedObject, trajectory: JointTrajectory) -> float:
    """1 or -1: the side (right, left) that parts move away from, from where one sees into what they open."""
    motions = link_motions(articulated_object, trajectory.values)
    drift = 0.0
    for index, link in enumerate(articulated_object.links):
        if link.mesh is not None and len(link.mesh.vertices):
            middle = link.mesh.vertices.mean(axis=0, keepdims=True)
            moved = apply(motions[:, index], middle)[:, 0, 0] - middle[0, 0]
            drift += float(moved[np.argmax(np.abs(moved))]) if len(moved) else 0.0
    return -1.0 if drift > 0 else 1.0


def _intrinsics(size: tuple[int, int]) -> np.ndarray:
    """Intrinsics (px) with `_FOV` across the shorter side of the picture."""
    width, height = size
    return intrinsics_from_fov(width, height, 2 * np.arctan(np.tan(_FOV / 2) * width / min(size)))


def _ball(points: np.ndarray) -> tuple[np.ndarray, float]:
    low, high = np.percentile(points, [1, 99], axis=0)
    center = (low + high) / 2
    return center, max(float(np.percentile(np.linalg.norm(points - center, axis=1), 97)), 1e-3)


def _camera(center: np.ndarray, radius: float, *, turn: float, lift: float) -> np.ndarray:
    """Camera pose that looks at the centre from the filming side (-z), turned about up and lifted (rad)."""
    flat = np.array([0.0, 0.0, -1.0]) * np.cos(lift) + _UP * np.sin(lift)
    direction = rotation_from_rotvec(_UP * turn) @ flat
    return look_at(center + direction * radius * 1.04 / np.sin(_FOV / 2), center, _UP)
