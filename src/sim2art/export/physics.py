"""What a simulator needs beyond shapes and joints: mass, inertia, collision pieces, friction, damping, limits.

The one place that decides them; every writer says the same. A video shows no weight and no friction, so these are
assumed from geometry, and each joint's limits carry where they come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidValueError
from sim2art.export.collision import CollisionConfig, CollisionShape, collide_as_hulls, convex_hull, decompose_parts
from sim2art.export.frames import link_origins, root_from_world
from sim2art.export.up import Up, estimate_up
from sim2art.geometry.meshes import TriangleMesh, join_meshes

GRAVITY = 9.81
_MIN_SPAN = 1e-3  # rad or m: readers take lower = upper as "no limits" or refuse it.


class LimitSource(StrEnum):
    """Where the limits of a joint come from."""

    OBSERVED = "observed"
    """The range that the video showed; the object may go further."""
    ASSUMED = "assumed"
    """The video showed no range: a guess."""
    USER = "user"
    """Set by a person, or known from elsewhere."""


@dataclass(frozen=True, kw_only=True)
class PhysicsConfig:
    """What a video cannot show, so it is assumed."""

    density: float = 300.0
    """kg/m^3 of a part's convex hull: hollow furniture and appliances."""
    min_mass: float = 0.05
    """kg."""
    max_mass: float = 200.0
    """kg; a part that is the whole room has no meaningful mass."""
    friction: float = 0.1
    """Joint friction: of a slide as a share of the part's weight; of a hinge the same at a pin of `pin_radius`."""
    pin_radius: float = 0.02
    """m."""
    settle_time: float = 0.5
    """Joint damping: a part that is let go in motion loses most of its speed in this time, s."""
    contact_friction: float = 0.8
    """Sliding friction between surfaces."""
    effort: float = 100.0
    """Largest effort a controller may apply, N m or N."""
    velocity: float = 5.0
    """Largest speed, rad/s or m/s."""
    collision: CollisionConfig = field(default_factory=CollisionConfig)

    def __post_init__(self) -> None:
        for name in ("density", "min_mass", "max_mass", "settle_time", "effort", "velocity"):
            if not getattr(self, name) > 0:
                raise InvalidValueError(f"Physics: {name} is {getattr(self, name)}; it must be above 0.")
        for name in ("friction", "pin_radius", "contact_friction"):
            if not getattr(self, name) >= 0:
                raise InvalidValueError(f"Physics: {name} is {getattr(self, name)}; it must not be negative.")


@dataclass(frozen=True, kw_only=True)
class Inertia:
    """Mass, centre and inertia about that centre, in the frame of the mesh."""

    mass: float
    """kg."""
    center: Float[np.ndarray, "3"]
    """m."""
    matrix: Float[np.ndarray, "3 3"]
    """kg m^2, about the centre, axes of the mesh's frame."""


@dataclass(frozen=True, kw_only=True)
class JointPhysics:
    """How a joint moves; rad, m, N, s."""

    limits: tuple[float, float]
    source: LimitSource
    damping: float
    """N m s/rad, or N s/m."""
    friction: float
    """N m, or N."""
    effort: float
    velocity: float


@dataclass(frozen=True, kw_only=True)
class PhysicsModel:
    """An object with all that a simulator needs, in the order of its links and joints."""

    articulated_object: ArticulatedObject
    """In the result's world; geometry and inertia below are in the same frame, in the rest pose."""
    config: PhysicsConfig
    inertias: tuple[Inertia, ...]
    collisions: tuple[CollisionShape, ...]
    joints: tuple[JointPhysics, ...]
    """Those of fixed joints say nothing."""
    origins: Float[np.ndarray, "link 3"]
    """Origin of each link's frame, see `frames.link_origins`."""
    root_from_world: Float[np.ndarray, "4 4"]
    """z-up frame of the export, see `frames.root_from_world`."""
    up: Up
    """Which way is up in the result's world."""
    invented: tuple[TriangleMesh | None, ...]
    """Geometry that no frame showed, by link; part of inertia and collision."""


