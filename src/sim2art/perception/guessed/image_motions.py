"""Rigid motions between two images, from optical flow and the guessed depth of the first image alone.

Where depth was guessed image by image, the difference of two guesses says little of how a thing moved: it trembles by more.
What the images show was measured. So each thing that moves is found as a set of pixels whose flow one rigid motion of
their points explains (reprojection, robust, many starts), and its points then move by that motion: the second guess is not
asked. A guess of depth is wrong by a factor that changes over the image, and along the direction in which that moves a
pixel (the epipolar line of the motion) a residual counts as much less.
"""

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int8
from scipy.spatial import KDTree

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply
from sim2art.observation.flow_noise import OUTLIER
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.guessed.reprojection import EXPLAINED, MIN_SHIFT, fit_motion, motion_costs

STRIDE = 2
"""Labels are given to every second row and column."""
UNKNOWN, STILL = -1, 0
_MAX_POINTS = 1500
_PATCH = 80
_NUM_PATCHES = 24
_MAX_MOTIONS = 4
_MIN_MOVERS = 40
_MIN_GAIN = 0.06
"""Share of the moving pixels that a further motion must explain."""
_FILL_WINDOW = 15
"""Grid cells in which pixels without flow of their own look for neighbours that have one."""
_FILL_VOTES = 0.08
_FILL_MAJORITY = 0.85
_STILL_BONUS = 0.5
"""Squared sigmas by which standing still may explain flow worse."""


@dataclass(frozen=True, kw_only=True)
class ImageMotions:
    """What moves between two images, and how."""

    motions: Float[np.ndarray, "motion 4 4"]
    """From the first camera's frame to the second's; the first is that of what stands still. In the unit of the depth."""
    labels: Int8[np.ndarray, "half_height half_width"]
    """Motion of every second pixel of every second row; UNKNOWN where none explains the flow, or there is none."""

    def carry(self, intrinsics: np.ndarray, depth: np.ndarray) -> Float[np.ndarray, "half_height half_width 3"]:
        """Where the pixels' points go, second camera's frame; NaN where unknown."""
        points = _grid_points(intrinsics, depth)
        carried = np.full_like(points, np.nan)
        for index, motion in enumerate(self.motions):
            own = self.labels == index
            carried[own] = apply(motion, points[own])
        return carried


