"""The likelihood of a part's place: what is seen of a panel that stands nearly edge-on tells where it is."""

import numpy as np

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform
from sim2art.states.likelihood import place_part

FOCAL, HEIGHT, WIDTH = 200.0, 120, 160
MIDDLE = np.array([0.0, 0.0, 1.0])


def turned(degrees: float) -> np.ndarray:
    """About the vertical line through the middle of the panel."""
    rotation = rotation_from_rotvec(np.deg2rad(degrees) * np.array([0.0, 1.0, 0.0]))
    return make_transform(rotation, MIDDLE - rotation @ MIDDLE)


def test_a_panel_seen_nearly_edge_on_is_found_where_it_is() -> None:
    slant = np.deg2rad(6.0)
    normal, along = np.array([np.cos(slant), 0.0, -np.sin(slant)]), np.array([np.sin(slant), 0.0, np.cos(slant)])
    across, down = np.meshgrid(np.linspace(-0.15, 0.15, 31), np.linspace(-0.15, 0.15, 31))
    points = MIDDLE + across.reshape(-1, 1) * along + down.reshape(-1, 1) * np.array([0.0, 1.0, 0.0])
    columns, rows = np.meshgrid((np.arange(WIDTH) - 80) / FOCAL, (np.arange(HEIGHT) - 60) / FOCAL)
    z = np.sin(slant) / (np.sin(slant) - np.cos(slant) * columns)
    shown = (z > 0) & (np.abs(z - 1.0) < 0.15 * np.cos(slant)) & (np.abs(rows * z) < 0.15)
    assert 4 <= shown.any(axis=0).sum() <= 8
    depth = np.where(shown, z, 3.0).astype(np.float32)
    motions = np.stack([turned(degrees) for degrees in (-40.0, -20.0, 0.0, 20.0, 40.0)])
    gain, seen = np.zeros(len(motions)), np.zeros(len(motions))
    place_part(
        points, np.broadcast_to(normal, points.shape).copy(), np.zeros_like(points), np.full(len(points), 0.3 * 0.3 / 961),
        np.zeros(len(points)), motions, np.array([FOCAL, FOCAL, 80.0, 60.0]), depth, np.zeros((HEIGHT, WIDTH, 3), np.int8),
        np.full((HEIGHT, WIDTH), 3.0, np.float32), np.where(shown, 10.0, 0.0).astype(np.float32),
        np.array([0.002, 0.004, 4.0, 3.0, 3.0, 8.0, 12.0, 12.0]), gain, seen, np.zeros((0, 2)),
    )  # fmt: skip
    # It explains most of its pixels, and no other place does.
    assert gain[2] < -4.0 * shown.sum()
    assert gain[[0, 1, 3, 4]].min() > 0.25 * gain[2]
