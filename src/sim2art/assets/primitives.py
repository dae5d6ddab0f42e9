"""Round shapes of robot description files as meshes; boxes and cylinders are in `geometry.meshes`."""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.meshes import TriangleMesh


def make_sphere(radii: Float[np.ndarray, "3"]) -> TriangleMesh:
    """A sphere or ellipsoid at the origin; `radii` in m."""
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=2)
    return TriangleMesh(vertices=np.array(ball.vertices) * radii, faces=np.array(ball.faces, dtype=np.int64))


def make_capsule(radius: float, height: float) -> TriangleMesh:
    """A cylinder along z with half balls at its ends, centred at the origin; `height` (m) is that of the cylinder."""
    import trimesh

    shape = trimesh.creation.capsule(height=height, radius=radius, count=[12, 12])
    # trimesh has had the origin at the lower ball's centre and at the middle; the middle is what is meant here.
    vertices = np.array(shape.vertices)
    vertices[:, 2] -= 0.5 * (vertices[:, 2].min() + vertices[:, 2].max())
    return TriangleMesh(vertices=vertices, faces=np.array(shape.faces, dtype=np.int64))
