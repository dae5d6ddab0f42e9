"""A scenario: the recipe of one clip or recording, and its sampler. Nothing is rendered here."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.assets.library import check_assets, make_asset
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply
from sim2art.simulate.camera_paths import CameraConfig, CameraPath, sample_camera_path
from sim2art.simulate.joint_motions import MotionConfig, sample_trajectory
from sim2art.simulate.rooms import sample_room
from sim2art.simulate.seeds import named_rng, rounded

DROPPED_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class ScenarioConfig:
    """What scenarios are drawn from."""

    families: tuple[str, ...]
    """Names that `sim2art.assets.library` knows; each is equally likely."""
    num_frames: int = 16
    width: int = 256
    height: int = 256
    has_room: bool = True
    """Whether the object stands in a room rather than in empty space."""
    is_enclosed: bool = False
    """Whether the room has walls all around."""
    dropped_share: float = DROPPED_SHARE
    """Scenarios whose frames are unevenly spread in time, as when frames are dropped or chosen."""
    motion: MotionConfig = field(default_factory=MotionConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """An object, how it moves, who looks at it and what stands around. Stage frame = the object's frame, z up."""

    family: str
    seed: int
    attempt: int
    articulated_object: ArticulatedObject
    trajectory: JointTrajectory
    camera_path: CameraPath
    link_motions: Float[np.ndarray, "frame link 4 4"]
    """What carries each link's rest-pose geometry to its place, stage frame."""
    room: tuple[TriangleMesh, ...]
    """Meshes of what stands around, stage frame; empty without a room."""


def sample_scenario(config: ScenarioConfig, seed: int, attempt: int = 0) -> Scenario:
    """The scenario that belongs to a seed; `attempt` counts redraws after a rejected one.

    Raises:
        InvalidValueError: When a family is unknown.
    """
    check_assets(config.families)
    rng = named_rng(seed, attempt, "family")
    family = config.families[rng.integers(len(config.families))]
    articulated_object = make_asset(family, named_rng(seed, attempt, "object"))
    phase = _sample_phase(config, named_rng(seed, attempt, "times"))
    trajectory = sample_trajectory(
        articulated_object,
        phase=phase,
        rng=named_rng(seed, attempt, "motion"),
        config=config.motion,
    )
    motions = rounded(link_motions(articulated_object, trajectory.values))
    low, high = _swept_box(articulated_object, motions)
    camera_path = sample_camera_path(
        low,
        high,
        phase=phase,
        width=config.width,
        height=config.height,
        rng=named_rng(seed, attempt, "camera"),
        config=config.camera,
    )
    room: tuple[TriangleMesh, ...] = ()
    if config.has_room:
        room = sample_room(
            low,
            high,
            camera_path.stage_from_camera[:, :3, 3],
            named_rng(seed, attempt, "room"),
            is_enclosed=config.is_enclosed,
        )
    return Scenario(
        family=family,
        seed=seed,
        attempt=attempt,
        articulated_object=articulated_object,
        trajectory=trajectory,
        camera_path=camera_path,
        link_motions=motions,
        room=room,
    )


def _sample_phase(config: ScenarioConfig, rng: np.random.Generator) -> Float[np.ndarray, "frame"]:
    """When the frames are taken, from 0 to 1."""
    if config.num_frames < 3 or rng.uniform() >= config.dropped_share:
        return np.linspace(0.0, 1.0, config.num_frames)
    taken = rng.choice(config.num_frames * 3 // 2, config.num_frames, replace=False)
    taken = np.sort(taken).astype(np.float64)
    return (taken - taken[0]) / (taken[-1] - taken[0])


def _swept_box(
    articulated_object: ArticulatedObject, motions: Float[np.ndarray, "frame link 4 4"]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Corners of the box around everything that the object sweeps."""
    lows, highs = [], []
    some = motions[np.unique(np.linspace(0, len(motions) - 1, 5).astype(int))]
    for index, link in enumerate(articulated_object.links):
        if link.mesh is None or not len(link.mesh.vertices):
            continue
        points = apply(some[:, index], link.mesh.vertices)
        lows.append(points.min(axis=(0, 1)))
        highs.append(points.max(axis=(0, 1)))
    return np.min(lows, axis=0), np.max(highs, axis=0)
