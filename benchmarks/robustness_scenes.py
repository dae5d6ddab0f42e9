"""Scenes for the robustness experiments: what moves, how far and when is set by hand; what spoils the data, too.

Rendered as training clips are (visible surfaces only, exact flow), then spoilt by one known effect at a time. Base case
unless an experiment says otherwise: one joint, 30 deg or 20 cm of steady motion, 2 mm of depth noise, all else exact.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.geometry.meshes import join_meshes, make_box
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, make_transform
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import sample_point_video
from sim2art.simulate.camera_paths import CameraConfig, sample_camera_path
from sim2art.simulate.hands import sample_hand
from sim2art.simulate.rooms import sample_room
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.seeds import named_rng, rounded
from sim2art.simulate.stage import render_stage
from sim2art.simulate.truth import derive_truth

Profile = Literal["steady", "pause", "reversal", "late", "jerk"]
NUM_FRAMES = 16
IMAGE = 256


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What happens before the camera."""

    kind: JointType = JointType.REVOLUTE
    amount: float = np.deg2rad(30.0)
    """rad or m that each moving part travels."""
    num_parts: int = 1
    """Moving parts: doors or drawers of one cabinet front, as `kind` says. Several move one after another."""
    num_columns: int = 2
    num_rows: int = 2
    profile: Profile = "steady"
    has_hand: bool = False
    seed: int = 0
    """Of sizes, camera, room and points."""


@dataclass(frozen=True, kw_only=True)
class Spoilage:
    """What is wrong with the data."""

    noise: float = 0.002
    """Depth noise of each point and of where its flow ends, m."""
    flicker: float = 0.0
    """Depth scale of each frame, standard deviation."""
    scale_bias: float = 0.0
    """Depth scale of the whole clip, off by this share."""
    tilt: float = 0.0
    """Depth ramp across the image of each frame, standard deviation (share of the depth at the image's edge)."""
    drift: float = 0.0
    """Camera pose error at the last frame: this many metres, and as many rad at half of it."""
    wrong_flow: float = 0.0
    """Share of flow vectors that end at some other place."""


def make_cabinet(scene: Scene, rng: np.random.Generator) -> ArticulatedObject:
    """A cabinet whose front is a grid of doors or drawers; front towards -y, z up (m)."""
    cell = rng.uniform(0.34, 0.46, 2) * min(1.0, 2.4 / max(scene.num_columns, scene.num_rows))
    width, height = cell[0] * scene.num_columns, cell[1] * scene.num_rows
    depth, gap, thick = 0.45, 0.012, 0.02
    # Walls and shelves rather than a block: behind an open door there is a hollow.
    boxes = [make_box(np.array([width, 0.02, height]), np.array([0.0, 0.5 * depth, 0.5 * height]))]
    for column in range(scene.num_columns + 1):
        boxes.append(make_box(np.array([0.02, depth, height]), np.array([column * cell[0] - width / 2, 0.0, 0.5 * height])))  # fmt: skip
    for row in range(scene.num_rows + 1):
        boxes.append(make_box(np.array([width, depth, 0.02]), np.array([0.0, 0.0, row * cell[1]])))
    links = [Link(name="body", mesh=join_meshes(boxes))]
    joints = []
    for row in range(scene.num_rows):
        for column in range(scene.num_columns):
            name = f"front_{row}_{column}"
            center = np.array([(column + 0.5) * cell[0] - width / 2, -0.5 * depth - thick, (row + 0.5) * cell[1]])
            meshes = [make_box(np.array([cell[0] - gap, thick, cell[1] - gap]), center)]
            handle = center + np.array([0.38 * cell[0] if scene.kind is JointType.REVOLUTE else 0.0, -0.03, 0.0])
            meshes.append(make_box(np.array([0.02, 0.03, 0.3 * cell[1]]), handle))
            if scene.kind is JointType.REVOLUTE:
                hinge = center + np.array([-0.5 * cell[0], 0.0, 0.0])
                joint = Joint(name=f"hinge_{name}", type=scene.kind, parent="body", child=name, axis=np.array([0.0, 0, -1]), pivot=hinge)  # fmt: skip
            else:
                box = make_box(np.array([cell[0] - 4 * gap, depth - 0.04, 0.6 * cell[1]]), center + [0.0, 0.5 * depth, 0.0])  # fmt: skip
                meshes.append(box)
                joint = Joint(name=f"rail_{name}", type=scene.kind, parent="body", child=name, axis=np.array([0.0, -1.0, 0.0]))  # fmt: skip
            links.append(Link(name=name, mesh=join_meshes(meshes)))
            joints.append(joint)
    return ArticulatedObject(name="cabinet", links=tuple(links), joints=tuple(joints))


def draw_profile(name: Profile) -> Float[np.ndarray, "frame"]:
    """Share of the way at each frame."""
    phase = np.linspace(0.0, 1.0, NUM_FRAMES)
    match name:
        case "steady":
            return phase
        case "pause":
            return np.interp(phase, [0, 0.35, 0.65, 1], [0, 0.5, 0.5, 1])
        case "reversal":
            return 1.0 - np.abs(2 * phase - 1)
        case "late":
            return np.clip((phase - 0.6) / 0.4, 0, 1)
        case "jerk":
            return np.clip((phase - 0.45) / 0.14, 0, 1)


