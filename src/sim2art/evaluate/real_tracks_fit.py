"""A joint from a path of positions: the robust circle against the robust line, by evidence; and an axis from turns.

The evidence is that of refinement: the number of independent readings times how much likelier each of them becomes,
less the price of the circle's extra parameters, under errors with heavy tails. Errors of neighbouring readings are alike, so the independent ones
are counted from the residuals' own autocorrelation. A circle may be no larger than a few travels: a wider one is a
line in all but name, and would win against any line.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import least_squares

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import any_perpendicular, line_angle, rotvec_from_rotation

SPACING = 0.005
"""Readings nearer than this (m) to the one kept before are left out: standing still is no evidence."""
FARTHEST_PIVOT = 5.0
"""Largest radius of a circle, in extents of the path."""
DECIDED = 3.0
"""Log-odds below this leave the type open."""
CLEAN_SHARE = 0.75
"""Less of the path than this on the fitted curve, and it is not called a joint's."""
CLEAN_WIDTH = 0.015
"""Half-width of the band about the curve that counts as on it, in extents of the path."""
LEAST_EXTENT = 0.02
"""Shorter paths (m) show no motion."""
NUM_TRIALS = 400
MIN_PATH = 12
"""Fewer readings than this are not fitted."""
MIN_TURN = np.deg2rad(15.0)
"""Turns smaller than this say little about the axis."""
FLAT_VIEW = np.deg2rad(20.0)
"""A marker whose normal is nearer to the line of sight than this is seen flat: its tilt is not to be trusted."""
TAILS = 3.0
"""Degrees of freedom of Student's distribution, which stands for the errors of tracks."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A circle or a line, fitted to positions."""

    axis: Float[np.ndarray, "3"]
    """Unit normal of the circle, or direction of the line."""
    center: Float[np.ndarray, "3"]
    """Of the circle, or a point on the line, m."""
    radius: float
    """m; 0 for the line."""

    @property
    def is_circle(self) -> bool:
        """Whether it bends."""
        return bool(self.radius > 0)

    def offsets(self, positions: Float[np.ndarray, "reading 3"]) -> Float[np.ndarray, "reading 2"]:
        """How far positions lie off the curve, m, in its two directions: out of plane and along the radius."""
        arms = positions - self.center
        along = arms @ self.axis
        across = arms - along[:, None] * self.axis
        if self.is_circle:
            return np.stack([along, np.linalg.norm(across, axis=1) - self.radius], axis=1)
        first = any_perpendicular(self.axis)
        return np.stack([across @ first, across @ np.cross(self.axis, first)], axis=1)

    def values(self, positions: Float[np.ndarray, "reading 3"]) -> Float[np.ndarray, "reading"]:
        """Where along the curve positions lie: rad or m, 0 at the first."""
        arms = positions - self.center
        if not self.is_circle:
            return arms @ self.axis - arms[0] @ self.axis
        x = any_perpendicular(self.axis)
        angles = np.arctan2(arms @ np.cross(self.axis, x), arms @ x)
        return np.unwrap(angles) - angles[0]


@dataclass(frozen=True, kw_only=True)
class TrackFit:
    """What a path of positions says about its joint."""

    type: JointType
    """The likelier one, whatever the status."""
    status: Status
    reasons: tuple[str, ...]
    log_odds: float
    """Of revolute against prismatic."""
    curve: Curve
    """Of the likelier type."""
    residual: float
    """Robust scale of the distance from the curve, m."""
    on_curve: float
    """Share of the path that lies on the curve."""
    swing: float
    """Range of the joint value, rad or m; without the strayest twentieth."""