def find_image_motions(
    pair: PixelFlow,
    slip: Float32[np.ndarray, "half_height half_width 2"],
    depth: Float32[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    still: Float[np.ndarray, "4 4"],
    *,
    rng: np.random.Generator,
) -> ImageMotions:
    """The few rigid motions that explain the flow between two images.

    Args:
        pair: Flow from the first image to the second.
        slip: How much less sure it is along edges (`measure_slip`), at every second row and column.
        depth: Of the first image, 0 where there is none.
        intrinsics: px.
        still: The second camera's frame from the first's: how what stands still moves.
        rng: Draws where motions are looked for.
    """
    seen, usable = _see(pair, slip, depth, intrinsics, still)
    clear = pair.beats_still[::STRIDE, ::STRIDE][usable]
    motions = still[None]
    cost = seen.cost(motions)[0]
    movers = np.flatnonzero(clear & (seen.shift > MIN_SHIFT) & (cost > EXPLAINED))
    if len(movers) >= _MIN_MOVERS:
        if len(movers) > _MAX_POINTS:
            movers = rng.choice(movers, _MAX_POINTS, replace=False)
        motions = np.concatenate([motions, _find_motions(seen.take(movers), still, rng)])
    return ImageMotions(motions=motions, labels=_label(seen.cost(motions), usable))


def label_motions(
    pair: PixelFlow,
    slip: Float32[np.ndarray, "half_height half_width 2"],
    depth: Float32[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    motions: Float[np.ndarray, "motion 4 4"],
    factors: Float[np.ndarray, "motion half_height half_width"],
) -> ImageMotions:
    """Which of given motions each pixel follows.

    Args:
        pair: Flow from the first image to the second.
        slip: As for `find_image_motions`.
        depth: Of the first image, 0 where there is none.
        intrinsics: px.
        motions: The first is that of what stands still.
        factors: By what the depth is to be multiplied where a motion is followed.
    """
    seen, usable = _see(pair, slip, depth, intrinsics, motions[0])
    costs = np.concatenate(
        [
            dataclasses.replace(seen, points=seen.points * factor[usable][:, None]).cost(motion[None])
            for motion, factor in zip(motions, factors, strict=True)
        ]
    )
    return ImageMotions(motions=motions, labels=_label(costs, usable))


def _see(
    pair: PixelFlow, slip: np.ndarray, depth: np.ndarray, intrinsics: np.ndarray, still: np.ndarray
) -> tuple["_Observations", Bool[np.ndarray, "half_height half_width"]]:
    """Pixels whose flow is believed, and where they are."""
    targets = grid_pixels(*depth.shape) + pair.flow[::STRIDE, ::STRIDE].astype(np.float64)
    points = _grid_points(intrinsics, depth)
    usable = pair.confident[::STRIDE, ::STRIDE] & (depth[::STRIDE, ::STRIDE] > 0)
    points, targets = points[usable], targets[usable]
    shift = measure_shift(points, targets, still, intrinsics)
    seen = _Observations(
        points=points, targets=targets, shift=shift, slip=slip[usable].astype(np.float64), intrinsics=intrinsics
    )
    return seen, usable


@dataclass(frozen=True, kw_only=True)
class _Observations:
    """Points of the first camera's frame, and where the second image shows them."""

    points: Float[np.ndarray, "*batch 3"]
    targets: Float[np.ndarray, "*batch 2"]
    shift: Float[np.ndarray, "*batch"]
    """px beyond what the camera does."""
    slip: Float[np.ndarray, "*batch 2"]
    intrinsics: Float[np.ndarray, "3 3"]

    def take(self, index: np.ndarray) -> "_Observations":
        return _Observations(
            points=self.points[index],
            targets=self.targets[index],
            shift=self.shift[index],
            slip=self.slip[index],
            intrinsics=self.intrinsics,
        )

    def cost(self, motions: Float[np.ndarray, "motion 4 4"]) -> Float[np.ndarray, "motion point"]:
        """Squared residuals in sigmas."""
        return motion_costs(
            np.ascontiguousarray(motions),
            self.points,
            self.targets,
            self.shift,
            self.slip,
            np.ascontiguousarray(self.intrinsics),
        )


def _find_motions(seen: _Observations, still: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "motion 4 4"]:
    """Motions that explain moving pixels, the one that explains most first."""
    count = len(seen.points)
    cost = np.minimum(seen.cost(still[None])[0], OUTLIER)
    kept: list[np.ndarray] = []
    while len(kept) < _MAX_MOTIONS:
        left = np.flatnonzero(cost > EXPLAINED)
        if len(left) < max(_MIN_MOVERS, _MIN_GAIN * count):
            break
        starts = rng.choice(left, min(_NUM_PATCHES, len(left)), replace=False)
        own = KDTree(seen.targets[left])
        patches = left[own.query(seen.targets[starts], k=min(_PATCH, len(left)))[1]]
        found = _solve(seen, patches, np.repeat(still[None], len(patches), axis=0))
        gains = _gains(seen, found, cost)
        best = found[int(np.argmax(gains))][None]
        for _ in range(3):  # From a patch to all that moves alike.
            follows = np.flatnonzero(seen.cost(best)[0] < np.minimum(cost, OUTLIER))
            if len(follows) < 12:
                break
            best = _solve(seen, follows[None], best)
        gain = float(_gains(seen, best, cost)[0])
        if gain < _MIN_GAIN * count * 0.5 * OUTLIER:
            break
        kept.append(best[0])
        cost = np.minimum(cost, seen.cost(best)[0])
    return np.array(kept).reshape(-1, 4, 4)


def _gains(seen: _Observations, motions: np.ndarray, cost: np.ndarray) -> Float[np.ndarray, "motion"]:
    return np.sum(np.maximum(cost - np.minimum(seen.cost(motions), OUTLIER), 0), axis=1)


def _solve(
    seen: _Observations,
    patches: Int[np.ndarray, "patch point"],
    starts: Float[np.ndarray, "patch 4 4"],
    *,
    rounds: int = 8,
) -> Float[np.ndarray, "patch 4 4"]:
    """The motion of each patch's points, from a start."""
    motions = starts.copy()
    for patch, motion in zip(patches, motions, strict=True):
        own = seen.take(patch)
        motion[:] = fit_motion(motion.copy(), own.points, own.targets, own.shift, own.slip, seen.intrinsics, rounds)
    return motions


def _label(
    costs: Float[np.ndarray, "motion point"], usable: Bool[np.ndarray, "half_height half_width"]
) -> Int8[np.ndarray, "half_height half_width"]:
    """The motion that explains a pixel and its neighbours best; pixels without flow follow neighbours that agree."""
    costs = np.minimum(costs, OUTLIER)
    costs[0] -= _STILL_BONUS
    window = (5, 5)
    total = np.zeros((len(costs), *usable.shape), np.float32)
    total[:, usable] = costs
    near = cv2.boxFilter(usable.astype(np.float32), -1, window)
    total = np.array([cv2.boxFilter(np.asarray(image), -1, window) for image in total]) / np.maximum(near, 1e-6)
    labels = np.argmin(total, axis=0).astype(np.int8)
    explained = np.min(total, axis=0) < 0.7 * OUTLIER
    labels[~(usable & explained)] = UNKNOWN
    votes = np.array(
        [cv2.boxFilter((labels == k).astype(np.float32), -1, (_FILL_WINDOW,) * 2) for k in range(len(costs))]
    )
    sure = (votes.max(axis=0) > _FILL_MAJORITY * votes.sum(axis=0)) & (votes.sum(axis=0) > _FILL_VOTES)
    fill = ~usable & sure
    labels[fill] = np.argmax(votes, axis=0)[fill]
    return labels


def grid_pixels(height: int, width: int) -> Float[np.ndarray, "half_height half_width 2"]:
    """x, y (px) of every second pixel of every second row of an image."""
    y, x = np.mgrid[0:height:STRIDE, 0:width:STRIDE]
    return np.stack([x, y], axis=-1).astype(np.float64)


def _grid_points(intrinsics: np.ndarray, depth: np.ndarray) -> Float[np.ndarray, "half_height half_width 3"]:
    return unproject(intrinsics, grid_pixels(*depth.shape), depth[::STRIDE, ::STRIDE].astype(np.float64))


def measure_shift(
    points: Float[np.ndarray, "point 3"],
    targets: Float[np.ndarray, "point 2"],
    still: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "point"]:
    """How far (px) from where the camera's motion alone would bring points the second image shows them."""
    shift = np.linalg.norm(targets - project(intrinsics, apply(still, points)), axis=-1)
    return np.nan_to_num(shift, nan=1e3, posinf=1e3)
