"""Points spread over a mesh, for all that asks where its surface is."""

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.meshes import TriangleMesh


def sample_surface(
    mesh: TriangleMesh, count: int = 40_000, *, seed: int = 0
) -> tuple[Float[np.ndarray, "sample 3"], Int[np.ndarray, "sample"]]:
    """Points spread evenly over a mesh's faces, and the face of each."""
    rng = np.random.default_rng(seed)
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if areas.sum() <= 0:
        return mesh.vertices[mesh.faces[:, 0]], np.arange(len(mesh.faces))
    chosen = rng.choice(len(areas), count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    beyond = u + v > 1
    u, v = np.where(beyond, 1 - u, u), np.where(beyond, 1 - v, v)
    return a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen], chosen
