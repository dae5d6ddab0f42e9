"""What stands around the object: a floor or table top, walls and static boxes. Stage frame: z up, floor at z = 0."""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

_GAP = 2e-3  # m; keeps room and object from sharing a plane.


def sample_room(
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
    eyes: Float[np.ndarray, "frame 3"],
    rng: np.random.Generator,
    *,
    is_enclosed: bool = False,
) -> tuple[TriangleMesh, ...]:
    """A floor, mostly one or two walls behind the object, and up to five boxes beside it, one mesh each.

    Args:
        low: Lower corner of all that the object sweeps, m.
        high: Upper corner.
        eyes: Camera centres; nothing is put between them and the object.
        is_enclosed: Whether far walls all around leave no view into the void.
    """
    size = float(np.max(high - low))
    reach = 4.0 * size + 1.0
    floor_z = min(low[2], 0.0) - _GAP
    back = high[1] + _GAP + (0.0 if rng.uniform() < 0.4 else rng.uniform(0.02, 1.0) * size)
    side = -1.0 if eyes[:, 0].mean() > (low[0] + high[0]) / 2 else 1.0
    edge = high[0] if side > 0 else low[0]
    edge = edge + side * (_GAP + rng.uniform(0.05, 1.2) * size)
    meshes = [_slab([-reach, -reach, floor_z - 0.05], [reach, reach, floor_z])]
    if rng.uniform() < 0.75:
        meshes.append(_slab([-reach, back, floor_z - 0.1], [reach, back + 0.05, floor_z + reach]))
    # A wall beside the object must not hide it from any frame.
    if rng.uniform() < 0.4 and np.all((eyes[:, 0] - edge) * side < -0.05):
        x = sorted([edge, edge + 0.05 * side])
        meshes.append(_slab([x[0], -reach, floor_z - 0.1], [x[1], back + 0.04, floor_z + reach]))
    for _ in range(rng.integers(0, 6)):
        box = _sample_clutter(low, high, floor_z, back, eyes, rng)
        if box is not None:
            meshes.append(box)
    if is_enclosed:
        far = max(reach, float(np.abs(eyes[:, :2]).max()) + size) + 0.3
        for x, y in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
            lower = np.array([x * far - (1 - abs(x)) * far, y * far - (1 - abs(y)) * far, floor_z - 0.1])
            upper = np.array([x * far + (1 - abs(x)) * far, y * far + (1 - abs(y)) * far, floor_z + 2 * far])
            meshes.append(_slab(lower - 0.02, upper + 0.02))
        meshes.append(_slab([-far, -far, floor_z - 0.1], [far, far, floor_z - 0.06]))
    return tuple(meshes)


def _slab(low: npt.ArrayLike, high: npt.ArrayLike) -> TriangleMesh:
    lower, upper = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    return make_box(upper - lower, (lower + upper) / 2)


def _sample_clutter(
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
    floor_z: float,
    back: float,
    eyes: Float[np.ndarray, "frame 3"],
    rng: np.random.Generator,
) -> TriangleMesh | None:
    """A turned box on the floor, outside the swept box and off the line of sight; None when the draw fails."""
    size = float(np.max(high - low))
    extent = size * np.exp(rng.uniform(np.log(0.08), np.log(0.5), 3))
    reach = 0.5 * float(np.hypot(extent[0], extent[1]))
    position = np.array([rng.uniform(low[0] - size, high[0] + size), rng.uniform(low[1] - 0.3 * size, back), 0.0])
    position[1] = min(position[1], back - reach)
    outside_x = max(low[0] - position[0], position[0] - high[0])
    outside_y = max(low[1] - position[1], position[1] - high[1])
    if max(outside_x, outside_y) < reach + _GAP:
        return None
    center = (low[:2] + high[:2]) / 2
    for eye in eyes[:: max(1, len(eyes) // 4), :2]:
        line = center - eye
        share = np.clip((position[:2] - eye) @ line / max(float(line @ line), 1e-9), 0.0, 1.0)
        if share < 0.9 and np.linalg.norm(eye + share * line - position[:2]) < reach + 0.2 * size:
            return None
    turn = rotation_from_rotvec(np.array([0.0, 0.0, rng.uniform(0, np.pi)]))
    position[2] = floor_z + 0.5 * extent[2] + _GAP
    return make_box(extent, np.zeros(3)).transformed(make_transform(turn, position))