def build_physics(
    articulated_object: ArticulatedObject,
    config: PhysicsConfig | None = None,
    *,
    invented: Sequence[TriangleMesh | None] = (),
    decompose: bool = True,
    up: Up | None = None,
) -> PhysicsModel:
    """Decide masses, collision pieces and joint dynamics.

    Args:
        articulated_object: In the result's world: first camera, OpenCV axes, m.
        invented: Geometry to add to each link's own, from `completion.complete_part`; empty for none.
        decompose: Split collision geometry into convex pieces (seconds a part); else one hull a part (instant).
        up: Which way is up; None estimates it from the surfaces.
    """
    config = PhysicsConfig() if config is None else config
    added = tuple(invented) or (None,) * len(articulated_object.links)
    meshes = [
        link.mesh if link.mesh is None or extra is None else join_meshes([link.mesh, extra])
        for link, extra in zip(articulated_object.links, added, strict=True)
    ]
    up = estimate_up(articulated_object) if up is None else up
    origins = link_origins(articulated_object)
    inertias = tuple(inertia_of_mesh(mesh, origin, config) for mesh, origin in zip(meshes, origins, strict=True))
    shapes = decompose_parts(meshes, config.collision) if decompose else collide_as_hulls(meshes, config.collision)
    return PhysicsModel(
        articulated_object=articulated_object,
        config=config,
        inertias=inertias,
        collisions=tuple(shapes),
        joints=tuple(
            joint_physics(joint, inertias[articulated_object.link_index(joint.child)], config)
            for joint in articulated_object.joints
        ),
        origins=origins,
        root_from_world=root_from_world(articulated_object, up.direction),
        up=up,
        invented=added,
    )


def joint_limits(joint: Joint) -> tuple[tuple[float, float], LimitSource]:
    """Limits for a simulator (rad or m) and where they come from."""
    if joint.limits is not None:
        (low, high), source = joint.limits, LimitSource.USER
    elif joint.observed_range is not None and joint.observed_range[1] - joint.observed_range[0] >= _MIN_SPAN:
        (low, high), source = joint.observed_range, LimitSource.OBSERVED
    else:
        (low, high), source = (-np.pi, np.pi) if joint.type is JointType.REVOLUTE else (-1.0, 1.0), LimitSource.ASSUMED
    return (float(low), float(max(high, low + _MIN_SPAN))), source


def joint_physics(joint: Joint, inertia: Inertia, config: PhysicsConfig) -> JointPhysics:
    """Limits, damping and friction of a joint that carries a part of this inertia."""
    limits, source = joint_limits(joint)
    if joint.type is JointType.REVOLUTE:
        assert joint.pivot is not None
        beside = np.cross(inertia.center - joint.pivot, joint.axis)
        resistance = float(joint.axis @ inertia.matrix @ joint.axis + inertia.mass * beside @ beside)
        lever = config.pin_radius
    else:
        resistance, lever = inertia.mass, 1.0
    return JointPhysics(
        limits=limits,
        source=source,
        damping=resistance / config.settle_time,
        friction=config.friction * inertia.mass * GRAVITY * lever,
        effort=config.effort,
        velocity=config.velocity,
    )


def inertia_of_mesh(mesh: TriangleMesh | None, origin: Float[np.ndarray, "3"], config: PhysicsConfig) -> Inertia:
    """Inertia of a part: its hull filled evenly, or a nominal one at `origin` (m) where no geometry was seen."""
    if mesh is None or len(mesh.faces) == 0:
        return Inertia(mass=0.1, center=np.array(origin, dtype=np.float64), matrix=1e-4 * np.eye(3))
    return inertia_of_solid(convex_hull(mesh, config.collision), config)


def inertia_of_solid(solid: TriangleMesh, config: PhysicsConfig) -> Inertia:
    """Mass properties of a closed mesh of even density, kept within what solvers bear."""
    a, b, c = (solid.vertices[solid.faces[:, i]] for i in range(3))
    reference = solid.vertices.mean(axis=0)
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
