"""What the property tests draw from, and the one comparison of joints that knows the axis sign and the sliding pivot."""

import numpy as np
from hypothesis import strategies as st

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import make_transform


def coordinates(bound: float = 3.0) -> st.SearchStrategy[float]:
    """Lengths in m."""
    return st.floats(-bound, bound, allow_nan=False, width=64)


@st.composite
def vectors(draw: st.DrawFn, bound: float = 3.0) -> np.ndarray:
    """Any (3,) vector."""
    return np.array([draw(coordinates(bound)) for _ in range(3)])


@st.composite
def axes(draw: st.DrawFn) -> np.ndarray:
    """Unit (3,) directions, the coordinate axes among them."""
    if draw(st.booleans()):
        return np.eye(3)[draw(st.integers(0, 2))] * draw(st.sampled_from([-1.0, 1.0]))
    vector = draw(vectors().filter(lambda x: np.linalg.norm(x) > 0.1))
    return vector / np.linalg.norm(vector)


def angles() -> st.SearchStrategy[float]:
    """Angles in [0, pi], crowded near both ends, where formulas lose digits."""
    tiny = st.floats(0.0, 1e-4)
    return st.one_of(st.just(0.0), tiny, st.floats(0.0, np.pi), tiny.map(lambda x: np.pi - x))


@st.composite
def rotvecs(draw: st.DrawFn) -> np.ndarray:
    """Axis times angle (rad), near 0 and near pi included."""
    return draw(axes()) * draw(angles())


@st.composite
def rotations(draw: st.DrawFn) -> np.ndarray:
    """Rotation matrices (3, 3)."""
    return rotation_from_rotvec(draw(rotvecs()))


@st.composite
def transforms(draw: st.DrawFn) -> np.ndarray:
    """Rigid transforms (4, 4)."""
    return make_transform(draw(rotations()), draw(vectors()))


@st.composite
def point_sets(draw: st.DrawFn, min_points: int = 4, max_points: int = 30) -> np.ndarray:
    """Points (point, 3) that span all three directions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.normal(size=(draw(st.integers(min_points, max_points)), 3)) * [1.0, 0.7, 0.4] + draw(vectors())


@st.composite
def cameras(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsics (3, 3) and `world_from_camera` (4, 4)."""
    width, height = draw(st.integers(16, 1920)), draw(st.integers(16, 1080))
    return intrinsics_from_fov(width, height, draw(st.floats(0.3, 2.0))), draw(transforms())


@st.composite
def joints(draw: st.DrawFn, *, name: str = "joint", parent: str = "parent", child: str = "child") -> Joint:
    """Revolute and prismatic joints."""
    kind = draw(st.sampled_from([JointType.REVOLUTE, JointType.PRISMATIC]))
    pivot = draw(vectors()) if kind is JointType.REVOLUTE else None
    return Joint(name=name, type=kind, parent=parent, child=child, axis=draw(axes()), pivot=pivot)


def joint_values() -> st.SearchStrategy[float]:
    """rad or m."""
    return st.floats(-3.0, 3.0, allow_nan=False)


@st.composite
def trees(draw: st.DrawFn, *, max_links: int = 6) -> ArticulatedObject:
    """Articulated objects without meshes; link 0 is the root."""
    count = draw(st.integers(1, max_links))
    links = tuple(Link(name=f"link_{i}") for i in range(count))
    made = tuple(
        draw(joints(name=f"joint_{i}", parent=f"link_{draw(st.integers(0, i - 1))}", child=f"link_{i}"))
        for i in range(1, count)
    )
    return ArticulatedObject(name="tree", links=links, joints=made)


def assert_same_joint(actual: Joint, expected: Joint, *, tolerance: float = 1e-6) -> float:
    """Check that two joints allow the same motions; the axis sign is free and a pivot may slide along its axis.

    Returns:
        +1 or -1: what joint values of `actual` are multiplied by to compare them with those of `expected`.
    """
    assert actual.type is expected.type
    cosine = float(actual.axis @ expected.axis)
    assert np.linalg.norm(np.cross(actual.axis, expected.axis)) < tolerance, f"axes {actual.axis} and {expected.axis}"
    if expected.type is JointType.REVOLUTE:
        assert actual.pivot is not None and expected.pivot is not None
        nearest = nearest_point_on_line(actual.pivot, expected.axis, expected.pivot)
        distance = float(np.linalg.norm(actual.pivot - nearest))
        assert distance < tolerance, f"pivot is {distance} m off the axis"
    return 1.0 if cosine > 0 else -1.0
