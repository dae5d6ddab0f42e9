"""The joint values of every frame, from parts and joints that are known of the used frames.

Joints are followed one at a time, a child after its parent, the others held; with several joints once more, when each is
looked for among what the others are known to cover.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.densify import resize_labels
from sim2art.states.background import Background, camera_of, find_background
from sim2art.states.calibration import StateNoise
from sim2art.states.frame_labels import NO_LABEL, label_frames
from sim2art.states.frame_stack import FrameStack
from sim2art.states.likelihood import draw_points, explain_pixels
from sim2art.states.part_model import see_surface
from sim2art.states.search import JointStates, Scene, follow_joint


@dataclass(frozen=True, kw_only=True)
class Followed:
    """All joints through the frames of a stack."""

    values: Float[np.ndarray, "frame joint"]
    """rad or m, 0 at the first used frame."""
    sigmas: Float[np.ndarray, "frame joint"]
    held: Bool[np.ndarray, "frame joint"]
    """Whether a frame leaves no doubt about a value."""
    visible: Bool[np.ndarray, "frame joint"]
    followed: tuple[bool, ...]
    """Joints that could be followed; the others have what was tracked, joined by straight lines."""
    estimate: ArticulationEstimate
    """With the values found at the used frames."""
    labels: UInt8[np.ndarray, "frame height width"] | None
    """Part of each pixel of every frame, at a small size, where that was asked for."""


def follow(
    stack: FrameStack,
    estimate: ArticulationEstimate,
    labels: UInt8[np.ndarray, "used height width"],
    *,
    label_all: bool = False,
) -> Followed:
    """The values of all joints in all frames.

    Args:
        labels: Part of each pixel of the used frames, at any size.
    """
    tree = assemble_object(estimate, [None] * (len(estimate.joints) + 1))
    height, width = stack.depths.shape[1:]
    small = resize_labels(labels, (width, height))
    stack, background = find_background(stack, (small > 0) & (small != NO_LABEL))
    tracked = estimate.trajectory.values
    values = np.stack(
        [np.interp(stack.times, stack.times[stack.used], tracked[:, k]) for k in range(tracked.shape[1])], axis=1
    ) if tracked.shape[1] else np.zeros((stack.num_frames, 0))  # fmt: skip
    found: list[JointStates | None] = [None] * len(tree.joints)
    for again in range(1 if len(tree.joints) == 1 else 2):
        for index in tree.joint_order:
            joint = tree.joints[index]
            seen = [see_surface(stack, used, small[used], index + 1) for used in range(len(stack.used))]
            motions = link_motions(tree, values)
            scene = _scene_without(stack, background, tree, motions, found, index)
            parents = motions[:, tree.link_index(joint.parent)]
            start = values[:, index] if again and found[index] is not None else None
            states = follow_joint(scene, joint, seen, tracked[:, index], parents, start=start)
            if states is not None and _is_followed(states):
                found[index] = states
                values[:, index] = states.values
            else:
                found[index] = None
                values[:, index] = np.interp(stack.times, stack.times[stack.used], tracked[:, index])
    every = (
        np.stack(list(label_frames(stack, small, link_motions(tree, values), background.noise))) if label_all else None
    )
    return _put_together(stack, estimate, tree, values, found, every)


def _is_followed(states: JointStates) -> bool:
    """Whether most frames that show the part say where it is."""
    return bool(states.visible.any() and states.held[states.visible].mean() >= 0.5)


def _scene_without(
    stack: FrameStack, background: Background, tree: ArticulatedObject, motions: Float[np.ndarray, "frame link 4 4"],
    found: list[JointStates | None], index: int,
) -> Scene:  # fmt: skip
    """What a part is looked for in: the background, and the other parts where they are known to be."""
    costs, depths = background.costs, background.depths
    others = [(k, states) for k, states in enumerate(found) if states is not None and k != index]
    if others:
        costs, depths = costs.copy(), depths.copy()
        noise = background.noise.as_array()
        cameras = inverse(stack.world_from_camera)
        shape = stack.depths.shape[1:]
        depth, image, known = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32), np.zeros(shape, np.bool_)
        cost = np.zeros(shape, np.float32)
        for k, states in others:
            link = tree.link_index(tree.joints[k].child)
            has_color = np.ones(len(states.model), np.bool_)
            colors = states.model.colors.astype(np.float32)
            for frame in range(stack.num_frames):
                points = apply(motions[frame, link], states.model.points)
                draw_points(points, colors, has_color, cameras[frame], camera_of(stack), noise, 1, depth, image, known)
                explain_pixels(stack.depths[frame], stack.colors[frame], depth, image, known, noise, cost)
                shown = (depth > 0) & (cost < costs[frame])
                costs[frame][shown] = cost[shown]
                depths[frame][shown] = depth[shown]
    return Scene(stack=stack, depths=depths, costs=costs, noise=background.noise)


def _put_together(
    stack: FrameStack, estimate: ArticulationEstimate, tree: ArticulatedObject, values: Float[np.ndarray, "frame joint"],
    found: list[JointStates | None], labels: UInt8[np.ndarray, "frame height width"] | None,
) -> Followed:  # fmt: skip
    """Values against the first used frame, which becomes the rest pose; joints of children go along with their parents."""
    first = values[stack.used[0]].copy()
    motions = link_motions(tree, first)
    joints = tuple(
        dataclasses.replace(one, joint=one.joint.moved(motions[tree.link_index(one.joint.parent)]))
        for one in estimate.joints
    )
    values = values - first
    count = (stack.num_frames, len(found))
    sigmas, held, visible = np.full(count, np.inf), np.zeros(count, bool), np.ones(count, bool)
    for k, states in enumerate(found):
        if states is None:
            sigmas[:, k] = max(float(np.ptp(values[:, k])), 1e-3)
        else:
            sigmas[:, k] = StateNoise().sigmas(states.sigmas, values[:, k])
            held[:, k], visible[:, k] = states.held, states.visible
    trajectory = dataclasses.replace(estimate.trajectory, values=np.ascontiguousarray(values[stack.used]))
    return Followed(
        values=values, sigmas=sigmas, held=held, visible=visible, followed=tuple(x is not None for x in found),
        estimate=dataclasses.replace(estimate, joints=joints, trajectory=trajectory), labels=labels,
    )  # fmt: skip
