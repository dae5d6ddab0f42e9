"""A small cabinet with a door and a drawer, rendered from a moving camera: input and truth for export and view tests."""

from dataclasses import dataclass

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.assembly import part_color
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions, rebased
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box
from sim2art.geometry.rasterizer import collect_bodies, render_frames
from sim2art.geometry.transforms import apply, inverse, look_at
from sim2art.observation.rgbd_video import RgbdVideo


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What was seen, and the truth."""

    video: RgbdVideo
    labels: np.ndarray
    estimate: ArticulationEstimate
    truth: ArticulatedObject


def make_cabinet() -> ArticulatedObject:
    """A cabinet 0.6 x 0.8 x 0.4 m (x right, y down, z away) whose front is at z = 1.3: left door, lower drawer."""
    wall = 0.02

    def box(low, high, color) -> TriangleMesh:
        low, high = np.array(low, dtype=float), np.array(high, dtype=float)
        mesh = make_box(high - low, (low + high) / 2)
        return TriangleMesh(vertices=mesh.vertices, faces=mesh.faces, colors=np.tile(np.uint8(color), (12, 1)))

    wood, paint, metal, floor = (150, 110, 70), (225, 222, 210), (90, 95, 105), (120, 125, 120)
    base = [
        box((-0.3, -0.4, 1.3), (-0.3 + wall, 0.4, 1.7), wood),
        box((0.3 - wall, -0.4, 1.3), (0.3, 0.4, 1.7), wood),
        box((-0.3, -0.4, 1.3), (0.3, -0.4 + wall, 1.7), wood),
        box((-0.3, 0.4 - wall, 1.3), (0.3, 0.4, 1.7), wood),
        box((-0.3, 0.1, 1.3), (0.3, 0.1 + wall, 1.7), wood),
        box((-0.3, -0.4, 1.7 - wall), (0.3, 0.4, 1.7), wood),
        box((-0.9, 0.4, 0.7), (0.9, 0.42, 2.1), floor),
    ]
    door = [
        box((-0.28, -0.38, 1.28), (0.28, 0.09, 1.3), paint),
        box((0.2, -0.2, 1.25), (0.22, -0.1, 1.28), metal),
    ]
    drawer = [
        box((-0.28, 0.13, 1.28), (0.28, 0.37, 1.3), paint),
        box((-0.26, 0.33, 1.3), (0.26, 0.35, 1.66), wood),
        box((-0.26, 0.16, 1.3), (-0.24, 0.33, 1.66), wood),
        box((0.24, 0.16, 1.3), (0.26, 0.33, 1.66), wood),
        box((-0.08, 0.2, 1.25), (0.08, 0.22, 1.28), metal),
    ]
    links = tuple(
        Link(name=name, mesh=join_meshes(boxes), color=part_color(index))
        for index, (name, boxes) in enumerate([("base", base), ("part_1", door), ("part_2", drawer)])
    )
    joints = (
        Joint(
            name="joint_1", type=JointType.REVOLUTE, parent="base", child="part_1",
            axis=np.array([0.0, 1.0, 0.0]), pivot=np.array([-0.28, 0.0, 1.29]),
        ),
        Joint(name="joint_2", type=JointType.PRISMATIC, parent="base", child="part_2", axis=np.array([0.0, 0.0, -1.0])),
    )  # fmt: skip
    return ArticulatedObject(name="cabinet", links=links, joints=joints)


def make_scene(
    *,
    num_frames: int = 16,
    size: tuple[int, int] = (320, 240),
    noise: float = 0.002,
    seed: int = 0,
    start: tuple[float, float] = (0.0, 0.0),
    travel: tuple[float, float] = (1.5, 0.25),
    eye: tuple[float, float, float] = (0.0, -0.45, 0.05),
) -> Scene:
    """The cabinet opening in front of a camera that moves to the right and up; depth noise (m) grows with depth squared.

    Args:
        num_frames: Of the video.
        size: Width and height, px.
        noise: m, at 1 m.
        seed: Of the noise.
        start: How far door (rad) and drawer (m) are open at first; that is the rest pose of what comes back.
        travel: How far they open from there.
        eye: Where the camera begins, in the cabinet's frame, m.
    """
    truth = rebased(make_cabinet(), np.array(start))
    width, height = size
    rng = np.random.default_rng(seed)
    intrinsics = intrinsics_from_fov(width, height, np.deg2rad(60))
    phase = np.linspace(0, 1, num_frames)
    opening = np.stack([np.clip(1.6 * phase, 0, 1), np.clip(1.6 * phase - 0.6, 0, 1)], axis=1)
    values = np.array(travel) * opening
    trajectory = JointTrajectory(joint_names=("joint_1", "joint_2"), times=phase * 3.0, values=values)
    poses = []
    for t in phase:
        place = np.array(eye) + np.array([0.25 * np.sin(2.5 * t), -0.1 * t, 0.0])
        poses.append(look_at(place, np.array([0.0, 0.0, 1.45]), np.array([0.0, -1.0, 0.0])))
    # World is the first camera's frame, as for a real video.
    first = inverse(poses[0])
    world_from_camera = first @ np.stack(poses)
    truth = truth.moved(first)
    motions = link_motions(truth, values)
    meshes = [link.mesh for link in truth.links if link.mesh is not None]
    faces = join_meshes(meshes).faces
    face_part = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes])
    face_colors = np.concatenate([mesh.colors for mesh in meshes if mesh.colors is not None])
    depths, images, labels = [], [], []
    for frame in range(num_frames):
        vertices = np.concatenate(
            [
                apply(inverse(world_from_camera[frame]) @ motion, mesh.vertices)
                for motion, mesh in zip(motions[frame], meshes, strict=True)
            ]
        )
        bodies = collect_bodies([TriangleMesh(vertices=vertices, faces=faces)])
        raster = render_frames(bodies, np.eye(4)[None, None], intrinsics, width=width, height=height)
        face_ids, true_depth = raster.face_ids[0], raster.depths[0].astype(np.float64)
        hit = face_ids >= 0
        depth = true_depth + noise * true_depth**2 * rng.standard_normal(true_depth.shape)
        depths.append(np.where(hit, depth, 0.0))
        a, b, c = (vertices[faces[:, i]] for i in range(3))
        normals = np.cross(b - a, c - a)
        lit = 0.6 + 0.4 * np.abs(normals[:, 2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
        image = np.where(hit[..., None], (face_colors * lit[:, None])[face_ids], 235.0)
        images.append(np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8))
        labels.append(np.where(hit, face_part[face_ids], 255).astype(np.uint8))
    video = RgbdVideo(
        times=trajectory.times.copy(),
        images=np.stack(images),
        depths=np.stack(depths),
        object_masks=np.ones((num_frames, height, width), dtype=bool),
        intrinsics=intrinsics,
        world_from_camera=world_from_camera,
        is_metric=True,
    )
    estimate = ArticulationEstimate(
        part_probabilities=np.full((num_frames, 4, 3), 1 / 3),
        joints=tuple(
            JointEstimate(
                joint=joint,
                type_probabilities={JointType.REVOLUTE: p, JointType.PRISMATIC: 1 - p},
                confidence=c,
                axis_sigma=0.012,
                pivot_sigma=0.004 if joint.type is JointType.REVOLUTE else None,
            )
            for joint, p, c in zip(truth.joints, (0.97, 0.08), (0.93, 0.71), strict=True)
        ),
        trajectory=trajectory,
    )
    return Scene(video=video, labels=np.stack(labels), estimate=estimate, truth=truth)
