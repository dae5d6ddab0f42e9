"""Joints that explain the flow of many pairs of images at once: what turns or slides does so about one axis throughout.

A hand, a shadow or a network's trembling guess of depth moves from one pair of images to the next as it likes; a part that
hangs on a joint has one axis and, in each pair, one number more. So the rigid motions that single pairs show
(`image_motions`) are taken as hypotheses of joints, each is scored by the flow of all pairs (reprojection, robust), and
the best are fitted to all of it and taken one after another, as long as they explain enough that nothing else does.
Most joints lie along edges of their object, whose directions the images show without any depth (`vanishing_points`); flow
beside guessed depth tells an axis much less well. So a free axis must leave clearly less unexplained than those directions do.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from sim2art.geometry.cameras import unproject
from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.flow_noise import OUTLIER
from sim2art.perception.features.vanishing_points import SceneDirections
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.guessed.image_joint_fit import fit_from_around, fit_joint, fit_steps
from sim2art.perception.guessed.image_joint_shape import fit_shape
from sim2art.perception.guessed.image_joints import Edges, ImageJoint, MovingPoints, collect_moving
from sim2art.perception.guessed.image_motions import STRIDE, ImageMotions
from sim2art.perception.guessed.reprojection import EXPLAINED

_SCREEN_POINTS = 30
"""Of a pair, that hypotheses are screened by."""
_NUM_BEST = 4
"""Hypotheses of each kind that are fitted to all points."""
_MIN_PATCH = 150
"""Half-size pixels of a pair's motion, for it to be a hypothesis."""
_BODY_SAMPLE = 40
"""Points of a pair's motion that stand for what moves."""
_MIN_TURN = np.radians(1.5)
_CLEAR_REVOLUTE = np.radians(10.0)
_MAX_JOINTS = 4
_MIN_SHARE = 0.06
"""Share of all moving points that a further joint must explain."""
_GAIN_OF_POINT = 0.6
"""Share of a residual's cost that a point which is explained saves."""
_LEFT_BY_FREE = 1.15
"""Times what a free axis leaves unexplained, that a direction of the scene may leave: 12 of 18 axes within 3 deg on rendered
tune recordings, against 3 of 18 with free ones (first joints only, a trial without an interval)."""
_NUM_PIVOTS = 2
"""Of each direction, hinges that are fitted to all points."""
_PRISMATIC_BONUS = 0.92
"""A slide, which has two unknowns fewer, is preferred to a turn that explains hardly more: flow that a sliding part drags along
at its border, less the further away, looks like a turn."""


def find_image_joints(
    flows: dict[tuple[int, int], PixelFlow],
    edges: Edges,
    moving: Bool[np.ndarray, "frame half_height half_width"],
    motions: dict[tuple[int, int], ImageMotions],
    depths: np.ndarray,
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    rng: np.random.Generator,
) -> tuple[list[ImageJoint], float]:
    """Joints, the one that explains most first, and the share of the motion that none explains, 0..1.

    Args:
        flows: By pair of frames; `steps` of the joints follow their order.
        edges: Of the scene.
        moving: Pixels that may be of a part.
        motions: What each pair shows by itself.
        depths: Of all frames, 0 where there is none.
        intrinsics: px.
        world_from_camera: Camera poses.
        rng: Draws the points that are looked at.
    """
    pairs = list(flows)
    collected = collect_moving(pairs, flows, edges.slips, moving, depths, intrinsics, world_from_camera, rng)
    if collected is None:
        return [], 0.0
    movers, cost = collected
    hypotheses = _hypotheses(pairs, motions, depths, intrinsics, world_from_camera)
    few = np.concatenate([np.flatnonzero(movers.pair == pair)[:_SCREEN_POINTS] for pair in range(len(pairs))])
    screen = movers.take(few)
    joints: list[ImageJoint] = []
    rough = [fit_steps(screen, hypothesis) for hypothesis in hypotheses]
    while len(joints) < _MAX_JOINTS and hypotheses:
        gains = np.array([screen.gain(joint, cost[few]) for joint in rough])
        order = np.argsort(-gains)
        best: dict[bool, tuple[float, ImageJoint]] = {}
        for slides in (False, True):
            starts = [hypotheses[i] for i in order if hypotheses[i].slides is slides][:_NUM_BEST]
            if starts:
                best[slides] = _fit_kind(movers, few, starts, edges.directions, cost, looks_around=not joints)
        gain, joint = _choose(best)
        if gain < _MIN_SHARE * len(cost) * _GAIN_OF_POINT * OUTLIER:
            break
        joints.append(fit_shape(movers, joint, cost))
        cost = movers.taken(joint, cost)
    return joints, float(np.mean(cost > EXPLAINED))


