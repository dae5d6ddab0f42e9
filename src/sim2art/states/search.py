"""One joint through all frames: where its part is in each, with the other joints held."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from sim2art.articulation.joint import Joint, JointType
from sim2art.geometry.transforms import apply, inverse
from sim2art.states.background import camera_of
from sim2art.states.frame_stack import FrameStack
from sim2art.states.growth import Placement, grow
from sim2art.states.likelihood import NoiseModel, place_part
from sim2art.states.part_model import PartModel, SeenSurface, fuse
from sim2art.states.paths import best_path, marginals, smooth_path, step_cost

_FOREIGN = 3.0
"""nats a pixel: a point that is contradicted by more than this on average is not of the part."""
_UNKNOWN = 1e3
"""Sigma (rad or m) of a value of which nothing is known."""
_WELL_SEEN = 0.5
"""Cosine between normal and view above which a surface tells how well a part lies."""
_SAME_SURFACE = 0.05
"""Share of depth; what is farther off is another surface."""
_SHARED = 0.7
"""Share of the depth error of a pixel that all pixels of a part seen at a slant have in common."""
_NUM_POINTS, _NUM_FINE_POINTS = 400, 800
_NUM_SINGLE_POINTS = 150
"""Of what one frame shows."""
_MAX_VALUES = 261
_PIXELS_A_STEP = 2.0
"""The spacing of the values moves the part's outer points by about this much, px ..."""
_REACH = float(np.deg2rad(150.0))
"""... and turns are tried this far beyond what was tracked."""
_PASSES = _REFINEMENTS = 2
_NUM_FINE = 25
_FINE_STEPS = 1.5
"""A value is refined within this many spacings."""
_HELD_MASS = 0.9
"""A value is held when this share of its probability is near it."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a part is looked for in."""

    stack: FrameStack
    depths: Float32[np.ndarray, "frame height width"]
    """Of everything else, m, 0 where it is not known."""
    costs: Float32[np.ndarray, "frame height width"]
    """Of each pixel if it shows that, nats."""
    noise: NoiseModel


@dataclass(frozen=True, kw_only=True)
class JointStates:
    """One joint in all frames."""

    values: Float[np.ndarray, "frame"]
    """rad or m."""
    sigmas: Float[np.ndarray, "frame"]
    held: Bool[np.ndarray, "frame"]
    """Whether a frame leaves no doubt about the value."""
    visible: Bool[np.ndarray, "frame"]
    """Whether the part is in view."""
    gains: Float[np.ndarray, "frame"]
    """How much better the part explains what it covers than anything else, nats (independent readings)."""
    model: PartModel


