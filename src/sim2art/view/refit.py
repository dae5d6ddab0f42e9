"""Fit a joint again to the measured flow of its part, with what the user decided held: the type, or the axis too."""

import dataclasses

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import JointEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import apply
from sim2art.inference.fit.joint_fit import (
    MIN_ROWS,
    FittedJoint,
    PartFlow,
    fit_joint,
    gather_part_flow,
    start_other_type,
)
from sim2art.inference.fit.surface_steps import measure_surface_steps
from sim2art.inference.hypotheses import JointGuess
from sim2art.observation.moving_frame import seen_from
from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.view.draft import Draft, noted, with_joint

FAR_AXIS = 20.0
"""A fitted turn about an axis farther than this from the object, in half-extents of it, is a slide in all but name."""


def refit(draft: Draft, part: int, *, hold_axis: bool = False) -> Draft:
    """The joint of a part, and those that hang on it, fitted again to what was measured.

    Args:
        draft: Its points are needed.
        part: 1 or more.
        hold_axis: Keep axis and pivot as they stand and fit the motion only; else the type alone is held.

    Raises:
        InvalidValueError: When the result keeps no points, or the part shows too little flow.
    """
    fitted = _refit_one(draft, part, hold_axis=hold_axis)
    what = "motion" if hold_axis else "axis and motion"
    fitted = noted(fitted, f"{draft.part_names[part]}: {what} fitted again")
    for child in draft.children_of(part):
        fitted = _refit_descendants(fitted, child)
    return fitted


def guess_other_type(draft: Draft, part: int) -> tuple[Joint, Float[np.ndarray, "frame"]]:
    """The joint of a part as the other type, turn for slide or slide for turn, and its values.

    It moves the part's points much as before; where the flow was kept, that decides where a turn's axis lies.
    """
    scene = LocalScene(draft, part)
    flow = scene.measured_flow() if draft.points is not None else None
    if flow is None or flow.weights.sum() < MIN_ROWS:
        flow = scene.carried_flow()
    return scene.joint_of(start_other_type(flow, scene.guess))


def local_video(draft: Draft, part: int) -> PointVideo:
    """The points in the moving frame of the part's parent, where the part has one joint to move by."""
    points, parent = needed_points(draft), draft.parent_of(part)
    return points if parent == 0 else seen_from(points, draft.motions[:, parent])


def needed_points(draft: Draft) -> PointVideo:
    """The points of a draft.

    Raises:
        InvalidValueError: When the result folder keeps none.
    """
    if draft.points is None:
        raise InvalidValueError(
            "This result keeps no points (points.npz), so nothing can be fitted again. Run the recording again with this "
            "version, or set axis, pivot and limits by hand."
        )
    return draft.points