def _fit_kind(
    movers: MovingPoints, few: np.ndarray, starts: list[ImageJoint], directions: SceneDirections, cost: np.ndarray, *, looks_around: bool,
) -> tuple[float, ImageJoint]:  # fmt: skip
    """The best joint of one kind: along a direction of the scene, or free where that explains clearly more."""
    free = max((fit_joint(movers, start, cost) for start in starts), key=lambda found: found[0])
    along = _fit_along(movers, few, starts, directions, cost)
    if along is not None and cost.sum() - along[0] < _LEFT_BY_FREE * (cost.sum() - free[0]):
        return along
    return fit_from_around(movers, *free, cost) if looks_around else free


def _fit_along(
    movers: MovingPoints, few: np.ndarray, starts: list[ImageJoint], directions: SceneDirections, cost: np.ndarray
) -> tuple[float, ImageJoint] | None:
    """The joint along a direction of the scene: of those that explain about as much, along the direction of most edges."""
    if starts[0].slides:
        starts = starts[:1]  # Without a pivot they differ in their axes only.
    screen, found = movers.take(few), []
    for axis in directions.axes:
        hinges = [dataclasses.replace(start, axis=axis) for start in starts]
        gains = [screen.gain(fit_steps(screen, hinge), cost[few]) for hinge in hinges]
        best = [hinges[i] for i in np.argsort(gains)[::-1][:_NUM_PIVOTS]]
        found.append(max((fit_joint(movers, hinge, cost, keeps_axis=True) for hinge in best), key=lambda one: one[0]))
    if not found:
        return None
    gains = np.array([gain for gain, _ in found])
    left = cost.sum() - gains
    near = np.flatnonzero(left <= _LEFT_BY_FREE * left.min())
    return found[near[np.argmax(directions.support[near])]]


def _choose(best: dict[bool, tuple[float, ImageJoint]]) -> tuple[float, ImageJoint]:
    """The better of a turn and a slide, with how nearly it would have been the other one."""
    if len(best) == 1:
        return next(iter(best.values()))
    (revolute_gain, turn), (prismatic_gain, slide) = best[False], best[True]
    if prismatic_gain <= _PRISMATIC_BONUS * revolute_gain:
        return revolute_gain, dataclasses.replace(
            turn, margin=_PRISMATIC_BONUS * revolute_gain / max(prismatic_gain, 1e-9) - 1
        )
    if np.ptp(turn.steps) < _CLEAR_REVOLUTE:
        return prismatic_gain, slide  # A turn by little about a far axis is a slide in all but name.
    return prismatic_gain, dataclasses.replace(slide, margin=prismatic_gain / (_PRISMATIC_BONUS * revolute_gain) - 1)


def _hypotheses(
    pairs: list[tuple[int, int]], motions: dict[tuple[int, int], ImageMotions], depths: np.ndarray, intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
) -> list[ImageJoint]:  # fmt: skip
    """A turn and a slide from every motion that a pair shows."""
    found = []
    none, flat = np.zeros(len(pairs)), np.zeros((len(depths), 3))
    for a, b in pairs:
        if abs(b - a) < 2:
            continue  # Single steps hardly tell turns from slides.
        own = motions[a, b]
        from_world = inverse(world_from_camera[a])
        for index in range(1, len(own.motions)):
            here = own.labels == index
            if here.sum() < _MIN_PATCH:
                continue
            y, x = (STRIDE * grid for grid in np.nonzero(here))
            points = apply(
                world_from_camera[a],
                unproject(intrinsics, np.stack([x, y], axis=1).astype(float), depths[a][y, x].astype(float)),
            )
            motion = world_from_camera[b] @ own.motions[index] @ from_world
            center = np.median(points, axis=0)
            shift = apply(motion, center[None])[0] - center
            body = points[np.linspace(0, len(points) - 1, _BODY_SAMPLE).round().astype(int)]
            if np.linalg.norm(shift) > 1e-6:
                found.append(
                    ImageJoint(
                        axis=shift / np.linalg.norm(shift),
                        pivot=center,
                        slides=True,
                        steps=none,
                        relief=flat,
                        body=body,
                    )
                )
            turn = rotvec_from_rotation(motion[:3, :3])
            angle = float(np.linalg.norm(turn))
            if angle > _MIN_TURN:
                axis = turn / angle
                # The point nearest to the part that only moves along the axis.
                across = shift - (shift @ axis) * axis
                pivot = center + 0.5 * across + np.cross(axis, across) / (2 * np.tan(angle / 2))
                found.append(ImageJoint(axis=axis, pivot=pivot, slides=False, steps=none, relief=flat, body=body))
    return found
