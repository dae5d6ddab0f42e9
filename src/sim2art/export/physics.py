"""Mass, inertia and a collision hull from a part's geometry. The density is assumed: a video shows no weight."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

from sim2art.geometry.meshes import TriangleMesh, make_box


@dataclass(frozen=True, kw_only=True)
class PhysicsConfig:
    """What a video cannot show, so it is assumed."""

    density: float = 300.0
    """kg/m^3 of the convex hull: hollow furniture and appliances."""
    min_mass: float = 0.05
    """kg."""
    max_mass: float = 200.0
    """kg; a part that is the whole room has no meaningful mass."""
    min_thickness: float = 0.01
    """A part seen from one side only counts as at least this thick, m."""
    damping: float = 0.1
    """N m s/rad, or N s/m."""
    friction: float = 0.1
    """N m, or N."""
    effort: float = 100.0
    """Largest effort a controller may apply, N m or N."""
    velocity: float = 5.0
    """Largest speed, rad/s or m/s."""


@dataclass(frozen=True, kw_only=True)
class Inertia:
    """Mass, centre and inertia about that centre, in the frame of the mesh."""

    mass: float
    """kg."""
    center: Float[np.ndarray, "3"]
    """m."""
    matrix: Float[np.ndarray, "3 3"]
    """kg m^2, about the centre, axes of the mesh's frame."""


def convex_hull(mesh: TriangleMesh, config: PhysicsConfig) -> TriangleMesh:
    """The hull of a mesh; flat or nearly flat ones give a box around them, at least `min_thickness` thick."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    try:
        hull = ConvexHull(mesh.vertices)
        longest = float(np.max(high - low))
        if hull.volume < 1e-4 * config.min_thickness * longest**2:
            raise QhullError
    except (QhullError, ValueError):
        return make_box(np.maximum(high - low, config.min_thickness), (low + high) / 2)
    used, faces = np.unique(hull.simplices, return_inverse=True)
    faces = faces.reshape(-1, 3).astype(np.int64)
    vertices = mesh.vertices[used]
    # Qhull's facets face both ways; its equations face outward.
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    outward = np.sum(np.cross(b - a, c - a) * hull.equations[:, :3], axis=1) >= 0
    return TriangleMesh(vertices=vertices, faces=np.where(outward[:, None], faces, faces[:, ::-1]))


def inertia_of_hull(hull: TriangleMesh, config: PhysicsConfig) -> Inertia:
    """Mass properties of a closed mesh of even density, kept within what solvers bear."""
    a, b, c = (hull.vertices[hull.faces[:, i]] for i in range(3))
    reference = hull.vertices.mean(axis=0)
    a, b, c = a - reference, b - reference, c - reference
    # Sum over tetrahedra from the reference to each face; exact second moments of each.
    volumes = np.einsum("fi,fi->f", a, np.cross(b, c)) / 6
    volume = float(volumes.sum())
    first = np.einsum("f,fi->i", volumes, a + b + c) / 4 / volume
    corner_sum = a + b + c
    moments = sum(np.einsum("f,fi,fj->ij", volumes, x, x) for x in (a, b, c, corner_sum)) / 20
    covariance = moments / volume - np.outer(first, first)
    mass = float(np.clip(volume * config.density, config.min_mass, config.max_mass))
    # Below this spread (a 1 cm cube's) light parts make solvers stiff.
    covariance = covariance + np.eye(3) * max(0.0, 1e-5 - float(np.linalg.eigvalsh(covariance)[0]))
    matrix = mass * (np.trace(covariance) * np.eye(3) - covariance)
    return Inertia(mass=mass, center=first + reference, matrix=matrix)