def fit_track(positions: Float[np.ndarray, "reading 3"], *, seed: int = 0) -> TrackFit:
    """Circle or line, whichever the positions (m) favour, and whether that is certain."""
    path = positions[thin_path(positions)]
    extent = _extent(path)
    if extent < LEAST_EXTENT:
        return _answer_still(path)
    rng = np.random.default_rng(seed)
    tolerance = max(CLEAN_WIDTH * extent, 0.002)
    line = _fit_robustly(path, _random_lines(path, rng), tolerance, extent)
    circle = _fit_robustly(path, _random_circles(path, rng, extent), tolerance, extent)
    distances = {curve.is_circle: np.linalg.norm(curve.offsets(path), axis=1) for curve in (line, circle)}
    fits = {bends: _log_likelihood(d) for bends, d in distances.items()}
    independent = _count_independent((circle if fits[True] > fits[False] else line).offsets(path))
    # The circle has two parameters more than the line.
    log_odds = independent * (fits[True] - fits[False]) - np.log(independent)
    best = circle if log_odds > 0 else line
    on_curve = float(np.mean(distances[best.is_circle] < tolerance))
    reasons = []
    if abs(log_odds) < DECIDED:
        reasons.append(f"the path fits an arc and a line about as well (log-odds of the arc {log_odds:.1f})")
    if on_curve < CLEAN_SHARE:
        reasons.append(f"only {100 * on_curve:.0f} % of the path lies on one arc or line")
    values = best.values(path)
    return TrackFit(
        type=JointType.REVOLUTE if best.is_circle else JointType.PRISMATIC,
        status=Status.AMBIGUOUS if reasons else Status.OK,
        reasons=tuple(reasons),
        log_odds=log_odds,
        curve=best,
        residual=1.5 * float(np.median(distances[best.is_circle])),
        on_curve=on_curve,
        swing=float(np.ptp(np.percentile(values, [2.5, 97.5]))),
    )


def _answer_still(path: Float[np.ndarray, "reading 3"]) -> TrackFit:
    """What is said of a path that goes nowhere."""
    return TrackFit(
        type=JointType.PRISMATIC,
        status=Status.AMBIGUOUS,
        reasons=(f"it moves by less than {100 * LEAST_EXTENT:.0f} cm",),
        log_odds=0.0,
        curve=Curve(axis=np.array([0.0, 0.0, 1.0]), center=path.mean(axis=0), radius=0.0),
        residual=float(np.median(np.linalg.norm(path - path.mean(axis=0), axis=1))),
        on_curve=0.0,
        swing=0.0,
    )


@dataclass(frozen=True, kw_only=True)
class HeldFit:
    """A curve of a given axis through a path."""

    curve: Curve
    residual: float
    """Robust scale of the distance from the curve, m, as in `TrackFit`."""


def fit_with_axis(positions: Float[np.ndarray, "reading 3"], axis: Float[np.ndarray, "3"], like: Curve) -> HeldFit:
    """The curve with the given unit axis that fits the positions (m) best, robustly.

    Args:
        positions: Of one recording.
        axis: Normal of the circle or direction of the line; it is not changed.
        like: The kind of curve, and where to start.
    """
    path = positions[thin_path(positions)]
    scale = max(1.5 * float(np.median(np.linalg.norm(like.offsets(path), axis=1))), 5e-4)

    def build(changes: np.ndarray) -> Curve:
        radius = max(like.radius + changes[3], 1e-3) if like.is_circle else 0.0
        return Curve(axis=axis, center=like.center + changes[:3], radius=radius)

    solved = least_squares(
        lambda changes: build(changes).offsets(path).ravel(), np.zeros(4), loss="cauchy", f_scale=scale, max_nfev=100
    )
    curve = build(solved.x)
    return HeldFit(curve=curve, residual=1.5 * float(np.median(np.linalg.norm(curve.offsets(path), axis=1))))


def plain_axis(positions: Float[np.ndarray, "reading 3"], like: Curve) -> Float[np.ndarray, "3"]:
    """Normal of the least-squares plane through positions, or direction of the line: no weights, no choices."""
    directions = np.linalg.svd(positions - positions.mean(axis=0), full_matrices=False)[2]
    return directions[2 if like.is_circle else 0]


