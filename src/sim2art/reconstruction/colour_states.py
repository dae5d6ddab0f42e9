"""The joint values of every frame of a colour video: where flow from the used frames on either side puts each part.

Guessed depth trembles by more than parts move between frames, so a frame's own depth says nothing. But the used frames have
surfaces that fit their joints, and each joint leaves one unknown a frame: the value that carries those surfaces to where the
frame shows them. All values of a grid are tried, and the best path through the frames is taken (Viterbi). Scale and axis are
those of the joint; what is told here is how far it is between the values of the used frames, and beyond them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.errors import InvalidFileError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.flow_noise import OUTLIER
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.perception.captures.capture import ColorCapture
from sim2art.perception.flow.camera_flow import camera_flow
from sim2art.perception.flow.dis import DisFlow, map_in_threads
from sim2art.perception.flow.lifted_flow import judge_flow, mismatch, pick_flow, texture_masks
from sim2art.perception.flow.texture import measure_slip
from sim2art.perception.guessed.image_joint_fit import SHARED
from sim2art.perception.guessed.image_motions import measure_shift
from sim2art.perception.guessed.reprojection import motion_costs
from sim2art.states.frame_stack import interpolate_poses
from sim2art.states.paths import best_path, marginals, step_cost
from sim2art.states.recording_states import searched_positions, spread

_WIDTH = 320
"""px, of the images that flow is measured in."""
_NUM_POINTS = 150
"""Of a part in a used frame."""
_MIN_POINTS = 8
"""Whose flow must be known, for a frame to show a part."""
_MAX_VALUES = 241
_REACH = 0.5
"""Of the range of the used frames, that is tried beyond it."""
_NEAR = 2
"""Grid values on either side of the best one, among which the value lies."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Where one frame shows the points of a used frame."""

    used: int
    targets: Float[np.ndarray, "point 2"]
    """px."""
    slip: Float[np.ndarray, "point 2"]
    """How much less sure they are along edges (`measure_slip`)."""
    known: Bool[np.ndarray, "point"]
    """Whether flow is to be believed (`judge_flow`)."""