class LocalScene:
    """One joint with its part, in the normalised coordinates of its parent's moving frame."""

    def __init__(self, draft: Draft, part: int) -> None:
        self.draft, self.part = draft, part
        self.found = draft.estimate.joints[part - 1]
        self.joint = self.found.joint
        self.values = draft.estimate.trajectory.values[:, part - 1]
        if draft.points is not None:
            self.video = local_video(draft, part)
            self.normalization = fit_normalization(draft.points)
        else:
            self.video = None
            mesh = draft.meshes[part]
            center = np.zeros(3) if mesh is None or len(mesh.vertices) == 0 else mesh.vertices.mean(axis=0)
            self.normalization = Normalization(center=center, scale=1.0)

    @property
    def guess(self) -> JointGuess:
        """The joint as it stands; a fixed one counts as a slide that does not move."""
        turns = self.joint.type is JointType.REVOLUTE
        return JointGuess(
            is_revolute=turns,
            axis=self.joint.axis,
            pivot=np.zeros(3) if self.joint.pivot is None else self.normalization.apply(self.joint.pivot),
            values=self.values if turns else self.values / self.normalization.scale,
        )

    @property
    def weights(self) -> np.ndarray:
        """Probability (frame, point) that a point belongs to the part."""
        return self.draft.estimate.part_probabilities[..., self.part]

    def measured_flow(self) -> PartFlow:
        """Flow of the part's points."""
        assert self.video is not None
        return gather_part_flow(normalize(self.video, self.normalization), self.weights)

    def carried_flow(self) -> PartFlow:
        """Flow that the joint itself gives to the corners of the part's mesh, for results without points."""
        mesh = self.draft.meshes[self.part]
        if mesh is None or len(mesh.vertices) == 0:
            corners = self.normalization.center + np.random.default_rng(0).normal(0, 0.1, (64, 3))
        else:
            corners = mesh.vertices[:: max(1, len(mesh.vertices) // 200)]
        places = self.normalization.apply(apply(self.joint.transform(self.values), corners))
        flows = np.diff(places, axis=0)
        start = np.repeat(np.arange(len(flows)), len(corners))
        return PartFlow(
            midpoints=(places[:-1] + 0.5 * flows).reshape(-1, 3),
            flows=flows.reshape(-1, 3),
            weights=np.ones(len(start)),
            start=start,
            stop=start + 1,
            num_frames=len(places),
        )

    def joint_of(self, guess: JointGuess) -> tuple[Joint, np.ndarray]:
        """A fitted guess as a joint in the world, and its values (rad or m)."""
        kind = JointType.REVOLUTE if guess.is_revolute else JointType.PRISMATIC
        joint = dataclasses.replace(
            self.joint,
            type=kind,
            axis=guess.axis / np.linalg.norm(guess.axis),
            pivot=self.normalization.undo(guess.pivot) if guess.is_revolute else None,
            limits=self.joint.limits if kind is self.joint.type else None,
            observed_range=None,
        )
        values = guess.values if guess.is_revolute else guess.values * self.normalization.scale
        return joint, values - values[0]


def _refit_one(draft: Draft, part: int, *, hold_axis: bool) -> Draft:
    needed_points(draft)
    scene = LocalScene(draft, part)
    if scene.joint.type is JointType.FIXED:
        return with_joint(draft, part, scene.joint, values=np.zeros_like(scene.values))
    flow = scene.measured_flow()
    if flow.weights.sum() < MIN_ROWS:
        raise InvalidValueError(
            f"Part '{draft.part_names[part]}' has flow at {flow.weights.sum():.0f} points only; {MIN_ROWS} are needed for a "
            "fit. Its joint stays as it was; set axis, pivot and limits by hand."
        )
    assert scene.video is not None
    fitted = fit_joint(flow, scene.guess, num_rounds=5, hold_axis=hold_axis)
    steps = measure_surface_steps(normalize(scene.video, scene.normalization), scene.weights, fitted)
    fitted = fit_joint(flow, fitted, steps=steps, hold_axis=hold_axis)
    if fitted.is_revolute and not hold_axis and np.linalg.norm(np.cross(fitted.axis, fitted.pivot)) > FAR_AXIS:
        raise InvalidValueError(
            f"Part '{draft.part_names[part]}' moves along a straight line as far as the video shows: as a turn its axis would be "
            "very far away. Set its type to prismatic, or set the axis by hand and fit the motion only."
        )
    joint, values = scene.joint_of(fitted)
    found = scene.found if hold_axis else _with_sigmas(scene.found, fitted, scene.normalization)
    return with_joint(draft, part, joint, values=values, found=found)


def _with_sigmas(found: JointEstimate, fitted: FittedJoint, normalization: Normalization) -> JointEstimate:
    axis_sigma = fitted.axis_sigma if fitted.axis_sigma < np.pi / 2 else None
    known = fitted.is_revolute and np.isfinite(fitted.pivot_sigma)
    return dataclasses.replace(
        found, axis_sigma=axis_sigma, pivot_sigma=fitted.pivot_sigma * normalization.scale if known else None
    )


def _refit_descendants(draft: Draft, part: int) -> Draft:
    """A child moves in its parent's frame: when that changes, its own motion is measured anew, if it can be."""
    try:
        draft = _refit_one(draft, part, hold_axis=False)
    except InvalidValueError:
        pass  # Too little flow: the child keeps its motion against its parent.
    for child in draft.children_of(part):
        draft = _refit_descendants(draft, child)
    return draft