def follow_joint(
    scene: Scene,
    joint: Joint,
    seen: list[SeenSurface],
    tracked: Float[np.ndarray, "used"],
    parents: Float[np.ndarray, "frame 4 4"],
    *,
    start: Float[np.ndarray, "frame"] | None = None,
) -> JointStates | None:
    """The value of a joint in every frame; None when no used frame shows enough of its part.

    Args:
        joint: In the world, rest pose.
        seen: Its part's surface in each used frame, camera frame.
        tracked: Values at the used frames.
        parents: What carries the joint's parent from rest to its place in each frame.
        start: Values of all frames found before, which then take the place of growing anew.
    """
    stack = scene.stack
    shown = np.array([len(one.areas) >= 12 for one in seen])
    if not shown.any():
        return None
    camera_from_parent = inverse(stack.world_from_camera) @ parents
    rest_from_camera = inverse(camera_from_parent[stack.used])  # Of the parent; the joint's own motion comes on top.
    spacing, values = _values_to_try(stack, joint, seen, rest_from_camera, tracked if start is None else start)
    if start is None:
        placement = _place_used(scene, joint, seen, shown, rest_from_camera, camera_from_parent, tracked, spacing)
        sure = shown & placement.certain
        sure = sure if sure.sum() >= 2 else shown
    else:
        placement = Placement(values=start[stack.used], certain=shown)
        sure = shown
    transitions = [
        step_cost(values[None] - values[:, None], float(seconds), joint.type, spacing=spacing)
        for seconds in np.diff(stack.times)
    ]
    prior = np.zeros((stack.num_frames, len(values)))
    off = (values[None] - placement.values[:, None]) / (2 * spacing)
    # Where a frame does not show the part, tracking has only guessed.
    prior[stack.used[shown]] = np.minimum(0.5 * off[shown] ** 2, 4.0)
    at_used = placement.values
    for attempt in range(_PASSES):
        chosen = np.flatnonzero(sure)
        model = _fuse(joint, seen, chosen, rest_from_camera, at_used, _NUM_POINTS)
        if attempt:
            model = _prune(scene, joint, model, camera_from_parent, path_values)
        if len(model) < 5:
            return None
        slack = _slack(joint, model, spacing)
        if attempt:
            slack = slack + misfit(scene, joint, model, camera_from_parent, path_values) ** 2
        gains, _ = _curves(scene, joint, model, slack, camera_from_parent, values)
        costs = gains + prior
        path = best_path(costs, transitions)
        path_values = values[path]
        mass = marginals(costs, transitions)
        near = np.abs(np.arange(len(values))[None] - path[:, None]) <= 3
        held = (mass * near).sum(axis=1) >= _HELD_MASS
        at_used = path_values[stack.used]
        sure = shown & held[stack.used]
        sure = sure if sure.sum() >= 2 else shown
    mean = mass @ values
    spread = np.sqrt((mass * (values[None] - mean[:, None]) ** 2).sum(axis=1))
    states, coarse = None, path_values
    # A surface fused by values that are refined is sharper, and refines them further.
    for _ in range(_REFINEMENTS):
        fine = _fuse(joint, seen, np.flatnonzero(sure), rest_from_camera, at_used, _NUM_FINE_POINTS)
        fine = _prune(scene, joint, fine, camera_from_parent, path_values)
        if len(fine) < 5:
            break
        states = _refine(scene, joint, fine, camera_from_parent, path_values, spacing, held, (coarse, mean, spread))
        path_values = states.values
        at_used = path_values[stack.used]
    return states


def misfit(
    scene: Scene, joint: Joint, model: PartModel, camera_from_parent: np.ndarray, values: Float[np.ndarray, "frame"]
) -> float:
    """How far (m, across the surface) the part lies off what is measured beyond the error of depth.

    The axis, the part's pixels and its shape err, too. Were that left out, a part that moves far would in the end fit so badly
    that it seemed to be out of view.
    """
    fx, fy, cx, cy = camera_of(scene.stack)
    height, width = scene.stack.depths.shape[1:]
    off, expected = [], []
    for frame, motion in enumerate(camera_from_parent @ joint.transform(values)):
        points, normals = apply(motion, model.points), model.normals @ motion[:3, :3].T
        facing, z = -(normals * points).sum(axis=1) / np.linalg.norm(points, axis=1), np.maximum(points[:, 2], 1e-6)
        x, y = np.rint(fx * points[:, 0] / z + cx).astype(int), np.rint(fy * points[:, 1] / z + cy).astype(int)
        inside = (facing > _WELL_SEEN) & (points[:, 2] > 0.05) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
        x, y, z, facing = x[inside], y[inside], z[inside], facing[inside]
        depth = scene.stack.depths[frame, y, x]
        near = (depth > 0) & (np.abs(depth - z) < _SAME_SURFACE * z)
        off.append((np.abs(depth - z) * facing)[near])
        expected.append(((scene.noise.depth[0] + scene.noise.depth[1] * z**2) * facing)[near])
    if not sum(len(one) for one in off):
        return 0.0
    spread, noise = 1.4826 * np.median(np.concatenate(off)), np.median(np.concatenate(expected))
    return float(np.sqrt(max(spread**2 - noise**2, 0.0)))


def _common_error(
    scene: Scene, joint: Joint, model: PartModel, camera_from_parent: np.ndarray, values: Float[np.ndarray, "frame"]
) -> Float[np.ndarray, "frame"]:
    """What an error of depth that a whole surface shares does to a value: neither more pixels nor more frames take it away."""
    distance = np.array([
        np.median(apply(camera @ motion, model.points)[:, 2])
        for camera, motion in zip(camera_from_parent, joint.transform(values), strict=True)
    ])  # fmt: skip
    sigma = scene.noise.depth[0] + scene.noise.depth[1] * distance**2
    if joint.type is JointType.REVOLUTE:
        arm = float(np.sqrt(np.mean(np.sum(np.cross(joint.axis, model.points - joint.pivot) ** 2, axis=1))))
        return _SHARED * sigma / max(arm, 1e-3)
    return _SHARED * sigma


