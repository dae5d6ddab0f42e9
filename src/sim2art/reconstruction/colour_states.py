"""The joint values of every frame of a colour video: where flow from the used frames on either side puts each part.

Guessed depth trembles by more than parts move between frames, so a frame's own depth says nothing. But the used frames have
surfaces that fit their joints, and each joint leaves one unknown a frame: the value that carries those surfaces to where the
frame shows them. All values of a grid are tried, and the best path through the frames is taken (Viterbi). Scale and axis are
those of the joint; what is told here is how far it is between the values of the used frames, and beyond them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.flow_noise import OUTLIER
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.perception.captures.capture import ColorCapture
from sim2art.perception.guessed.image_joint_fit import SHARED
from sim2art.perception.guessed.image_motions import measure_shift
from sim2art.perception.guessed.reprojection import motion_costs
from sim2art.reconstruction.part_flow import Look, PartPoints, draw_points, follow_points
from sim2art.states.calibration import GUESSED_DEPTH_NOISE
from sim2art.states.frame_stack import interpolate_poses
from sim2art.states.paths import best_path, marginals, step_cost
from sim2art.states.recording_states import searched_positions, spread

_MIN_POINTS = 8
"""Whose flow must be known, for a frame to show a part."""
_MAX_VALUES = 241
_REACH = 0.5
"""Of the range of the used frames, that is tried beyond it."""
_NEAR = 2
"""Grid values on either side of the best one, among which the value lies."""


def find_colour_states(
    recording: ColorCapture,
    video: RgbdVideo,
    used: Int[np.ndarray, "used"],
    known: Int[np.ndarray, "known"],
    world_from_camera: Float[np.ndarray, "known 4 4"],
    estimate: ArticulationEstimate,
    labels: UInt8[np.ndarray, "used height width"],
) -> FrameStates:
    """The joint values of every frame; those of the used frames stay as they are.

    Args:
        recording: All frames.
        video: The used ones, with guessed depth; world is the first used camera.
        used: Their positions in the recording.
        known: Positions of the frames whose camera is known, increasing, the used ones among them.
        world_from_camera: Of those, in the same world.
        estimate: What was found in the used frames.
        labels: Part of each pixel of the used frames.

    Returns:
        Values in rad, or in the unit of the guessed depth.
    """
    positions = searched_positions(known, used)
    poses = interpolate_poses(known, world_from_camera, positions)
    used = np.searchsorted(positions, used)
    times = np.asarray(recording.times, np.float64)
    rng = np.random.default_rng(0)
    points = [draw_points(*frame, video.intrinsics, rng) for frame in zip(labels, video.depths, strict=True)]
    looks = follow_points(lambda frame: recording.read_image(int(positions[frame])), video, poses, used, points)
    tree = assemble_object(estimate, [None] * (len(estimate.joints) + 1))
    tracked = estimate.trajectory.values
    values = np.stack([np.interp(times[positions], times[positions[used]], column) for column in tracked.T], axis=1)
    sigmas, visible, followed = np.zeros(values.shape), np.zeros(values.shape, bool), [True] * values.shape[1]
    for index in tree.joint_order:
        parents = link_motions(tree, values)[:, tree.link_index(tree.joints[index].parent)]
        search = _Search(tree.joints[index], inverse(poses) @ parents, video.intrinsics, times[positions], used)
        found = search.run(index + 1, points, looks, tracked[:, index])
        values[:, index], sigmas[:, index], visible[:, index] = found
        followed[index] = bool(visible[:, index].mean() >= 0.5)
        if not followed[index]:
            values[:, index] = np.interp(times[positions], times[positions[used]], tracked[:, index])
            sigmas[:, index] = max(float(np.ptp(tracked[:, index])), 1e-3)
    states = FrameStates(
        frame_ids=tuple(int(recording.frame_ids[index]) for index in positions), times=times[positions], values=values,
        sigmas=GUESSED_DEPTH_NOISE.sigmas(sigmas, values), visible=visible, followed=tuple(followed),
    )  # fmt: skip
    every = np.arange(known[0], known[-1] + 1)
    return spread(states, [int(recording.frame_ids[index]) for index in every], times[every])


class _Search:
    """The values of one joint, with its parents' known."""

    def __init__(
        self, joint: Joint, camera_from_parent: Float[np.ndarray, "frame 4 4"], intrinsics: Float[np.ndarray, "3 3"],
        times: Float[np.ndarray, "frame"], used: Int[np.ndarray, "used"],
    ) -> None:  # fmt: skip
        self.joint, self.camera_from_parent, self.intrinsics = joint, camera_from_parent, intrinsics
        self.times, self.used = times, used

    def run(
        self, part: int, points: Sequence[PartPoints], looks: list[list[Look]], tracked: Float[np.ndarray, "used"]
    ) -> tuple[Float[np.ndarray, "frame"], Float[np.ndarray, "frame"], Bool[np.ndarray, "frame"]]:
        """Value, sigma, and whether the part is seen, of each frame; the used ones keep their values."""
        spacing, grid = self._values_to_try(part, points, tracked)
        costs, visible = np.zeros((len(looks), len(grid))), np.zeros(len(looks), bool)
        for frame, own in enumerate(looks):
            for look in own:
                source = points[look.used]
                chosen = look.known & (source.part == part)
                if chosen.sum() >= _MIN_POINTS:
                    visible[frame] = True
                    costs[frame] += self._costs(frame, look, chosen, source.camera[chosen], grid - tracked[look.used])
        visible[self.used] = [bool((one.part == part).sum() >= _MIN_POINTS) for one in points]
        costs[self.used] = 0.5 * ((grid - tracked[:, None]) / (0.5 * spacing)) ** 2
        transitions = [
            step_cost(grid[None] - grid[:, None], float(seconds), self.joint.type, spacing=spacing)
            for seconds in np.diff(self.times)
        ]
        path = best_path(costs, transitions)
        mass = marginals(costs, transitions)
        near = mass * (np.abs(np.arange(len(grid)) - path[:, None]) <= _NEAR)
        values = near @ grid / np.maximum(near.sum(axis=1), 1e-300)
        sigmas = np.sqrt((mass * (grid - values[:, None]) ** 2).sum(axis=1) + spacing**2 / 12)
        values[self.used] = tracked
        return values, sigmas, visible

    def _costs(
        self, frame: int, look: Look, chosen: Bool[np.ndarray, "point"], points: Float[np.ndarray, "seen 3"],
        changes: Float[np.ndarray, "value"],
    ) -> Float[np.ndarray, "value"]:  # fmt: skip
        """What each change of the value since a used frame costs, by its chosen points; nats."""
        back = inverse(self.camera_from_parent[self.used[look.used]])
        motions = self.camera_from_parent[frame] @ self.joint.transform(changes) @ back
        targets, slip = look.targets[chosen], look.slip[chosen]
        shift = measure_shift(points, targets, self.camera_from_parent[frame] @ back, self.intrinsics)
        told = motion_costs(motions, points, targets, shift, slip, self.intrinsics)
        return 0.5 * np.minimum(told, OUTLIER).sum(axis=1) / SHARED

    def _values_to_try(
        self, part: int, points: Sequence[PartPoints], tracked: Float[np.ndarray, "used"]
    ) -> tuple[float, Float[np.ndarray, "value"]]:
        """Spacing and values: so fine that the part's outer points move by about a pixel."""
        seen = np.concatenate([
            apply(inverse(self.camera_from_parent[self.used[place]] @ self.joint.transform(tracked[place])), one.camera[one.part == part])
            for place, one in enumerate(points)
        ])  # fmt: skip
        depth = np.concatenate([one.camera[one.part == part, 2] for one in points])
        low, high = float(tracked.min()), float(tracked.max())
        reach = _REACH * max(high - low, 1e-3)
        spacing = float(np.median(depth)) / self.intrinsics[0, 0] if len(depth) else high - low
        if self.joint.type is JointType.REVOLUTE and len(depth):
            arms = np.linalg.norm(np.cross(seen - self.joint.pivot, self.joint.axis), axis=1)
            spacing /= max(float(np.quantile(arms, 0.8)), 1e-6)
        spacing = max(spacing, (high - low + 2 * reach) / (_MAX_VALUES - 1))
        return spacing, np.arange(low - reach, high + reach + spacing, spacing)