@dataclass(frozen=True, kw_only=True)
class _Points:
    """Points of all parts in a used frame."""

    pixels: Int[np.ndarray, "point 2"]
    part: Int[np.ndarray, "point"]
    camera: Float[np.ndarray, "point 3"]
    """Camera frame."""


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
        Values in rad, or in the unit of the guessed depth. Sigmas are of a value's place among those of the used frames; the
        errors of the joint itself come on top.
    """
    positions = searched_positions(known, used)
    poses = interpolate_poses(known, world_from_camera, positions)
    used = np.searchsorted(positions, used)
    times = np.asarray(recording.times, np.float64)
    rng = np.random.default_rng(0)
    points = [_draw_points(*frame, video.intrinsics, rng) for frame in zip(labels, video.depths, strict=True)]
    looks = _follow_points(lambda frame: recording.read_image(int(positions[frame])), video, poses, used, points)
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
        sigmas=sigmas, visible=visible, followed=tuple(followed),
    )  # fmt: skip
    every = np.arange(known[0], known[-1] + 1)
    return spread(states, [int(recording.frame_ids[index]) for index in every], times[every])


def _draw_points(
    labels: UInt8[np.ndarray, "height width"],
    depth: Float[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    rng: np.random.Generator,
) -> _Points:
    chosen = []
    for part in range(1, int(labels.max(initial=0, where=labels < 255)) + 1):
        places = np.flatnonzero((labels == part) & (depth > 0))
        chosen.append(rng.permutation(places)[:_NUM_POINTS])
    flat = np.concatenate([np.zeros(0, np.int64), *chosen])
    pixels = np.stack([flat % labels.shape[1], flat // labels.shape[1]], axis=1)
    camera = unproject(intrinsics, pixels.astype(np.float64), depth.ravel()[flat].astype(np.float64))
    return _Points(pixels=pixels, part=labels.ravel()[flat].astype(np.int64), camera=camera)


def _follow_points(
    read: Callable[[int], UInt8[np.ndarray, "height width 3"]], video: RgbdVideo, poses: Float[np.ndarray, "frame 4 4"],
    used: Int[np.ndarray, "used"], points: Sequence[_Points],
) -> list[list[_Look]]:  # fmt: skip
    """What each frame shows of the used frames before and after it."""
    height, width = video.depths.shape[1:]
    factor = min(1.0, _WIDTH / width)
    size = (round(factor * width), round(factor * height))
    scale = np.array([[factor, 1.0, factor], [1.0, factor, factor], [1.0, 1.0, 1.0]])
    intrinsics, ends = scale * video.intrinsics, [-1, *used.tolist(), len(poses)]
    dis = DisFlow()

    def small(frame: int) -> UInt8[np.ndarray, "height width"]:
        try:
            gray = cv2.cvtColor(read(frame), cv2.COLOR_RGB2GRAY)
        except InvalidFileError:  # It was counted when the recording was taken in; nothing is seen in it.
            return np.zeros(size[::-1], np.uint8)
        return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))

    def follow(place: int) -> list[tuple[int, _Look]]:
        """From one used frame to the next ones on both sides, away from it."""
        own = points[place]
        if not len(own.part):
            return []
        start, found = int(used[place]), []
        x, y = (factor * own.pixels.T).astype(np.int64)
        first, depth = (
            small(start),
            cv2.resize(video.depths[place].astype(np.float32), size, interpolation=cv2.INTER_NEAREST),
        )
        textures, slip = texture_masks(first), measure_slip(first)[y, x].astype(np.float64)
        for frames in (range(start + 1, ends[place + 2]), range(start - 1, ends[place], -1)):
            there = back = None
            for frame in frames:
                gray, still = small(frame), camera_flow(depth, intrinsics, poses[start], poses[frame])[0]
                there, back = dis(first, gray, there), dis(gray, first, back)
                flow = judge_flow(*pick_flow([(there, back)]), still, first, gray, textures)
                # What looks no more like the patch than a blank one does is something else: a hand, or a lost frame.
                seen = mismatch(first, gray, flow.flow) < mismatch(first, np.zeros_like(first), flow.flow)
                targets = own.pixels + flow.flow[y, x].astype(np.float64) / factor
                found.append(
                    (frame, _Look(used=place, targets=targets, slip=slip, known=(flow.confident & seen)[y, x]))
                )
        return found

    looks: list[list[_Look]] = [[] for _ in poses]
    for found in map_in_threads(follow, list(range(len(used)))):
        for frame, look in found:
            looks[frame].append(look)
    return looks


class _Search:
    """The values of one joint, with its parents' known."""

    def __init__(
        self, joint: Joint, camera_from_parent: Float[np.ndarray, "frame 4 4"], intrinsics: Float[np.ndarray, "3 3"],
        times: Float[np.ndarray, "frame"], used: Int[np.ndarray, "used"],
    ) -> None:  # fmt: skip
        self.joint, self.camera_from_parent, self.intrinsics = joint, camera_from_parent, intrinsics
        self.times, self.used = times, used

    def run(
        self, part: int, points: Sequence[_Points], looks: list[list[_Look]], tracked: Float[np.ndarray, "used"]
    ) -> tuple[Float[np.ndarray, "frame"], Float[np.ndarray, "frame"], Bool[np.ndarray, "frame"]]:
        """Value, sigma, and whether the part is seen, of each frame; the used ones keep their values."""
        spacing, grid = self._values_to_try(part, points, tracked)
        costs, visible = np.zeros((len(looks), len(grid))), np.zeros(len(looks), bool)
        for frame, own in enumerate(looks):
            for look in own:
                source = points[look.used]
                chosen = look.known & (source.part == part)
                if chosen.sum() >= _MIN_POINTS:
                    costs[frame] += self._costs(
                        frame,
                        look.used,
                        tracked[look.used],
                        grid,
                        source.camera[chosen],
                        look.targets[chosen],
                        look.slip[chosen],
                    )
                    visible[frame] = True
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
        self, frame: int, place: int, value: float, grid: Float[np.ndarray, "value"],
        points: Float[np.ndarray, "point 3"], targets: Float[np.ndarray, "point 2"],
        slip: Float[np.ndarray, "point 2"],
    ) -> Float[np.ndarray, "value"]:  # fmt: skip
        """What each value costs in a frame, by points of a used one; nats."""
        back = inverse(self.camera_from_parent[self.used[place]])
        motions = self.camera_from_parent[frame] @ self.joint.transform(grid - value) @ back
        still = self.camera_from_parent[frame] @ back
        shift = measure_shift(points, targets, still, self.intrinsics)
        told = motion_costs(motions, points, targets, shift, slip, self.intrinsics)
        return 0.5 * np.minimum(told, OUTLIER).sum(axis=1) / SHARED

    def _values_to_try(
        self, part: int, points: Sequence[_Points], tracked: Float[np.ndarray, "used"]
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