def _values_to_try(
    stack: FrameStack, joint: Joint, seen: list[SeenSurface], rest_from_camera: np.ndarray, tracked: np.ndarray,
) -> tuple[float, Float[np.ndarray, "value"]]:  # fmt: skip
    """Spacing and values: so fine that the part's outer points move by a few pixels, so wide that a large jump is in it."""
    points = np.concatenate([apply(m, one.points) for m, one in zip(rest_from_camera, seen, strict=True)])
    depth = float(np.median(np.concatenate([one.points[:, 2] for one in seen])))
    pixel = _PIXELS_A_STEP * depth / stack.intrinsics[0, 0]
    low, high = float(tracked.min()), float(tracked.max())
    if joint.type is JointType.REVOLUTE:
        arms = np.linalg.norm(np.cross(points - joint.pivot, joint.axis), axis=1)
        spacing = float(np.clip(pixel / max(float(np.quantile(arms, 0.8)), 1e-3), np.deg2rad(1.0), np.deg2rad(6.0)))
        reach = _REACH
    else:
        along = points @ joint.axis
        spacing = pixel
        reach = max(high - low, float(np.quantile(along, 0.98) - np.quantile(along, 0.02)), 0.15)
    spacing = max(spacing, (high - low + 2 * reach) / (_MAX_VALUES - 1))
    count = int(np.ceil((high - low + 2 * reach) / spacing)) + 1
    return spacing, low - reach + spacing * np.arange(count)


def _place_used(
    scene: Scene, joint: Joint, seen: list[SeenSurface], shown: np.ndarray, rest_from_camera: np.ndarray,
    camera_from_parent: np.ndarray, tracked: np.ndarray, spacing: float,
) -> Placement:  # fmt: skip
    stack = scene.stack
    reach = float(np.ptp(tracked)) + _REACH if joint.type is JointType.REVOLUTE else 2.0 * max(np.ptp(tracked), 0.15)
    count = int(np.ceil(min(reach, np.pi if joint.type is JointType.REVOLUTE else np.inf) / spacing))
    differences = spacing * np.arange(-count, count + 1)
    pairs = np.zeros((len(seen), len(seen), len(differences)))
    for one in np.flatnonzero(shown):
        model = fuse([seen[one]], rest_from_camera[one][None], num_points=_NUM_SINGLE_POINTS)
        if len(model) < 5:
            continue
        slack = _slack(joint, model, spacing)
        # The surface stands in the pose of its own frame: differences turn it about the same axis.
        gains, _ = _curves(scene, joint, model, slack, camera_from_parent[stack.used], differences, frames=stack.used)
        pairs[one] = gains
    return grow(pairs, spacing, tracked, stack.times[stack.used], joint.type)


def _fuse(
    joint: Joint,
    seen: list[SeenSurface],
    chosen: np.ndarray,
    rest_from_camera: np.ndarray,
    values: np.ndarray,
    num: int,
) -> PartModel:
    back = joint.transform(-values[chosen])
    return fuse([seen[i] for i in chosen], back @ rest_from_camera[chosen], num_points=num)


def _slack(joint: Joint, model: PartModel, spacing: float) -> Float[np.ndarray, "point"]:
    """Variance of each point's place across its surface, from values that are known to within their spacing only."""
    if joint.type is JointType.REVOLUTE:
        across = (np.cross(joint.axis, model.points - joint.pivot) * model.normals).sum(axis=1)
    else:
        across = model.normals @ joint.axis
    return (across * spacing) ** 2 / 12.0


