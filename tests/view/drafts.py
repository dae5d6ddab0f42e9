"""Drafts whose every number is known: the cabinet of `tests.scenes` with points whose flow is exact."""

import dataclasses
from typing import Any

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.meshes import make_box
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo
from sim2art.view.draft import Draft
from tests.scenes import make_scene


def make_draft(*, num_frames: int = 8, num_points: int = 900, **scene_options: Any) -> Draft:
    """The scene with a door and a drawer, its video, and points drawn from its own depth with exact flow."""
    scene = make_scene(num_frames=num_frames, size=(160, 120), **scene_options)
    motions = link_motions(scene.truth, scene.estimate.trajectory.values)
    points, part_ids = _points_of(scene.video, scene.labels, motions, num_points)
    return Draft(
        name="cabinet",
        estimate=dataclasses.replace(
            scene.estimate,
            part_probabilities=np.eye(3)[part_ids],
            status=Status.AMBIGUOUS,
            reasons=("part_2 moved little",),
        ),
        part_names=("base", "part_1", "part_2"),
        meshes=tuple(link.mesh for link in scene.truth.links),
        frame_ids=tuple(range(num_frames)),
        is_metric=True,
        labels=scene.labels,
        video=scene.video,
        points=points,
    )


def make_chain() -> Draft:
    """Three boxes in a row without points or video: base, an arm that turns, a hand that slides on the arm."""
    times = np.linspace(0, 1, 5)
    joints = tuple(
        JointEstimate(joint=joint, type_probabilities={joint.type: 1.0}, confidence=0.8)
        for joint in (
            Joint(name="joint_1", type=JointType.REVOLUTE, parent="base", child="part_1",
                  axis=np.array([0.0, 0, 1]), pivot=np.array([0.5, 0, 0])),
            Joint(name="joint_2", type=JointType.PRISMATIC, parent="part_1", child="part_2", axis=np.array([1.0, 0, 0])),
        )
    )  # fmt: skip
    trajectory = JointTrajectory(
        joint_names=("joint_1", "joint_2"), times=times, values=np.stack([0.8 * times, 0.2 * times], axis=1)
    )
    meshes = [make_box(np.array([1.0, 0.2, 0.2]), np.array([float(x), 0, 0])) for x in range(3)]
    return Draft(
        name="arm",
        estimate=ArticulationEstimate(part_probabilities=np.zeros((5, 0, 3)), joints=joints, trajectory=trajectory),
        part_names=("table", "arm", "hand"),
        meshes=tuple(meshes),
        frame_ids=(0, 1, 2, 3, 4),
        is_metric=True,
    )


def joint_of(draft: Draft, part: int) -> Joint:
    return draft.estimate.joints[part - 1].joint


def world_motion_error(draft: Draft, truth: ArticulatedObject, values: np.ndarray, part: int) -> float:
    """Largest distance (m) between where the draft and the truth take the part's corners, over all frames."""
    mesh = truth.links[part].mesh
    assert mesh is not None
    true_motions = link_motions(truth, values)[:, part]
    ends = apply(draft.motions[:, part], mesh.vertices) - apply(true_motions, mesh.vertices)
    return float(np.linalg.norm(ends, axis=-1).max())


def _points_of(video, labels, motions, num_points) -> tuple[PointVideo, np.ndarray]:
    """Random labelled pixels of each frame; flow at baselines 1 and 3 is that of the true motions."""
    from sim2art.observation.sampling import sample_point_video

    def flow(frame, baseline, pixels, points_world):
        parts = labels[frame][pixels[:, 1], pixels[:, 0]]
        step = motions[frame + baseline] @ inverse(motions[frame])
        moved = apply(step[parts], points_world[:, None])[:, 0]
        return moved - points_world, np.ones(len(points_world), dtype=bool)

    points = sample_point_video(video, flow, rng=np.random.default_rng(0), num_points=num_points, baselines=(1, 3))
    part_ids = np.zeros(points.valid.shape, dtype=int)
    pixels = points.pixels.astype(int)
    for frame in range(points.num_frames):
        part_ids[frame] = labels[frame][pixels[frame, :, 1], pixels[frame, :, 0]]
    part_ids[~points.valid] = 0
    return points, part_ids
