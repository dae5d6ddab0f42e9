"""How well solved cameras carry corners that were followed through the video: a second opinion on structure from motion.

Features that are matched from afar may be taken for their neighbours (tiles, shelves, stripes), and cameras can be found that
explain such matches to a fraction of a pixel. A corner that is followed from frame to frame does not jump to a neighbour.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import inverse
from sim2art.perception.tasks import SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks

ENOUGH = 0.85
"""Share of the observations that right cameras explain."""
_MIN_FRAMES = 4
"""In which a corner must be seen to have a say."""
_MAX_MISS = 2.0
"""px from where the cameras put a corner, for it to agree with them."""
_OUTLIER = 25.0
"""Squared px from which on a miss costs no more."""
_DEPTHS = np.geomspace(0.2, 8.0, 16)
"""Of the typical depth, tried beside infinity for each corner."""
_ROUNDS = 4


def tracks_agree(cameras: SparseCameras, tracks: CornerTracks, moving: Bool[np.ndarray, "track"]) -> float:
    """Share of the observations of corners that lie, at the best depth of each corner, where the cameras put them, 0..1.

    Each corner has one unknown, its inverse depth in the frame that saw it first (Civera et al., "Inverse Depth
    Parametrization for Monocular SLAM", 2008), so that one at infinity tells about turns. Those that move by themselves
    (`moving`) have no say. 0 if there are none.
    """
    observations = _observations(cameras, tracks, moving)
    if observations is None:
        return 0.0
    typical = float(np.median(cameras.depths)) if len(cameras.depths) else 1.0
    best = np.zeros(observations.num_corners)
    cost = observations.cost(best)
    for inverse_depth in 1 / (typical * _DEPTHS):
        tried = np.full(len(best), inverse_depth)
        best, cost = _better(best, cost, tried, observations.cost(tried))
    for _ in range(_ROUNDS):
        tried = np.maximum(best + observations.step(best, 1e-4 / typical), 0.0)
        best, cost = _better(best, cost, tried, observations.cost(tried))
    return float(np.mean(np.linalg.norm(observations.misses(best), axis=1) < _MAX_MISS))


@dataclass(frozen=True, kw_only=True)
class _Observations:
    """Of corners in other frames than the first that saw them."""

    corner: Int[np.ndarray, "observation"]
    pixels: Float[np.ndarray, "observation 2"]
    turned: Float[np.ndarray, "observation 3"]
    """The first ray (z = 1), in this frame's camera."""
    shift: Float[np.ndarray, "observation 3"]
    """The first camera, there."""
    intrinsics: Float[np.ndarray, "3 3"]

    @property
    def num_corners(self) -> int:
        return int(self.corner.max()) + 1

    def misses(self, inverse_depth: Float[np.ndarray, "corner"]) -> Float[np.ndarray, "observation 2"]:
        """How far the cameras put a corner from where it was seen, px."""
        k = self.intrinsics
        camera = self.turned + inverse_depth[self.corner, None] * self.shift
        ahead = np.maximum(camera[:, 2:], 1e-3)
        return camera[:, :2] / ahead * k[[0, 1], [0, 1]] + k[:2, 2] - self.pixels

    def cost(self, inverse_depth: Float[np.ndarray, "corner"]) -> Float[np.ndarray, "corner"]:
        return self._sum(np.minimum(np.sum(self.misses(inverse_depth) ** 2, axis=1), _OUTLIER))

    def step(self, inverse_depth: Float[np.ndarray, "corner"], eps: float) -> Float[np.ndarray, "corner"]:
        """Of Gauss-Newton."""
        miss = self.misses(inverse_depth)
        slope = (self.misses(inverse_depth + eps) - miss) / eps
        near = np.sum(miss**2, axis=1) < 16 * _OUTLIER
        bottom = self._sum(near * np.sum(slope**2, axis=1))
        return -self._sum(near * np.sum(miss * slope, axis=1)) / np.maximum(bottom, 1e-9)

    def _sum(self, values: Float[np.ndarray, "observation"]) -> Float[np.ndarray, "corner"]:
        return np.bincount(self.corner, weights=values, minlength=self.num_corners)


def _observations(cameras: SparseCameras, tracks: CornerTracks, moving: np.ndarray) -> _Observations | None:
    used = cameras.solved[tracks.frame] & ~moving[tracks.track]
    used &= np.bincount(tracks.track[used], minlength=tracks.num_tracks)[tracks.track] >= _MIN_FRAMES
    if not used.any():
        return None
    order = np.flatnonzero(used)[np.lexsort((tracks.frame[used], tracks.track[used]))]
    frame, pixels = tracks.frame[order], tracks.pixels[order].astype(np.float64)
    _, start, corner = np.unique(tracks.track[order], return_index=True, return_inverse=True)
    first = start[corner]
    others = first != np.arange(len(order))
    k = cameras.intrinsics
    rays = unproject(k, pixels, np.ones(len(pixels)))
    between = (inverse(cameras.world_from_camera)[frame] @ cameras.world_from_camera[frame[first]])[others]
    return _Observations(
        corner=corner[others], pixels=pixels[others], intrinsics=k, shift=between[:, :3, 3],
        turned=np.einsum("nij,nj->ni", between[:, :3, :3], rays[first][others]),
    )  # fmt: skip


def _better(
    best: np.ndarray, cost: np.ndarray, tried: np.ndarray, tried_cost: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return np.where(tried_cost < cost, tried, best), np.minimum(cost, tried_cost)