def _curves(
    scene: Scene, joint: Joint, model: PartModel, slack: np.ndarray, camera_from_parent: np.ndarray,
    values: np.ndarray, *, frames: np.ndarray | None = None,
) -> tuple[Float[np.ndarray, "frame value"], Float[np.ndarray, "frame value"]]:  # fmt: skip
    """Cost of each value in each frame in independent readings, and the pixels that the part would cover.

    `values` are those of all frames, or a row for each.
    """
    stack = scene.stack
    frames = np.arange(stack.num_frames) if frames is None else frames
    camera, noise = camera_of(stack), scene.noise.as_array()
    nothing = np.zeros((0, 2))
    rows = np.broadcast_to(values, (len(frames), values.shape[-1]))
    gains, covered = np.zeros(rows.shape), np.zeros(rows.shape)
    shared = joint.transform(values) if values.ndim == 1 else None
    for index, frame in enumerate(frames):
        motions = joint.transform(rows[index]) if shared is None else shared
        place_part(
            model.points, model.normals, model.colors, model.areas, slack, camera_from_parent[index] @ motions, camera,
            stack.depths[frame], stack.colors[frame], scene.depths[frame], scene.costs[frame], noise, gains[index],
            covered[index], nothing,
        )  # fmt: skip
    pixels = float(np.median(covered.max(axis=1)))
    return gains * (scene.noise.num_readings(pixels) / max(pixels, 1.0)), covered


def _prune(
    scene: Scene, joint: Joint, model: PartModel, camera_from_parent: np.ndarray, values: Float[np.ndarray, "frame"]
) -> PartModel:
    """The points that explain what is seen at the values found no worse than anything else does: the others are not of the part."""
    stack = scene.stack
    by_point = np.zeros((len(model), 2))
    gain, covered = np.zeros(1), np.zeros(1)
    slack = np.zeros(len(model))
    for frame in range(stack.num_frames):
        motion = (camera_from_parent[frame] @ joint.transform(values[frame]))[None]
        place_part(
            model.points, model.normals, model.colors, model.areas, slack, motion, camera_of(stack), stack.depths[frame],
            stack.colors[frame], scene.depths[frame], scene.costs[frame], scene.noise.as_array(), gain, covered, by_point,
        )  # fmt: skip
    return model.kept(by_point[:, 0] <= _FOREIGN * by_point[:, 1])


def _refine(
    scene: Scene, joint: Joint, model: PartModel, camera_from_parent: np.ndarray, path: np.ndarray, spacing: float,
    held: np.ndarray, loose: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> JointStates:  # fmt: skip
    """Values between those tried, their sigmas, and whether the part is in view."""
    stack = scene.stack
    offsets = np.linspace(-_FINE_STEPS, _FINE_STEPS, _NUM_FINE) * spacing
    plain = np.full(len(model), misfit(scene, joint, model, camera_from_parent, path) ** 2)
    told_by_all, shown = _curves(scene, joint, model, plain, camera_from_parent, path[:, None])
    # Which value it is has been settled; where exactly is told by the surface that lies there. What it covers says nothing
    # of that: a model whose rim is missing would turn to the camera to cover more.
    alone = dataclasses.replace(scene, costs=np.zeros_like(scene.costs))
    costs, covered = _curves(alone, joint, model, plain, camera_from_parent, path[:, None] + offsets)
    gains = costs / np.maximum(covered, 1.0) * np.maximum(shown, 1.0)
    mass = np.exp(-(gains - gains.min(axis=1, keepdims=True)))
    mass /= mass.sum(axis=1, keepdims=True)
    shift = mass @ offsets
    sigma = np.sqrt(mass @ offsets**2 - shift**2 + (offsets[1] - offsets[0]) ** 2 / 12)
    gain = told_by_all[:, 0]
    # A part that should be seen there but is not is somewhere else.
    visible = (shown[:, 0] >= max(4.0, 0.1 * float(np.quantile(shown, 0.9)))) & (gain < 0)
    told = visible & held
    sigma = np.hypot(sigma, _common_error(scene, joint, model, camera_from_parent, path))
    coarse, mean, spread = loose  # The best path, and mean and spread of all places that would do.
    # Search and refinement look at the same picture: what they are apart beyond the spacing is doubt.
    sigma = np.hypot(sigma, np.maximum(np.abs(path + shift - coarse) - spacing, 0.0))
    sigma = np.where(told, sigma, np.maximum(sigma, spread))
    # A frame in which the part is not seen where it was put says nothing of where it is: the frames around it do.
    sigma = np.where(visible, sigma, _UNKNOWN)
    values, sigmas = smooth_path(np.where(told, path + shift, mean), sigma, stack.times, joint.type, held=told)
    return JointStates(values=values, sigmas=sigmas, held=told, visible=visible, gains=gain, model=model)
