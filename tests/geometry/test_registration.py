"""A surface seen from elsewhere is laid back on itself, however the two cameras stood."""

import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box
from sim2art.geometry.registration import register_surfaces, sample_surface
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform

UP = np.array([0.0, -1.0, 0.0])


def make_shape() -> TriangleMesh:
    """An L of boxes on a floor: no turn of it looks like another."""
    return join_meshes(
        [
            make_box(np.array([2.0, 0.02, 1.6]), np.array([0.0, 0.5, 2.0])),
            make_box(np.array([0.8, 1.0, 0.4]), np.array([-0.3, 0.0, 2.2])),
            make_box(np.array([0.3, 0.4, 0.5]), np.array([0.45, 0.3, 1.8])),
        ]
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_moved_surface_is_found_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation = rotation_from_rotvec(UP * rng.uniform(-3, 3)) @ rotation_from_rotvec(
        np.array([rng.uniform(-0.5, 0.5), 0, 0])
    )
    a_from_b = make_transform(rotation, rng.normal(0, 2, 3))
    shape = make_shape()
    found = register_surfaces(shape, shape.transformed(inverse(a_from_b)), rng=rng, up=UP)[0]
    error = apply(found.a_from_b @ inverse(a_from_b), shape.vertices) - shape.vertices
    assert np.linalg.norm(error, axis=1).max() < 0.02
    assert found.overlap > 0.85


def test_half_of_a_surface_is_laid_on_the_whole() -> None:
    rng = np.random.default_rng(3)
    shape = make_shape()
    middles = shape.vertices[shape.faces].mean(axis=1)
    half = TriangleMesh(vertices=shape.vertices, faces=shape.faces[(middles[:, 0] < 0.5) & (middles[:, 1] < 0.505)])
    a_from_b = make_transform(rotation_from_rotvec(UP * 0.7), np.array([0.5, 0.1, -0.3]))
    found = register_surfaces(shape, half.transformed(inverse(a_from_b)), rng=rng, up=UP)[0]
    error = apply(found.a_from_b @ inverse(a_from_b), half.vertices) - half.vertices
    assert np.linalg.norm(error, axis=1).max() < 0.05


def test_a_turned_square_fits_in_several_ways_and_colour_tells_them_apart() -> None:
    box = make_box(np.array([1.0, 0.5, 1.0]), np.array([0.0, 0, 2]))
    found = register_surfaces(box, box, rng=np.random.default_rng(0), up=UP)
    assert len(found) > 1
    assert found[1].overlap > 0.8
    colors = np.zeros((12, 3), dtype=np.uint8)
    colors[:2] = 255
    painted = TriangleMesh(vertices=box.vertices, faces=box.faces, colors=colors)
    best, *others = register_surfaces(painted, painted, rng=np.random.default_rng(0), up=UP)
    assert all(other.score < 0.93 * best.score for other in others)
    np.testing.assert_allclose(best.a_from_b, np.eye(4), atol=0.05)


def test_a_sample_lies_on_its_surface_and_needs_area() -> None:
    sample = sample_surface(make_box(np.ones(3), np.zeros(3)), 200, np.random.default_rng(0))
    np.testing.assert_allclose(np.abs(sample.points).max(axis=1), 0.5)
    np.testing.assert_allclose(np.linalg.norm(sample.normals, axis=1), 1)
    flat = TriangleMesh(vertices=np.zeros((3, 3)), faces=np.array([[0, 1, 2]]))
    with pytest.raises(InvalidValueError, match="without area"):
        sample_surface(flat, 10, np.random.default_rng(0))
