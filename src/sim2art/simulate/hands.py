"""A hand with its forearm that reaches for a moving part, follows it and lets go: what every real video shows."""

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_cylinder
from sim2art.geometry.rotations import rotation_between, rotation_from_rotvec
from sim2art.geometry.transforms import apply, make_transform
from sim2art.simulate.scenario import Scenario


def make_hand(size: float) -> TriangleMesh:
    """A hand whose fingertips are at the origin and whose arm leaves along -z; `size` is its length in m."""
    palm = _make_ellipsoid(np.array([0.28, 0.14, 0.5]) * size)
    arm = make_cylinder(0.17 * size, 5.0 * size, segments=10, top_radius=0.13 * size)
    return join_meshes(
        [
            palm.transformed(make_transform(np.eye(3), np.array([0.0, 0.0, -0.5 * size]))),
            arm.transformed(make_transform(np.eye(3), np.array([0.0, 0.0, -3.3 * size]))),
        ]
    )


def sample_hand(
    scenario: Scenario, part_of_link: Int[np.ndarray, "link"], rng: np.random.Generator
) -> tuple[TriangleMesh, Float[np.ndarray, "frame 4 4"]] | None:
    """A hand and its `stage_from_hand` in each frame; None when nothing moves."""
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
    return make_hand(size), make_transform(wobble @ twist @ rotation, tips)


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
