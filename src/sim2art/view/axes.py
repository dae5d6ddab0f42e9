"""Where to draw a joint: its axis cut to the part, with a ring or an arrow, and the room in which it may lie."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.cameras import unproject
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rotations import any_perpendicular
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.rgbd_video import RgbdVideo


@dataclass(frozen=True, kw_only=True)
class AxisMark:
    """A joint as lines in the rest pose, world frame, m. They move with the joint's parent link."""

    segment: Float[np.ndarray, "2 3"]
    """The axis, in the direction of positive motion."""
    ring: Float[np.ndarray, "corner 3"] | None
    """An open circle about a revolute axis that runs with a positive turn; None for a slide."""
    parent: int
    """Part that the axis is fixed to."""


def mark_axes(
    video: RgbdVideo, labels: UInt8[np.ndarray, "frame height width"], estimate: ArticulationEstimate
) -> tuple[AxisMark | None, ...]:
    """One mark per joint; None for a fixed joint or a part that no labelled depth shows."""
    skeleton = assemble_object(estimate, [None] * (len(estimate.joints) + 1))
    motions = link_motions(skeleton, estimate.trajectory.values)
    marks: list[AxisMark | None] = []
    for index, joint_estimate in enumerate(estimate.joints):
        joint = joint_estimate.joint
        points = _rest_points(video, labels, motions, index + 1)
        if joint.type is JointType.FIXED or len(points) < 10:
            marks.append(None)
            continue
        travel = estimate.trajectory.values[:, index]
        marks.append(mark_joint(joint, points, travel, skeleton.link_index(joint.parent)))
    return tuple(marks)


def uncertainty_cone(mark: AxisMark, found: JointEstimate) -> TriangleMesh | None:
    """The room in which a joint's axis may lie, as a waisted surface about its mark; None when that is not known.

    A turning axis wanders by its pivot's doubt at the waist and fans out by its direction's; a slide's arrow only fans out.
    The radius of each holds 95 % of the errors, by the law of `articulation.error_law`.
    """
    if found.axis_sigma is None:
        return None
    start, end = mark.segment
    length = float(np.linalg.norm(end - start))
    if length < 1e-9:
        return None
    axis = (end - start) / length
    waist = start if mark.ring is None else (start + end) / 2
    num_sigmas = error_radius(0.95)
    spread = np.tan(min(num_sigmas * found.axis_sigma, np.deg2rad(60.0)))
    along = np.linspace(-np.linalg.norm(waist - start), np.linalg.norm(end - waist), 9)
    radii = num_sigmas * (found.pivot_sigma or 0.0) + np.abs(along) * spread + 1e-4 * length
    first, sides = any_perpendicular(axis), 24
    turn = np.arange(sides)[:, None] * 2 * np.pi / sides
    circle = np.cos(turn) * first + np.sin(turn) * np.cross(axis, first)
    vertices = waist + along[:, None, None] * axis + radii[:, None, None] * circle
    ring, side = np.meshgrid(np.arange(len(along) - 1), np.arange(sides), indexing="ij")
    a, b = ring * sides + side, ring * sides + (side + 1) % sides
    faces = np.concatenate([np.stack([a, b, b + sides], axis=-1), np.stack([a, b + sides, a + sides], axis=-1)])
    return TriangleMesh(vertices=vertices.reshape(-1, 3), faces=faces.reshape(-1, 3))


def _rest_points(video: RgbdVideo, labels: np.ndarray, motions: np.ndarray, part: int) -> np.ndarray:
    """Some of the part's depth pixels, in the rest pose."""
    found = [np.zeros((0, 3))]
    for frame in np.unique(np.linspace(0, len(video.times) - 1, 6).astype(int)):
        rows, columns = np.nonzero((labels[frame] == part) & (video.depths[frame] > 0))
        stride = 1 + len(rows) // 2000
        rows, columns = rows[::stride], columns[::stride]
        depth = np.asarray(video.depths[frame][rows, columns], dtype=np.float64)
        points_camera = unproject(video.intrinsics, np.stack([columns, rows], axis=1).astype(np.float64), depth)
        found.append(apply(inverse(motions[frame, part]) @ video.world_from_camera[frame], points_camera))
    return np.concatenate(found)


def mark_joint(
    joint: Joint, points: Float[np.ndarray, "point 3"], travel: Float[np.ndarray, "frame"], parent: int
) -> AxisMark:
    """The mark of a turning or sliding joint.

    Args:
        joint: Not fixed.
        points: Some of its part's surface in the rest pose, m; one at least.
        travel: Its values, rad or m.
        parent: Part that the axis is fixed to.
    """
    middle = np.median(points, axis=0)
    reach = float(np.linalg.norm(np.percentile(points, 95, axis=0) - np.percentile(points, 5, axis=0)))
    if joint.type is JointType.REVOLUTE:
        assert joint.pivot is not None
        center = nearest_point_on_line(middle, joint.axis, joint.pivot)
        along = (points - center) @ joint.axis
        low, high = np.percentile(along, [3, 97])
        slack = 0.12 * (high - low) + 0.1 * reach
        low, high = low - slack, high + slack
        radius = 0.12 * reach
        first = any_perpendicular(joint.axis)
        second = np.cross(joint.axis, first)
        turn = np.linspace(0, 1.75 * np.pi, 43)[:, None]
        height = low + 0.78 * (high - low)
        ring = center + height * joint.axis + radius * (np.cos(turn) * first + np.sin(turn) * second)
        return AxisMark(segment=center + np.outer([low, high], joint.axis), ring=ring, parent=parent)
    # A slide has no place: it is drawn through the part's middle, as long as the motion or at least easily seen.
    length = max(float(np.ptp(travel)), 0.35 * reach)
    ahead = 1.0 if abs(float(travel.max())) >= abs(float(travel.min())) else -1.0
    ends = [0.0, ahead * length] if ahead > 0 else [ahead * length, 0.0]
    return AxisMark(segment=middle + np.outer(ends, joint.axis), ring=None, parent=parent)
