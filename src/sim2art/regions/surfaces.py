"""Where the surfaces are that regions show: the guess made plane in each region, or the panel that a joint suggests."""

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.rotations import any_perpendicular

_SLOPE_REACH = 150.0
"""px within which inverse depth may change by all of itself."""
_ROUNDS = 4


def flatten(
    depths: Float[np.ndarray, "height width"], regions: Int[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width"]:
    """Depth made plane in every region: inverse depth is affine in the image there. Robust; 0 where a region has none."""
    height, width = depths.shape
    y, x = (grid.ravel().astype(np.float64) for grid in np.mgrid[0:height, 0:width])
    region = regions.ravel()
    count = int(region.max()) + 1
    known = depths.ravel() > 0
    inverse_depth = np.where(known, 1 / np.maximum(depths.ravel(), 1e-9), 0.0)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(region, weights=values, minlength=count)

    number = np.maximum(total(known.astype(float)), 1)
    center_x, center_y, level = total(known * x) / number, total(known * y) / number, total(inverse_depth) / number
    basis = np.stack(
        [np.ones(len(x)), (x - center_x[region]) / _SLOPE_REACH, (y - center_y[region]) / _SLOPE_REACH], axis=1
    )
    relative = inverse_depth / np.maximum(level[region], 1e-9)
    weights = known.astype(float)
    solution = np.zeros((count, 3))
    for _ in range(_ROUNDS):
        normal = np.array([[total(weights * basis[:, a] * basis[:, b]) for b in range(3)] for a in range(3)]).transpose(
            2, 0, 1
        )
        right = np.stack([total(weights * basis[:, a] * relative) for a in range(3)], axis=1)
        # Slopes of small regions are noise of the guess: those of 25 px in the square are held to half.
        solution = np.linalg.solve(normal + np.diag([1e-6, 10.0, 10.0]), right[..., None])[..., 0]
        left = np.abs(relative - np.sum(basis * solution[region], axis=1))
        weights = known / (1 + (left / 0.05) ** 2)
    plane = np.clip(np.sum(basis * solution[region], axis=1), 0.2, 5.0) * level[region]
    return np.where(level[region] > 0, 1 / np.maximum(plane, 1e-9), 0.0).reshape(height, width)


def panel_depths(
    rays: Float[np.ndarray, "point 3"], plane: Float[np.ndarray, "4"], camera_from_rest: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "point"]:
    """Depth along rays (z = 1) of the plane normal . x = offset, given in the rest pose; 0 where it is not before the camera."""
    normal = camera_from_rest[:3, :3] @ plane[:3]
    offset = plane[3] + normal @ camera_from_rest[:3, 3]
    slant = rays @ normal
    depth = offset / np.where(np.abs(slant) < 1e-9, 1e-9, slant)
    return np.where((depth > 1e-6) & (np.abs(slant) > 0.02), depth, 0.0)


def panels(
    axis: Float[np.ndarray, "3"], pivot: Float[np.ndarray, "3"] | None, near: Float[np.ndarray, "3"], *, count: int = 10
) -> list[Float[np.ndarray, "4"]]:
    """Planes that a part with this joint is likely to lie in: through the hinge, or across the slide and through `near`."""
    if pivot is None:
        return [np.append(axis, axis @ near)]
    across = any_perpendicular(axis)
    other = np.cross(axis, across)
    angles = np.arange(count) * np.pi / count
    normals = np.cos(angles)[:, None] * across + np.sin(angles)[:, None] * other
    return [np.append(normal, normal @ pivot) for normal in normals]
