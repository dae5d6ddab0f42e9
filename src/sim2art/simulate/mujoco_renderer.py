"""MuJoCo behind our renderer protocol: one ray a pixel through its physics engine, so neither OpenGL nor a display is needed.

Rays are traced on the meshes themselves and know no raster, which makes this a third opinion on depth and bodies
(`tests/simulate/test_renderers.py`). It is many times slower than our rasteriser.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rasterizer import BodyMeshes
from sim2art.geometry.rotations import quaternion_from_rotation
from sim2art.optional import require
from sim2art.simulate.renderer import BodyFrames

_FAR = 1e6  # m


def render_with_mujoco(
    bodies: BodyMeshes,
    camera_from_body: Float[np.ndarray, "frame body 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    *,
    width: int,
    height: int,
) -> BodyFrames:
    """Depth and body of every pixel of every frame; see `renderer.Renderer`.

    Raises:
        MissingPackageError: When MuJoCo is not installed.
    """
    mujoco = require("mujoco", extra="assets")
    num_frames = len(camera_from_body)
    depths = np.zeros((num_frames, height, width), dtype=np.float32)
    seen = np.full((num_frames, height, width), -1, dtype=np.int32)
    model, owners = _compile(mujoco, bodies)
    if not len(owners):
        return BodyFrames(depths=depths, bodies=seen)
    data = mujoco.MjData(model)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    # Through the pixels' centres at a depth of 1 m: the distance along a ray, divided by its length here, is the depth.
    x = (columns - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (rows - intrinsics[1, 2]) / intrinsics[1, 1]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(rays, axis=1)
    directions = np.ascontiguousarray((rays / lengths[:, None]).ravel())
    no_normals = {"normal": None} if "normal" in mujoco.mj_multiRay.__doc__ else {}  # Older versions have none to give.
    distances, geoms = np.empty(len(rays)), np.empty(len(rays), dtype=np.int32)
    for frame in range(num_frames):
        for index, body in enumerate(owners):
            pose = camera_from_body[frame, body]
            data.mocap_pos[index] = pose[:3, 3]
            data.mocap_quat[index] = quaternion_from_rotation(pose[:3, :3])
        mujoco.mj_kinematics(model, data)
        mujoco.mj_multiRay(
            m=model, d=data, pnt=np.zeros(3), vec=directions, geomgroup=None, flg_static=True, bodyexclude=-1,
            geomid=geoms, dist=distances, nray=len(rays), cutoff=_FAR, **no_normals,
        )  # fmt: skip
        found = distances >= 0
        depths[frame].ravel()[found] = (distances / lengths)[found]
        seen[frame].ravel()[found] = np.array(owners, dtype=np.int32)[geoms[found]]  # One geom a body, in their order.
    return BodyFrames(depths=depths, bodies=seen)


def _compile(mujoco: Any, bodies: BodyMeshes) -> tuple[Any, list[int]]:
    """A model with one free-floating body for each of ours that has faces, and which of ours each is."""
    spec = mujoco.MjSpec()
    owners = []
    for body, vertices, faces in bodies.each():
        name = f"body_{body}"
        mesh = spec.add_mesh(name=name)
        corners = vertices.astype(np.float64)
        if len(corners) < 4:  # MuJoCo wants four, even of a single triangle.
            corners = np.concatenate([corners, corners.mean(axis=0, keepdims=True)])
        mesh.uservert = corners.ravel()
        mesh.userface = faces.reshape(-1).astype(np.int32)
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # Sheets and open boxes have no volume.
        owner = spec.worldbody.add_body(name=name, mocap=True)
        owner.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, contype=0, conaffinity=0)
        owners.append(body)
    return spec.compile(), owners
