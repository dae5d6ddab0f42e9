"""A clip whose every number is known: a cabinet with a hinged door and a drawer, seen as random surface points."""

import dataclasses

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

DOOR_AXIS = np.array([0.0, 0.0, 1.0])
DOOR_PIVOT = np.array([0.5, 0.0, 0.0])
DRAWER_AXIS = np.array([0.0, -1.0, 0.0])


def make_cabinet() -> ArticulatedObject:
    """Door: hinge along z at x = 0.5 m. Drawer: slides along -y."""
    return ArticulatedObject(
        name="cabinet",
        links=(Link(name="body"), Link(name="door"), Link(name="drawer")),
        joints=(
            Joint(name="hinge", type=JointType.REVOLUTE, parent="body", child="door", axis=DOOR_AXIS, pivot=DOOR_PIVOT),
            Joint(name="slide", type=JointType.PRISMATIC, parent="body", child="drawer", axis=DRAWER_AXIS),
        ),
    )


def make_clip(*, num_frames: int = 6, num_points: int = 300, seed: int = 0) -> Clip:
    """Points: a third each of body (cube), door (x 0..0.5, z 0..1) and drawer front (x -0.5..0, z 0..1)."""
    rng = np.random.default_rng(seed)
    cabinet = make_cabinet()
    times = np.arange(num_frames) / 10
    values = np.stack([np.linspace(0, np.pi / 2, num_frames), np.linspace(0, 0.3, num_frames)], axis=1)
    motions = link_motions(cabinet, values)
    part_ids = np.broadcast_to(np.arange(num_points) % 3, (num_frames, num_points)).copy()
    low = np.array([[-0.5, 0.1, 0.0], [0.0, 0.0, 0.0], [-0.5, 0.0, 0.0]])
    high = np.array([[0.5, 0.6, 1.0], [0.5, 0.0, 1.0], [0.0, 0.0, 1.0]])
    rest = rng.uniform(low[part_ids], high[part_ids])
    points = np.stack([np.stack([apply(motions[t, part_ids[t, i]], rest[t, i : i + 1])[0] for i in range(num_points)]) for t in range(num_frames)])  # fmt: skip
    flow = np.zeros((1, num_frames, num_points, 3))
    for t in range(num_frames - 1):
        step = motions[t + 1] @ inverse(motions[t])
        flow[0, t] = (
            np.einsum("pij,pj->pi", step[part_ids[t], :3, :3], points[t]) + step[part_ids[t], :3, 3] - points[t]
        )
    valid = np.ones((num_frames, num_points), dtype=bool)
    flow_valid = valid[None].copy()
    flow_valid[0, -1] = False
    video = PointVideo(
        times=times,
        points_world=points,
        valid=valid,
        baselines=(1,),
        flow_world=flow,
        flow_valid=flow_valid,
        world_from_camera=np.broadcast_to(np.eye(4), (num_frames, 4, 4)).copy(),
        pixels=np.zeros((num_frames, num_points, 2)),
        is_metric=True,
    )
    trajectory = JointTrajectory(joint_names=("hinge", "slide"), times=times.copy(), values=values)
    return Clip(
        video=video,
        truth=cabinet,
        part_ids=part_ids,
        trajectory=trajectory,
        provenance={"family": "cabinet", "seed": seed},
    )


def one_hot(part_ids: np.ndarray, num_parts: int) -> np.ndarray:
    """Certain part probabilities."""
    return np.eye(num_parts)[part_ids]


def truth_as_estimate(clip: Clip, *, confidence: float = 0.9) -> ArticulationEstimate:
    """The answer of a method that knows everything."""
    names = {link.name: part_name(index) for index, link in enumerate(clip.truth.links)}
    joints = tuple(
        JointEstimate(
            joint=dataclasses.replace(
                joint, name=f"joint_{i + 1}", parent=names[joint.parent], child=names[joint.child]
            ),
            type_probabilities={joint.type: 1.0},
            confidence=confidence,
        )
        for i, joint in enumerate(clip.truth.joints)
    )
    trajectory = JointTrajectory(
        joint_names=tuple(answer.joint.name for answer in joints),
        times=clip.trajectory.times.copy(),
        values=clip.trajectory.values.copy(),
    )
    return ArticulationEstimate(
        part_probabilities=one_hot(clip.part_ids, len(clip.truth.links)), joints=joints, trajectory=trajectory
    )


def with_joint(estimate: ArticulationEstimate, index: int, joint: Joint, *, sign: float = 1.0) -> ArticulationEstimate:
    """The estimate with one joint replaced, and its values multiplied by `sign`."""
    answers = list(estimate.joints)
    answers[index] = dataclasses.replace(answers[index], joint=joint)
    values = estimate.trajectory.values.copy()
    values[:, index] *= sign
    trajectory = dataclasses.replace(estimate.trajectory, values=values)
    return dataclasses.replace(estimate, joints=tuple(answers), trajectory=trajectory)
