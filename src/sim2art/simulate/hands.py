"""A hand with its forearm that reaches for a moving part, follows it and lets go: what every real video shows."""

from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from sim2art.assets.primitives import make_capsule
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_cylinder
from sim2art.geometry.rotations import rotation_between, rotation_from_rotvec, rotvec_from_rotation
from sim2art.geometry.transforms import apply, make_transform
from sim2art.simulate.scenario import Scenario

HandStyle = Literal["mitten", "fingers", "passing"]
"""What hands look like and do: mittens touch a part for a while, fingers hold it, and a passing one goes by before all."""
SKINS = ((205, 160, 135), (236, 200, 178), (160, 112, 84), (112, 76, 58), (72, 50, 40))
"""RGB of fingered hands."""

_REACH = 0.8
"""m from the camera at which the hand of whoever films passes by."""


def make_hand(size: float) -> TriangleMesh:
    """A hand whose fingertips are at the origin and whose arm leaves along -z; `size` is its length in m."""
    palm = _make_ellipsoid(np.array([0.28, 0.14, 0.5]) * size)
    arm = make_cylinder(0.17 * size, 5.0 * size, segments=10, top_radius=0.13 * size)
    palm, arm = palm.transformed(_shift(0.0, 0.0, -0.5, size)), arm.transformed(_shift(0.0, 0.0, -3.3, size))
    return join_meshes([palm, arm])


def make_fingered_hand(size: float, rng: np.random.Generator) -> TriangleMesh:
    """A hand closed around the origin in a skin colour, its arm in a sleeve along -z; `size` is its length in m."""
    skin = np.clip(np.array(SKINS[rng.integers(len(SKINS))]) + rng.integers(-12, 13, 3), 0, 255).tolist()
    sleeve = rng.integers(30, 230, 3).tolist()
    curl = rng.uniform(0.5, 1.0)
    pieces = [_make_ellipsoid(np.array([0.24, 0.11, 0.3]) * size).transformed(_shift(0.0, 0.02, -0.42, size))]
    for index in range(4):
        x = 0.13 * (index - 1.5)
        reach = 1.0 - 0.12 * abs(index - 1.3)
        knuckle, middle = np.array([x, 0.05, -0.2]), np.array([x * 0.95, 0.12, -0.2 + 0.26 * reach])
        tip = np.array([x * 0.9, 0.12 - 0.2 * curl, -0.2 + 0.36 * reach])
        pieces += [
            _make_limb(knuckle * size, middle * size, 0.055 * size),
            _make_limb(middle * size, tip * size, 0.05 * size),
        ]
    thumb = [np.array([0.2, -0.02, -0.38]), np.array([0.22, -0.12, -0.18]), np.array([0.1, -0.1, 0.02])]
    pieces += [_make_limb(a * size, b * size, 0.06 * size) for a, b in pairwise(thumb)]
    pieces.append(_make_limb(np.array([0.0, 0.02, -0.6]) * size, np.array([0.0, 0.0, -1.1]) * size, 0.15 * size))
    arm = make_cylinder(0.26 * size, 4.6 * size, segments=12, top_radius=0.2 * size)
    arm = arm.transformed(_shift(0.0, 0.0, -3.3, size))
    return join_meshes([*(piece.painted(skin) for piece in pieces), arm.painted(sleeve)])