def thin_path(positions: Float[np.ndarray, "reading 3"]) -> Int[np.ndarray, "kept"]:
    """Indices of positions at least `SPACING` apart from the one kept before; all of them when that leaves few."""
    kept = [0]
    for index in range(1, len(positions)):
        if np.linalg.norm(positions[index] - positions[kept[-1]]) >= SPACING:
            kept.append(index)
    return np.array(kept) if len(kept) >= MIN_PATH else np.arange(len(positions))


def fit_turning_axis(
    rotations: Float[np.ndarray, "reading 3 3"], positions: Float[np.ndarray, "reading 3"], *, seed: int = 0
) -> Float[np.ndarray, "3"] | None:
    """Unit axis that a tracked marker turns about, from its orientations alone; None when it hardly turns.

    A hinge carries one direction b of the body to one direction a of the camera, whatever its angle: R b = a. So a and
    b are what most readings agree on, and no reading serves as a reference. A plane seen nearly face on looks the
    same tilted either way, and its readings flip or are drawn to the middle: such views are left out, and others count
    by the squared sine of the tilt, which is what they tell about it.

    Args:
        rotations: Camera frame from marker; the marker's plane is its x-y plane.
        positions: Of the marker, camera frame, m; standing still counts once.
        seed: Of the trials.
    """
    kept = thin_path(positions)
    turned, rays = rotations[kept], positions[kept] / np.linalg.norm(positions[kept], axis=1, keepdims=True)
    tilts = line_angle(turned[:, :, 2], rays)
    turned, weights = turned[tilts > FLAT_VIEW], np.sin(tilts[tilts > FLAT_VIEW]) ** 2
    if len(turned) < MIN_PATH:
        return None
    pairs = np.random.default_rng(seed).integers(len(turned), size=(NUM_TRIALS, 2))
    turns = rotvec_from_rotation(turned[pairs[:, 0]] @ np.swapaxes(turned[pairs[:, 1]], -1, -2))
    sizes = np.linalg.norm(turns, axis=1)
    if np.sum(sizes > MIN_TURN) < 5:
        return None
    trials = turns[sizes > MIN_TURN] / sizes[sizes > MIN_TURN, None]
    in_body = np.einsum("kji,kj->ki", turned[pairs[sizes > MIN_TURN, 1]], trials)
    off = np.arccos(np.clip(np.einsum("rij,kj,ki->kr", turned, in_body, trials), -1, 1))
    best = int(np.argmin(np.minimum(off, np.deg2rad(5.0)) @ weights))
    axis, body = trials[best], in_body[best]
    for _ in range(30):
        angle = np.arccos(np.clip(turned @ body @ axis, -1, 1))
        scale = max(1.5 * float(np.median(angle)), np.deg2rad(0.3))
        robust = weights / (1 + (angle / scale) ** 2) ** 2
        u, _, vt = np.linalg.svd(np.tensordot(robust, turned, axes=1))
        index = int(np.argmax(np.abs(u.T @ axis)))
        axis, body = u[:, index], vt[index]
    return axis


def _extent(path: np.ndarray) -> float:
    """Longest side of the path along its own main direction, m, without the strayest readings."""
    centered = path - path.mean(axis=0)
    direction = np.linalg.svd(centered, full_matrices=False)[2][0]
    return float(np.ptp(np.percentile(centered @ direction, [1, 99])))


def _random_lines(path: np.ndarray, rng: np.random.Generator) -> list[Curve]:
    """Lines through two readings each."""
    curves = []
    for first, second in rng.integers(len(path), size=(NUM_TRIALS, 2)):
        length = float(np.linalg.norm(path[second] - path[first]))
        if length > 1e-6:
            curves.append(Curve(axis=(path[second] - path[first]) / length, center=path[first], radius=0.0))
    return curves


