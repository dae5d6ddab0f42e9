"""Heavy meshes made light, so that an object of somebody's CAD program renders as fast as ours."""

import dataclasses

import numpy as np
from jaxtyping import Int

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.geometry.meshes import TriangleMesh

MAX_FACES = 30_000
"""Faces an object may have; above, each link gives up its share."""


def lightened(articulated_object: ArticulatedObject, max_faces: int = MAX_FACES) -> ArticulatedObject:
    """The object with at most about `max_faces` faces; one that has no more is returned as it is."""
    total = sum(len(link.mesh.faces) for link in articulated_object.links if link.mesh is not None)
    if total <= max_faces:
        return articulated_object
    links = tuple(
        link
        if link.mesh is None
        else dataclasses.replace(link, mesh=decimate(link.mesh, max(12, max_faces * len(link.mesh.faces) // total)))
        for link in articulated_object.links
    )
    return dataclasses.replace(articulated_object, links=links)


def decimate(mesh: TriangleMesh, max_faces: int) -> TriangleMesh:
    """The mesh with at most `max_faces` faces, by merging the vertices of one cell of a grid into their mean.

    Details smaller than a cell go; flat and large faces stay as they are. The cell is the smallest that is enough.
    """
    if len(mesh.faces) <= max_faces:
        return mesh
    size = float(np.max(np.ptp(mesh.vertices, axis=0)))
    low, high = 1.0, 4096.0  # Cells along the longest side: the fewest, and more than enough.
    best = _merge(mesh, size / low)
    for _ in range(12):
        middle = np.sqrt(low * high)
        merged = _merge(mesh, size / middle)
        if len(merged.faces) > max_faces:
            high = middle
        else:
            low, best = middle, merged
    return best


def _merge(mesh: TriangleMesh, cell: float) -> TriangleMesh:
    places = np.floor((mesh.vertices - mesh.vertices.min(axis=0)) / cell + 1e-9).astype(np.int64)
    _, group = np.unique(places, axis=0, return_inverse=True)
    group = group.reshape(-1)
    count = np.bincount(group)
    vertices = np.stack([np.bincount(group, weights=mesh.vertices[:, axis]) / count for axis in range(3)], axis=1)
    faces = group[mesh.faces]
    kept = whole_faces(faces)
    return TriangleMesh(vertices=vertices, faces=faces[kept], colors=None if mesh.colors is None else mesh.colors[kept])


def whole_faces(faces: Int[np.ndarray, "face 3"]) -> Int[np.ndarray, "kept"]:
    """Indices of faces with three different corners, the first of each set of corners whatever their order."""
    corners = np.sort(faces, axis=1)
    whole = np.flatnonzero((corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]))
    _, first = np.unique(corners[whole], axis=0, return_index=True)
    return whole[np.sort(first)]
