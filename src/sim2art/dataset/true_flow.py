"""Where the truth carries observed points."""

import numpy as np
from jaxtyping import Float, Int


def move_points(
    steps: Float[np.ndarray, "*batch part 4 4"],
    part_ids: Int[np.ndarray, "*batch point"],
    points: Float[np.ndarray, "*batch point 3"],
) -> Float[np.ndarray, "*batch point 3"]:
    """Flow of points (m) when each part makes its step (what carries its points from one frame to another)."""
    step = np.take_along_axis(steps, part_ids[..., None, None], axis=-3)
    return (step[..., :3, :3] @ points[..., None])[..., 0] + step[..., :3, 3] - points
