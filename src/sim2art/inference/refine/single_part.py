"""One part by itself: its rows in the frame of its parent, the joint that fits them best, and what that is worth.

Seen from its parent every part has one joint and no ancestors; so types, parents and starts are compared here.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.fit.joint_fit import PartFlow, start_other_type
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.correspondences import CorrespondenceConfig, PartSurfaces, match_surfaces
from sim2art.inference.refine.evidence import compare_lengths
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, make_model
from sim2art.inference.refine.residuals import Rows, join_rows, row_residuals
from sim2art.inference.refine.solver import Solution, SolverConfig, solve


@dataclass(frozen=True, kw_only=True)
class PartView:
    """Rows of flow and surfaces of one part as its parent sees them."""

    rows: Rows
    """Rows of flow; part is 0."""
    surfaces: PartSurfaces
    center: Float[np.ndarray, "3"]
    """Middle of the part's points."""
    eyes: Float[np.ndarray, "frame 3"]
    num_kinds: int

    @property
    def num_rows(self) -> float:
        """Sum of trust of the rows of flow."""
        return float(self.rows.weight.sum())


@dataclass(frozen=True, kw_only=True)
class PartFit:
    """One joint fitted to a part's view."""

    guess: JointGuess
    rows: Rows
    """Rows of flow and of surfaces as the fitted joint matches them."""
    solution: Solution


def view_part(
    rows: Rows, surfaces: PartSurfaces, model: KinematicModel, part: int, parent: int, num_kinds: int
) -> PartView:
    """A part's rows and surfaces with the motion of `parent` and the per-frame errors undone.

    Args:
        rows: Rows of flow of all parts.
        surfaces: Of all parts.
        part: Which one to view.
        parent: As seen from this part, or from the static `BASE`.
    """
    own = rows.take(np.flatnonzero((rows.part == part) & ~rows.is_surface))
    identity = np.broadcast_to(np.eye(4), (model.num_frames, 4, 4))
    back = identity if parent == BASE else inverse(model.motions()[parent])

    def mend(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
        mended = points + model.offsets[frames] + model.stretches[frames, None] * (points - model.eyes[frames])
        return apply(back[frames], mended[:, None])[:, 0]

    viewed = Rows(
        part=np.zeros_like(own.part),
        start=own.start,
        stop=own.stop,
        source=mend(own.source, own.start),
        target=mend(own.target, own.stop),
        normal=own.normal,
        is_surface=own.is_surface,
        weight=own.weight,
        group=own.group % num_kinds,
    )
    frames = range(model.num_frames)
    clouds = [mend(surfaces.points[part][t], np.full(len(surfaces.points[part][t]), t)) for t in frames]
    return PartView(
        rows=viewed,
        surfaces=surfaces.moved(part, clouds, back[:, :3, :3]),
        center=np.median(np.concatenate(clouds), axis=0) if any(len(c) for c in clouds) else np.zeros(3),
        eyes=np.array(model.eyes),
        num_kinds=num_kinds,
    )


def fit_part(
    view: PartView,
    guess: JointGuess,
    solver: SolverConfig,
    correspondence: CorrespondenceConfig,
    *,
    num_rounds: int = 1,
) -> PartFit:
    """Fit a joint of the guess's type to a part's flow and surfaces; `num_rounds` times more, with surfaces matched anew.

    Args:
        view: Of the part.
        guess: Where to start.
        solver: Settings.
        correspondence: Settings.
        num_rounds: 0 fits to flow alone. Where motion outran the flow, what is left of it says that the part stands still:
            then surfaces must hold a good start from the first step on.
    """
    solver = dataclasses.replace(solver, fits_frame_errors=False)
    model = make_model([guess], [BASE], view.eyes).anchored(view.center[None])
    rows = view.rows
    if num_rounds:
        rows = join_rows([rows, match_surfaces(view.surfaces, model, view.num_kinds, correspondence, first_group=0)])
    solution = solve(rows, model, solver)
    for _ in range(num_rounds):
        matched = match_surfaces(view.surfaces, solution.model, view.num_kinds, correspondence, first_group=0)
        rows = join_rows([view.rows, matched])
        solution = solve(rows, solution.model.anchored(view.center[None]), solver.continued)
    return PartFit(guess=solution.model[0], rows=rows, solution=solution)


def other_start(view: PartView, guess: JointGuess) -> JointGuess:
    """A start of the other type that moves the part much the same."""
    return start_other_type(part_flow(view), guess)


def part_flow(view: PartView) -> PartFlow:
    """The view's rows in the form of the fit used for proposals."""
    rows = view.rows
    return PartFlow(
        midpoints=0.5 * (rows.source + rows.target),
        flows=rows.target - rows.source,
        weights=rows.weight,
        start=rows.start,
        stop=rows.stop,
        num_frames=len(view.eyes),
    )


def compare_fits(fits: list[PartFit], extra_parameters: float) -> float:
    """Log-odds of the first fit against the second, which has `extra_parameters` fewer.

    Both are held against the same rows: flow, and the surface rows that each of them matched.
    """
    first, second = fits
    rows = join_rows([first.rows, second.rows.take(np.flatnonzero(second.rows.is_surface))])
    return compare_models(rows, first.solution.model, second.solution.model, extra_parameters)


def compare_models(rows: Rows, model: KinematicModel, other: KinematicModel, extra_parameters: float) -> float:
    """Log-odds of a model of one part against another, on the same rows and the same noise."""
    others = np.linalg.norm(row_residuals(rows, other), axis=1)
    return compare_lengths(rows, row_residuals(rows, model), others, extra_parameters)
