"""Floor and walls end where the object does; what belongs to it stays."""

import numpy as np

from sim2art.export.base_crop import object_points, room_planes

EYE = np.array([0.0, -1.0, -1.5])
"""In front of the wall (z = 1), above the floor (y = 0, y down)."""


def sheet(low: tuple[float, float, float], high: tuple[float, float, float], count: int, seed: int) -> np.ndarray:
    """Points spread over a box, with 3 mm of noise."""
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, (count, 3)) + 0.003 * rng.standard_normal((count, 3))


FLOOR = sheet((-2, 0, -1), (2, 0, 1), 6000, 0)
WALL = sheet((-2, -2, 1), (2, 0, 1), 6000, 1)
SIDES = np.concatenate([sheet((x, -0.8, 0.5), (x, 0, 1), 700, 2) for x in (-0.3, 0.3)])
BACK = sheet((-0.3, -0.8, 0.95), (0.3, 0, 0.95), 900, 3)
DOOR = sheet((-0.3, -0.8, 0.5), (0.3, 0, 0.5), 800, 4)


def test_floor_and_wall_are_planes_of_the_room_and_the_cabinet_is_not() -> None:
    planes = room_planes(np.concatenate([FLOOR, WALL, SIDES, BACK]), EYE)
    normals = np.array([normal for normal, _ in planes])
    assert len(planes) == 2
    assert np.abs(normals @ [0, -1, 0]).max() > 0.999
    assert np.abs(normals @ [0, 0, -1]).max() > 0.999
    assert all(normal @ EYE > offset for normal, offset in planes)


def test_the_room_goes_and_the_cabinet_stays_with_its_patch_of_floor() -> None:
    base = np.concatenate([FLOOR, WALL, SIDES, BACK])
    kept = object_points(base, DOOR, [EYE])
    floor, wall, cabinet = np.split(kept, [len(FLOOR), len(FLOOR) + len(WALL)])
    assert cabinet.mean() > 0.99
    under = np.all(np.abs(FLOOR[:, [0, 2]] - [0.0, 0.75]) < [0.28, 0.24], axis=1)
    assert floor[under].mean() > 0.99
    assert not floor[np.abs(FLOOR[:, 0]) > 0.6].any()
    assert not wall[np.abs(WALL[:, 0]) > 0.6].any()


def test_a_door_in_a_wall_keeps_its_frame() -> None:
    hole = np.all(np.abs(WALL[:, :2] - [0.0, -0.8]) < [0.4, 0.8], axis=1)
    door = sheet((-0.4, -1.6, 1.0), (0.4, 0.0, 1.0), 800, 5)
    wall = WALL[~hole]
    kept = object_points(wall, door, [EYE])
    beside = np.abs(wall[:, 0]) < 0.5
    assert kept[beside & (wall[:, 1] > -1.6)].all()
    assert not kept[np.abs(wall[:, 0]) > 0.8].any()


def test_where_nothing_moves_all_is_kept() -> None:
    assert object_points(FLOOR, np.zeros((0, 3)), [EYE]).all()
