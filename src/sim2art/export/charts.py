"""A mesh laid flat: pieces that face about one way become charts, which are packed into one picture.

A chart is a connected set of faces whose normals are nearest to the same one of six directions along the mesh's own axes,
seen along that direction. Scanned furniture is mostly flat, so few charts hold most of it and nothing is stretched by more than
a factor of two.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from sim2art.geometry.meshes import TriangleMesh

_ROUNDS = 4
"""Of asking the neighbours which way a face faces: noise must not cut a surface into crumbs."""
_PADDING = 2
"""Texels around a chart."""


def lay_out(mesh: TriangleMesh, texel: float, max_size: int) -> tuple[Float[np.ndarray, "face 3 2"], int, int]:
    """Texture coordinates (0..1, v up) of each face's corners, and height and width of the picture, px.

    Args:
        mesh: With faces.
        texel: Size of a texel on the surface, m; larger where the picture would exceed `max_size`.
        max_size: px.
    """
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    axes = np.linalg.eigh(cross.T @ (cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)))[1].T
    neighbours = _neighbours(mesh.faces)
    way = _face_ways(cross, axes, neighbours)
    first, second = neighbours.nonzero()
    same = way[first] == way[second]
    graph = sparse.coo_matrix((np.ones(same.sum()), (first[same], second[same])), shape=neighbours.shape)
    _, chart = sparse.csgraph.connected_components(graph, directed=False)
    flat = _seen_along(mesh, axes, way)
    num_charts = int(chart.max()) + 1
    low, high = np.full((num_charts, 2), np.inf), np.full((num_charts, 2), -np.inf)
    for corner in range(3):
        np.minimum.at(low, chart, flat[:, corner])
        np.maximum.at(high, chart, flat[:, corner])
    while True:
        sizes = np.ceil((high - low) / texel).astype(np.int64) + 1 + 2 * _PADDING
        places, height, width = _pack(sizes)
        if max(height, width) <= max_size:
            break
        texel *= 1.1 * max(1.0, max(height, width) / max_size) ** 0.5
    pixels = (flat - low[chart][:, None]) / texel + _PADDING + 0.5 + places[chart][:, None]
    return np.stack([pixels[..., 0] / width, 1.0 - pixels[..., 1] / height], axis=-1), height, width


def _neighbours(faces: Int[np.ndarray, "face 3"]) -> sparse.csr_matrix:
    """Which faces share an edge."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.lexsort(edges.T)
    edges, owner = edges[order], owner[order]
    shared = np.flatnonzero(np.all(edges[1:] == edges[:-1], axis=1))
    pairs = sparse.coo_matrix(
        (np.ones(len(shared)), (owner[shared], owner[shared + 1])), shape=(len(faces), len(faces))
    ).tocsr()
    return pairs + pairs.T


def _face_ways(cross: np.ndarray, axes: np.ndarray, neighbours: sparse.csr_matrix) -> Int[np.ndarray, "face"]:
    """Which of the six directions each face is nearest to, after asking its neighbours."""
    directions = np.concatenate([axes, -axes])
    likeness = cross @ directions.T
    likeness /= np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
    voted = likeness
    for _ in range(_ROUNDS):
        voted = 0.5 * likeness + (neighbours @ voted) / np.maximum(np.asarray(neighbours.sum(axis=1)), 1.0)
    # Whatever the neighbours say, a chart must not fold over: each face still faces its direction.
    return np.where(likeness > 0.3, voted, -np.inf).argmax(axis=1)


def _seen_along(mesh: TriangleMesh, axes: np.ndarray, way: np.ndarray) -> Float[np.ndarray, "face 3 2"]:
    """Each face's corners (m) in the picture plane of its direction."""
    flat = np.zeros((len(mesh.faces), 3, 2))
    for axis in range(3):
        own = way % 3 == axis
        flat[own] = mesh.vertices[mesh.faces[own]] @ axes[[(axis + 1) % 3, (axis + 2) % 3]].T
    return flat


def _pack(sizes: Int[np.ndarray, "chart 2"]) -> tuple[Int[np.ndarray, "chart 2"], int, int]:
    """Left upper corners of charts on shelves, tall ones first, in a picture that is about square."""
    width = int(max(sizes[:, 0].max(), np.ceil(np.sqrt(1.15 * np.prod(sizes.astype(float), axis=1).sum()))))
    places = np.zeros_like(sizes)
    x = y = shelf = 0
    for chart in np.argsort(-sizes[:, 1], kind="stable"):
        if x + sizes[chart, 0] > width:
            x, y, shelf = 0, y + shelf, 0
        places[chart] = x, y
        x, shelf = x + int(sizes[chart, 0]), max(shelf, int(sizes[chart, 1]))
    return places, y + shelf, width
