"""What a fused surface still needs: stray pieces out, noise smoothed, no more faces than the shape needs; or a hull."""

import numpy as np
from scipy import sparse
from scipy.spatial import QhullError

from sim2art.geometry.hulls import make_hull
from sim2art.geometry.meshes import TriangleMesh


def without_small_pieces(vertices: np.ndarray, faces: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without connected pieces of fewer faces; unused vertices go too."""
    if len(faces) == 0:
        return np.zeros((0, 3)), faces
    _, piece = sparse.csgraph.connected_components(_adjacency(len(vertices), faces), directed=False)
    piece_of_face = piece[faces[:, 0]]
    kept = faces[np.bincount(piece_of_face)[piece_of_face] >= fewest]
    used, renumbered = np.unique(kept, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3).astype(np.int64)


def _adjacency(num_vertices: int, faces: np.ndarray) -> sparse.csr_matrix:
    first = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    second = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    one_way = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(num_vertices, num_vertices)).tocsr()
    both = one_way + one_way.T
    both.data[:] = 1.0
    return both


def smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Taubin smoothing (1995): a shrinking step, then a growing one, so that noise goes and volume stays."""
    links = _adjacency(len(vertices), faces)
    degree = np.maximum(np.asarray(links.sum(axis=1)), 1.0)
    for step in (0.5, -0.53) * rounds:
        vertices = vertices + step * (links @ vertices / degree - vertices)
    return vertices


def hull_of_points(points: np.ndarray, colors: np.ndarray) -> tuple[TriangleMesh | None, str]:
    """The convex hull in the points' mean colour, or None when they span no volume."""
    try:
        if len(points) < 8:
            raise QhullError
        hull = make_hull(points)
    except QhullError:
        return None, f"only {len(points)} depth pixels were seen, so it has no mesh."
    mesh = hull.painted(np.round(colors.mean(axis=0)).astype(np.uint8).tolist())
    return mesh, f"too few depth pixels for a surface ({len(points)}); its mesh is the convex hull of its points."
