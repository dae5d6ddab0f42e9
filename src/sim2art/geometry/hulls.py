"""Convex hulls as meshes; beside `meshes.py`, which a run loads before it needs SciPy."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull

from sim2art.geometry.meshes import TriangleMesh


def make_hull(points: Float[np.ndarray, "point 3"]) -> TriangleMesh:
    """The convex hull of points.

    Raises:
        QhullError: When they span no volume.
    """
    hull = ConvexHull(points)
    used, faces = np.unique(hull.simplices, return_inverse=True)
    mesh = TriangleMesh(vertices=points[used], faces=faces.reshape(-1, 3).astype(np.int64))
    # Qhull's facets face both ways; its equations face outward.
    outward = np.sum(mesh.face_normals()[0] * hull.equations[:, :3], axis=1) >= 0
    return replace(mesh, faces=np.where(outward[:, None], mesh.faces, mesh.faces[:, ::-1]))