def make_clip(scene: Scene, spoilage: Spoilage, *, num_points: int = 2048) -> Clip:
    """The spoilt clip of a scene, with its exact truth."""
    rng = named_rng(scene.seed, "object")
    cabinet = make_cabinet(scene, rng)
    order = named_rng(scene.seed, "moving").permutation(len(cabinet.joints))[: scene.num_parts]
    values = np.zeros((NUM_FRAMES, len(cabinet.joints)))
    values[:, order] = scene.amount * draw_profile(scene.profile)[:, None]
    if scene.num_parts > 1:
        # Parts that move as one are one: each has its own moment and its own way.
        phase, own = np.linspace(0.0, 1.0, NUM_FRAMES)[:, None], named_rng(scene.seed, "moments")
        starts, shares = own.uniform(0.0, 0.6, scene.num_parts), own.uniform(0.6, 1.0, scene.num_parts)
        values[:, order] = scene.amount * shares * np.clip((phase - starts) / 0.4, 0.0, 1.0)
    trajectory = JointTrajectory(
        joint_names=tuple(joint.name for joint in cabinet.joints), times=np.arange(NUM_FRAMES) / 5.0, values=values
    )
    scenario = _put_on_stage(scene, cabinet, trajectory)
    truth = derive_truth(scenario)
    hand = sample_hand(scenario, truth.part_of_link, named_rng(scene.seed, "hand")) if scene.has_hand else None
    stage = render_stage(scenario, hand)
    masks = (stage.bodies >= 0) & (stage.bodies < stage.num_links)
    masks |= stage.bodies == stage.hand_body
    video = RgbdVideo(
        times=trajectory.times.copy(),
        images=np.zeros((*stage.depths.shape, 3), dtype=np.uint8),
        depths=stage.depths,
        object_masks=masks,
        intrinsics=stage.intrinsics,
        world_from_camera=stage.world_from_camera,
        is_metric=True,
    )
    points = sample_point_video(video, stage.exact_flow(), rng=named_rng(scene.seed, "points"), num_points=num_points)
    pixels = points.pixels.astype(np.int64)
    parts = stage.part_images(truth.part_of_link)[np.arange(NUM_FRAMES)[:, None], pixels[..., 1], pixels[..., 0]]
    return Clip(
        video=spoil(points, spoilage, named_rng(scene.seed, "spoilage")),
        truth=truth.articulated_object,
        part_ids=np.where(points.valid, parts, 0),
        trajectory=truth.trajectory,
        provenance={"family": "cabinet", "seed": scene.seed},
    )


def spoil(points: PointVideo, spoilage: Spoilage, rng: np.random.Generator) -> PointVideo:
    """The points with errors, consistently: flow ends on the later frame's spoilt surface, seen by its spoilt camera."""
    frames = points.num_frames
    scale = 1.0 + spoilage.scale_bias + spoilage.flicker * rng.standard_normal(frames)
    ramp = spoilage.tilt * rng.standard_normal((frames, 2))
    direction = rng.standard_normal((2, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    share = np.linspace(0.0, 1.0, frames)[:, None]
    slip = make_transform(
        rotation_from_rotvec(0.5 * spoilage.drift * share * direction[0]), spoilage.drift * share * direction[1]
    )

    def sense(places: np.ndarray, frame: int) -> np.ndarray:
        """World places as the spoilt sensor of a frame reports them."""
        eye = points.world_from_camera[frame, :3, 3]
        ray = places - eye
        depth = np.linalg.norm(ray, axis=1, keepdims=True)
        in_camera = ray @ points.world_from_camera[frame, :3, :3]
        slant = in_camera[:, :2] / np.maximum(in_camera[:, 2:], 1e-6) / 0.5
        factor = scale[frame] + (slant @ ramp[frame])[:, None]
        noise = spoilage.noise * rng.standard_normal((len(places), 1))
        seen = eye + ray * factor + ray / np.maximum(depth, 1e-6) * noise
        return apply(slip[frame], seen)

    sensed = np.stack([sense(points.points_world[t], t) for t in range(frames)])
    flow = np.zeros_like(points.flow_world)
    for index, baseline in enumerate(points.baselines):
        for t in range(frames - baseline):
            ends = points.points_world[t] + points.flow_world[index, t]
            wrong = rng.random(points.num_points) < spoilage.wrong_flow
            # A wrong match lands on some other seen point within a third of a metre or so.
            others = points.points_world[t + baseline][rng.integers(points.num_points, size=points.num_points)]
            ends = np.where(wrong[:, None], ends + 0.3 * (others - ends), ends)
            flow[index, t] = sense(ends, t + baseline) - sensed[t]
    return dataclasses.replace(
        points,
        points_world=np.where(points.valid[..., None], sensed, 0.0),
        flow_world=np.where(points.flow_valid[..., None], flow, 0.0),
        world_from_camera=slip @ points.world_from_camera,
    )


def _put_on_stage(scene: Scene, cabinet: ArticulatedObject, trajectory: JointTrajectory) -> Scenario:
    motions = rounded(link_motions(cabinet, trajectory.values))
    corners = np.concatenate([link.mesh.vertices for link in cabinet.links if link.mesh is not None])
    low, high = corners.min(axis=0), corners.max(axis=0)
    low = low - np.array([0.0, 0.35, 0.0])  # Room for what opens towards the camera.
    path = sample_camera_path(
        low,
        high,
        phase=np.linspace(0.0, 1.0, NUM_FRAMES),
        width=IMAGE,
        height=IMAGE,
        rng=named_rng(scene.seed, "camera"),
        config=CameraConfig(),
    )
    room = sample_room(low, high, path.stage_from_camera[:, :3, 3], named_rng(scene.seed, "room"), is_enclosed=False)
    return Scenario(
        family="cabinet",
        seed=scene.seed,
        attempt=0,
        articulated_object=cabinet,
        trajectory=trajectory,
        camera_path=path,
        link_motions=motions,
        room=room,
    )