def _random_circles(path: np.ndarray, rng: np.random.Generator, extent: float) -> list[Curve]:
    """Circles through three readings each, none wider than allowed."""
    curves = []
    for a, b, c in path[rng.integers(len(path), size=(NUM_TRIALS, 3))]:
        u, v = b - a, c - a
        normal = np.cross(u, v)
        squared = float(normal @ normal)
        if squared < 1e-16:
            continue
        arm = (np.cross(normal, u) * (v @ v) + np.cross(v, normal) * (u @ u)) / (2 * squared)
        radius = float(np.linalg.norm(arm))
        axis = normal / np.sqrt(squared)
        if radius > FARTHEST_PIVOT * extent:
            # As far as allowed, on the same side.
            arm *= FARTHEST_PIVOT * extent / radius
            radius = FARTHEST_PIVOT * extent
        curves.append(Curve(axis=axis, center=a + arm, radius=radius))
    if not curves:  # All on one line: any circle as wide as allowed.
        along = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)[2][0]
        arm = any_perpendicular(along) * FARTHEST_PIVOT * extent
        axis = np.cross(along, arm) / np.linalg.norm(arm)
        curves.append(Curve(axis=axis, center=path.mean(axis=0) + arm, radius=FARTHEST_PIVOT * extent))
    return curves


def _fit_robustly(path: np.ndarray, trials: list[Curve], tolerance: float, extent: float) -> Curve:
    """The trial with the least robust cost, refined by robust least squares."""
    costs = [_cost(np.linalg.norm(curve.offsets(path), axis=1), tolerance) for curve in trials]
    start = trials[int(np.argmin(costs))]
    scale = max(1.5 * float(np.median(np.linalg.norm(start.offsets(path), axis=1))), 2e-4)
    first = any_perpendicular(start.axis)
    second = np.cross(start.axis, first)
    widest = FARTHEST_PIVOT * extent

    def build(changes: np.ndarray) -> Curve:
        axis = start.axis + changes[0] * first + changes[1] * second
        center = start.center + changes[2] * first + changes[3] * second
        radius = 0.0
        if start.is_circle:
            center = center + changes[4] * start.axis
            radius = float(np.clip(start.radius + changes[5], 1e-3, widest))
        return Curve(axis=axis / np.linalg.norm(axis), center=center, radius=radius)

    def offsets_of(changes: np.ndarray) -> np.ndarray:
        return build(changes).offsets(path).ravel()

    count = 6 if start.is_circle else 4
    solved = least_squares(offsets_of, np.zeros(count), loss="cauchy", f_scale=scale, max_nfev=100)
    return build(solved.x)


def _cost(distances: Float[np.ndarray, "reading"], scale: float) -> float:
    """Mean of Geman-McClure's r^2 / (1 + r^2 / scale^2), m^2; never quite 0."""
    return float(np.mean(distances**2 / (1 + (distances / scale) ** 2))) + 1e-10


def _log_likelihood(distances: Float[np.ndarray, "reading"]) -> float:
    """Mean log-likelihood of distances from a curve (two directions each), under the scale that suits them best."""
    scales = max(float(np.median(distances)), 2e-4) * np.geomspace(0.2, 5.0, 60)
    ratios = np.log1p((distances[None] / scales[:, None]) ** 2 / TAILS)
    return float(np.max(-2 * np.log(scales) - 0.5 * (TAILS + 2) * ratios.mean(axis=1)))


def _count_independent(offsets: Float[np.ndarray, "reading 2"]) -> float:
    """How many independent readings a path is worth, from the autocorrelation of what a curve leaves unexplained."""
    count = len(offsets)
    limit = 3 * max(float(np.median(np.abs(offsets))), 1e-6)
    clipped = np.clip(offsets, -limit, limit)
    clipped = clipped - clipped.mean(axis=0)
    variance = float(np.sum(clipped**2)) + 1e-18
    factor = 1.0
    for lag in range(1, count // 2):
        correlation = float(np.sum(clipped[lag:] * clipped[:-lag])) / variance
        if correlation < 0.05:
            break
        factor += 2 * correlation
    return max(count / factor, 2.0)
