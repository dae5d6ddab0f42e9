"""Whether a part visibly turns: rigid motions of its points between frames, against the turn and against no turn.

Robust costs of single points cap what a large, clear motion can count, and errors that a whole frame shares make the
points few. But a slide never turns a part, whatever its errors: where rigid fits show a turn, always about one axis
and as large as the joint says, sliding is refuted by the poses alone.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.geometry.alignment import fit_rigid
from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.residuals import Rows

MIN_PAIR_ROWS = 8
"""Frame pairs with fewer rows of flow give no pose."""
TRUSTED = 0.7
"""The pairs that a joint explains worst, poses that flipped or slipped, are left out beyond this share."""
INDEPENDENT = 6.0
"""Poses that a clip is worth: errors of depth and flow last for several frames."""
LEAST_TURN = np.deg2rad(10.0)
"""Smaller swings are left to the evidence of points: errors of depth tilt small and narrow parts that much."""
NOISE_RATIO = 6.0
"""A turn fitted to mere errors of the poses explains up to this much of their energy (explained : left)."""


@dataclass(frozen=True, kw_only=True)
class PoseTurns:
    """Rotation of one part between the frames of each pair, from rigid fits that know of no joint."""

    rotations: Float[np.ndarray, "pair 3"]
    """Rotation vectors, rad."""
    start: np.ndarray
    stop: np.ndarray
    weights: Float[np.ndarray, "pair"]
    """Trust in the pair's rows."""


def measure_turns(rows: Rows, *, num_rounds: int = 4) -> PoseTurns:
    """Robust rigid fits to the flow of each frame pair.

    Args:
        rows: Rows of one part, as its parent sees them; rows of surfaces are left out.
    """
    key = rows.start * (int(rows.stop.max(initial=0)) + 1) + rows.stop
    found: list[tuple[np.ndarray, int, int, float]] = []
    for pair in np.unique(key[~rows.is_surface]):
        own = np.flatnonzero((key == pair) & ~rows.is_surface & (rows.weight > 0))
        if len(own) < MIN_PAIR_ROWS:
            continue
        source, target, weight = rows.source[own], rows.target[own], rows.weight[own]
        robust = weight
        motion = np.eye(4)
        for _ in range(num_rounds):
            motion = fit_rigid(source, target, robust)
            lengths = np.linalg.norm(source @ motion[:3, :3].T + motion[:3, 3] - target, axis=1)
            scale = max(2.5 * float(np.median(lengths)), 1e-4)
            robust = weight / (1 + (lengths / scale) ** 2) ** 2
            if np.count_nonzero(robust > 0.05 * weight) < 4:
                break
        first = own[0]
        turn = rotvec_from_rotation(motion[:3, :3])
        found.append((turn, int(rows.start[first]), int(rows.stop[first]), float(weight.sum())))
    return PoseTurns(
        rotations=np.array([x[0] for x in found]).reshape(-1, 3),
        start=np.array([x[1] for x in found], dtype=np.int64),
        stop=np.array([x[2] for x in found], dtype=np.int64),
        weights=np.array([x[3] for x in found]),
    )


def explained_ratio(turns: PoseTurns, joint: JointGuess) -> float:
    """Energy of the rotations against what a turning joint leaves of them; pairs that a joint hardly turns count too.

    Large when the part turns just as the joint says, one when it does not turn, less when it turns otherwise.
    """
    if not len(turns.weights):
        return 1.0
    change = joint.values[turns.stop] - joint.values[turns.start]
    left = np.sum((turns.rotations - change[:, None] * joint.axis) ** 2, axis=1)
    energy = np.sum(turns.rotations**2, axis=1)
    kept = left <= np.quantile(left, TRUSTED)
    return float(np.sum((turns.weights * energy)[kept]) / max(np.sum((turns.weights * left)[kept]), 1e-12))


def pose_log_odds(turns: PoseTurns, joint: JointGuess) -> float:
    """Log-odds of the turn against any slide from the poses alone; never negative, for poses refute no turn.

    3/2 n ln(ratio) with n = `INDEPENDENT` poses of three numbers, less what a turn explains of mere errors.
    """
    if float(np.ptp(joint.values)) < LEAST_TURN:
        return 0.0
    return max(1.5 * INDEPENDENT * float(np.log(explained_ratio(turns, joint) / NOISE_RATIO)), 0.0)