def sample_hand(
    scenario: Scenario,
    part_of_link: Int[np.ndarray, "link"],
    rng: np.random.Generator,
    *,
    style: HandStyle = "mitten",
) -> tuple[TriangleMesh, Float[np.ndarray, "frame 4 4"]] | None:
    """A hand and its `stage_from_hand` in each frame; None when nothing moves.

    A mitten touches the part for a while, or only hovers near it. A fingered hand holds it from the first frame to the
    last and turns with it, as the hand does that opens a door. A passing one (fingered) crosses the view and touches
    nothing, whatever moves.
    """
    if style == "passing":
        return _pass_by(scenario, rng)
    moving = [
        i
        for i, link in enumerate(scenario.articulated_object.links)
        if part_of_link[i] > 0 and link.mesh is not None and len(link.mesh.vertices)
    ]
    if not moving:
        return None
    link = int(rng.choice(moving))
    mesh = scenario.articulated_object.links[link].mesh
    assert mesh is not None
    travels = apply(scenario.link_motions[:, link], mesh.vertices)
    eyes = scenario.camera_path.stage_from_camera[:, :3, 3]
    # People take hold of what moves far, on the side that they (and their camera) stand at.
    travel = np.linalg.norm(travels - travels[:1], axis=-1).max(axis=0)
    nearness = -np.linalg.norm(travels - eyes[:, None], axis=-1).mean(axis=0)
    score = travel / (travel.max() + 1e-9) + 2 * nearness / (np.ptp(nearness) + 1e-9) + rng.uniform(0, 0.6, len(travel))
    contact = travels[:, int(np.argmax(score))]
    num_frames = len(contact)
    phase = np.linspace(0.0, 1.0, num_frames)
    start, lasts = rng.uniform(-0.3, 0.5), rng.uniform(0.3, 1.2)
    away = np.maximum(np.maximum(start - phase, phase - start - lasts), 0.0) / 0.15
    size = min(0.17, 0.6 * float(np.max(np.ptp(mesh.vertices, axis=0)) + 0.05)) * rng.uniform(0.7, 1.2)
    view = contact - eyes
    reach = view / np.linalg.norm(view, axis=1, keepdims=True)
    direction = reach.mean(axis=0) + rng.normal(0.0, 0.5, 3) + np.array([0.0, 0.0, rng.uniform(-0.2, 0.6)])
    direction /= np.linalg.norm(direction)
    rotation = rotation_between(np.array([0.0, 0.0, 1.0]), direction)
    wobble = rotation_from_rotvec(
        0.15 * np.sin(rng.uniform(1, 6) * phase + rng.uniform(0, 6))[:, None] * rng.normal(size=3)
    )
    twist = scenario.link_motions[:, link, :3, :3] if rng.uniform() < 0.4 else np.eye(3)
    tips = contact - direction * (0.1 * size + np.minimum(away, 4.0)[:, None] * 1.2 * size)
    if style == "fingers":
        away, twist = 0.0 * away, scenario.link_motions[:, link, :3, :3]
        # Half the turn of the part: wrists give way.
        twist = rotation_from_rotvec(0.5 * rotvec_from_rotation(twist @ np.swapaxes(twist[:1], -1, -2)))
        return make_fingered_hand(size, rng), make_transform(wobble @ twist @ rotation, contact)
    return make_hand(size), make_transform(wobble @ twist @ rotation, tips)


def _pass_by(scenario: Scenario, rng: np.random.Generator) -> tuple[TriangleMesh, Float[np.ndarray, "frame 4 4"]]:
    """A hand that crosses the image from one side to the other, between camera and object and within an arm's reach."""
    path = scenario.camera_path
    num_frames = len(path.stage_from_camera)
    vertices = [link.mesh.vertices for link in scenario.articulated_object.links if link.mesh is not None]
    middle = np.concatenate(vertices).mean(axis=0)
    depth = np.minimum(0.5 * np.linalg.norm(path.stage_from_camera[:, :3, 3] - middle, axis=1), _REACH)
    half_width = 0.5 * path.width / path.intrinsics[0, 0]
    phase = np.linspace(0.0, 1.0, num_frames)
    start, lasts = rng.uniform(0.0, 0.3), rng.uniform(0.4, 0.7)
    # 1.6 half widths: the arm, too, is out of the image before and after.
    across = 1.6 * np.clip(2 * (phase - start) / lasts - 1, -1.0, 1.0) * rng.choice([-1.0, 1.0])
    tips_camera = np.stack([across * half_width * depth, rng.uniform(-0.1, 0.3) * half_width * depth, depth], axis=1)
    direction = np.array([0.2 * rng.normal(), -1.0, 0.0])  # The arm comes from below and stays in front of the camera.
    turn = rotation_between(np.array([0.0, 0.0, 1.0]), direction / np.linalg.norm(direction))
    hand = make_transform(np.broadcast_to(turn, (num_frames, 3, 3)), tips_camera)
    return make_fingered_hand(rng.uniform(0.12, 0.18), rng), path.stage_from_camera @ hand


def _make_limb(start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"], radius: float) -> TriangleMesh:
    """A capsule from one joint of a hand to the next (m)."""
    length = float(np.linalg.norm(end - start))
    turn = rotation_between(np.array([0.0, 0.0, 1.0]), (end - start) / length)
    return make_capsule(radius, length).transformed(make_transform(turn, (start + end) / 2))


def _shift(x: float, y: float, z: float, size: float) -> Float[np.ndarray, "4 4"]:
    return make_transform(np.eye(3), np.array([x, y, z]) * size)


def _make_ellipsoid(radii: Float[np.ndarray, "3"]) -> TriangleMesh:
    """A coarse ellipsoid at the origin (m)."""
    rings, segments = 6, 10
    polar = np.linspace(0, np.pi, rings + 1)
    angle = np.arange(segments) * 2 * np.pi / segments
    vertices = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(angle),
            np.sin(polar)[:, None] * np.sin(angle),
            np.cos(polar)[:, None] * np.ones(segments),
        ],
        axis=-1,
    ).reshape(-1, 3)
    faces = []
    for ring in range(rings):
        for k in range(segments):
            a, b = ring * segments + k, ring * segments + (k + 1) % segments
            faces += [[a, a + segments, b], [b, a + segments, b + segments]]
    return TriangleMesh(vertices=vertices * radii, faces=np.array(faces))
