"""PyBullet's TinyRenderer, the paper's simulator, behind our protocol: runs headless on the CPU.

It is many times slower than our rasteriser and gives the same pictures (`tests/simulate/test_renderers.py`); it is here
to check ours, and for who wants the paper's.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rasterizer import NEAR, BodyMeshes
from sim2art.geometry.rotations import quaternion_from_rotation
from sim2art.optional import require
from sim2art.simulate.renderer import BodyFrames

_FAR = 60.0  # m
_CV_FROM_GL = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenGL's camera looks along -z with y up.


def render_with_pybullet(
    bodies: BodyMeshes,
    camera_from_body: Float[np.ndarray, "frame body 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    *,
    width: int,
    height: int,
) -> BodyFrames:
    """Depth and body of every pixel of every frame; see `renderer.Renderer`.

    Raises:
        MissingPackageError: When PyBullet is not installed.
    """
    bullet = require("pybullet", extra="simulate")
    client = bullet.connect(bullet.DIRECT)
    try:
        handles = _load_bodies(bullet, client, bodies)
        frames = [
            _render_frame(bullet, client, handles, poses, intrinsics, (width, height)) for poses in camera_from_body
        ]
    finally:
        bullet.disconnect(client)
    depths, seen = zip(*frames, strict=True)
    return BodyFrames(depths=np.stack(depths), bodies=np.stack(seen))


def _load_bodies(bullet: Any, client: int, bodies: BodyMeshes) -> dict[int, int]:
    """Give the meshes to the simulator; our index -> its handle, for bodies with geometry."""
    handles = {}
    for body, vertices, faces in bodies.each():
        # Seen from behind too, as ours are.
        indices = np.concatenate([faces, faces[:, ::-1]]).ravel()
        shape = bullet.createVisualShape(
            bullet.GEOM_MESH,
            vertices=vertices.astype(float).tolist(),
            indices=indices.tolist(),
            physicsClientId=client,
        )
        handles[body] = bullet.createMultiBody(baseMass=0, baseVisualShapeIndex=shape, physicsClientId=client)
    return handles


def _render_frame(
    bullet: Any,
    client: int,
    handles: dict[int, int],
    camera_from_body: Float[np.ndarray, "body 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Depth (m) and bodies of one frame; the simulator's world is the camera's frame."""
    for body, handle in handles.items():
        pose = camera_from_body[body]
        w, x, y, z = quaternion_from_rotation(pose[:3, :3])
        bullet.resetBasePositionAndOrientation(handle, pose[:3, 3].tolist(), [x, y, z, w], physicsClientId=client)
    width, height = size
    _, _, _, buffer, segments = bullet.getCameraImage(
        width,
        height,
        viewMatrix=_CV_FROM_GL.T.ravel().tolist(),
        projectionMatrix=_projection(intrinsics, width, height).T.ravel().tolist(),
        renderer=bullet.ER_TINY_RENDERER,
        shadow=0,
        physicsClientId=client,
    )
    buffer = np.asarray(buffer, dtype=np.float64).reshape(height, width)
    segments = np.asarray(segments, dtype=np.int64).reshape(height, width)
    body_of_handle = np.full(
        max(handles.values(), default=-1) + 2, -1, dtype=np.int32
    )  # The last one is for "nothing", -1.
    for body, handle in handles.items():
        body_of_handle[handle] = body
    seen = body_of_handle[segments]
    depths = _FAR * NEAR / (_FAR - (_FAR - NEAR) * buffer)
    return np.where(seen >= 0, depths, 0.0).astype(np.float32), seen


def _projection(intrinsics: Float[np.ndarray, "3 3"], width: int, height: int) -> Float[np.ndarray, "4 4"]:
    """OpenGL's projection of a pinhole, for TinyRenderer: it samples at the lower left corner of a pixel."""
    fx, fy, cx, cy = intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]
    return np.array(
        [
            [2 * fx / width, 0.0, 1 - 2 * cx / width, 0.0],
            [0.0, 2 * fy / height, 2 * (cy + 1) / height - 1, 0.0],
            [0.0, 0.0, -(_FAR + NEAR) / (_FAR - NEAR), -2 * _FAR * NEAR / (_FAR - NEAR)],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )
