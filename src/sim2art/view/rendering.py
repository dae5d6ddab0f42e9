"""Pictures of an object for the report and the viewer: the rasteriser of the simulator, with a plain shade of its own."""

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.meshes import TriangleMesh, join_meshes
from sim2art.geometry.rasterizer import collect_bodies, render_frames
from sim2art.geometry.transforms import inverse

_OVERSAMPLING = 2
"""Each pixel is the mean of its square of this side."""


def render_object(
    articulated_object: ArticulatedObject,
    values: Float[np.ndarray, "joint"],
    world_from_camera: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
    *,
    tint: float = 0.4,
) -> UInt8[np.ndarray, "height width 4"]:
    """A shaded RGBA picture of an object at the given joint values; the background is transparent.

    Args:
        articulated_object: Its links' meshes are drawn; links without one are skipped.
        values: rad or m.
        world_from_camera: Camera pose, OpenCV axes.
        intrinsics: px, for `size`.
        size: Width and height, px.
        tint: 0 keeps the meshes' own colours, 1 paints each part in its part colour.
    """
    width, height = size
    motions = link_motions(articulated_object, values)
    drawn = [
        (link, link.mesh.transformed(inverse(world_from_camera) @ motion))
        for link, motion in zip(articulated_object.links, motions, strict=True)
        if link.mesh is not None and len(link.mesh.faces)
    ]
    if not drawn:
        return np.zeros((height, width, 4), dtype=np.uint8)
    seen = join_meshes([mesh for _, mesh in drawn])
    colors = np.concatenate([tint_faces(mesh, link.color, tint) for link, mesh in drawn])
    fine = intrinsics.copy()
    fine[:2] *= _OVERSAMPLING
    fine[:2, 2] += 0.5 * (_OVERSAMPLING - 1)  # Pixel centres: the first is at 0, 0.
    raster = render_frames(
        collect_bodies([seen]), np.eye(4)[None, None], fine, width=width * _OVERSAMPLING, height=height * _OVERSAMPLING
    )
    face_ids = raster.face_ids[0]
    shaded = np.clip(colors * _shade(seen)[:, None], 0, 255)
    # Colour and cover together; the last row is for pixels that no face covers.
    table = np.zeros((len(shaded) + 1, 4), dtype=np.float32)
    table[:-1, :3], table[:-1, 3] = shaded, 255.0
    offsets = [(row, column) for row in range(_OVERSAMPLING) for column in range(_OVERSAMPLING)]
    total = sum(table[face_ids[row::_OVERSAMPLING, column::_OVERSAMPLING]] for row, column in offsets)
    assert isinstance(total, np.ndarray)
    picture = total / len(offsets)
    picture[..., :3] *= 255.0 / np.maximum(picture[..., 3:], 1e-6)
    return np.round(picture).astype(np.uint8)


def tint_faces(mesh: TriangleMesh, color: tuple[int, int, int], tint: float) -> Float[np.ndarray, "face 3"]:
    """Face colours, float: the part's hue, with the mesh's own light and dark kept."""
    part = np.array(color, dtype=float)
    if mesh.colors is None:
        return np.broadcast_to(part, (len(mesh.faces), 3)).copy()
    own = mesh.colors.astype(float)
    brightness = own.mean(axis=1, keepdims=True) / max(float(own.mean()), 1.0)
    return (1 - tint) * own + tint * part * np.clip(brightness, 0.55, 1.3)


def _shade(mesh_camera: TriangleMesh) -> Float[np.ndarray, "face"]:
    """Brightness of each face under a lamp above the viewer's left shoulder; both sides of a face are lit alike."""
    normals, corners = mesh_camera.face_normals()[0], mesh_camera.vertices[mesh_camera.faces[:, 0]]
    normals *= np.where(np.sum(normals * corners, axis=1, keepdims=True) > 0, -1.0, 1.0)
    lamp = np.array([-0.35, -0.65, -0.68])
    return 0.55 + 0.55 * np.maximum(normals @ (lamp / np.linalg.norm(lamp)), 0.0)
