"""Which part a depth pixel belongs to, told by the other frames: carried along with its own part, it stays on a surface.

A point carried along with a wrong part ends up in the air where another frame sees through it, on a surface that belongs
to another part, or, where it slides within a surface, on another colour. That a surface hides it says nothing. So the
inside of a drawer, where hardly a point was followed, is told from the cabinet around it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy import ndimage

from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.rgbd_video import RgbdVideo


@dataclass(frozen=True, kw_only=True)
class EvidenceConfig:
    """How much a frame's word counts, in nats, and within which distances it is given."""

    seen_through: float = 3.0
    """Against a part whose motion brings the point to where a frame sees through it."""
    lands: float = 0.5
    """For a part whose motion brings the point onto a surface of the part; against it, onto one of another."""
    color: float = 0.8
    """For a part whose motion brings the point onto the colour that it had, against one that brings it onto another
    colour, where both bring it onto surfaces."""
    color_scale: float = 8.0
    """Difference of colour (levels) that counts that much; twice as much at most."""
    most: float = 12.0
    """Largest difference that all frames together make: their errors are not independent."""
    near: float = 0.008
    """m; depth errors and errors of a part's motion that are borne."""
    near_share: float = 0.008
    """The same as a share of the depth."""
    clear: float = 2.0
    """A point is seen through from this many times the borne distance on."""


@dataclass(frozen=True, kw_only=True)
class _Landing:
    """Where some points would be in another frame; pixel 0, 0 for those out of its sight."""

    rows: Int[np.ndarray, "point"]
    columns: Int[np.ndarray, "point"]
    on_surface: Bool[np.ndarray, "point"]
    is_free: Bool[np.ndarray, "point"]
    """The frame sees through the point: its surface is clearly behind."""
    colors: Float32[np.ndarray, "point 3"]
    """Of the pixel."""


class MotionEvidence:
    """What the frames of one video say about points that move with one part or another."""

    def __init__(
        self,
        video: RgbdVideo,
        world_from_rest: Float[np.ndarray, "frame part 4 4"],
        config: EvidenceConfig | None = None,
    ) -> None:
        """Prepare depth and colour of all frames.

        Args:
            video: Posed depth and colour.
            world_from_rest: Takes each part's rest pose to its place in each frame.
            config: Weights and distances.
        """
        self.config = EvidenceConfig() if config is None else config
        self._intrinsics = video.intrinsics
        self._rest_from_world = inverse(world_from_rest)
        self._camera_from_rest = inverse(video.world_from_camera)[:, None] @ world_from_rest
        self._depths = np.asarray(video.depths, dtype=np.float32)
        # Beside an edge either side may have been measured: only what the nearest of the neighbours leaves free is free.
        measured = np.where(self._depths > 0, self._depths, np.inf)
        self._nearest = np.stack([ndimage.minimum_filter(depth, size=3) for depth in measured])
        smooth = [ndimage.gaussian_filter(image.astype(np.float32), (0.7, 0.7, 0.0)) for image in video.images]
        self._colors = np.stack(smooth)

    def weigh(
        self,
        frame: int,
        points_world: Float[np.ndarray, "point 3"],
        pixels: Int[np.ndarray, "point 2"],
        grids: Float32[np.ndarray, "frame rows columns part"] | None = None,
        stride: int = 1,
    ) -> Float[np.ndarray, "point part"]:
        """Log-likelihood of every part for points that a frame saw, from all other frames; the best part has 0.

        Args:
            frame: The one that saw them.
            points_world: World frame, m.
            pixels: Row and column where it saw them.
            grids: Part probabilities of every `stride`-th pixel as known so far, all 0 where nothing is; None leaves out
                on whose surface a point lands.
            stride: Of the grids, px.
        """
        num_frames, num_parts = self._camera_from_rest.shape[:2]
        told = np.zeros((len(points_world), num_parts))
        colors = self._colors[frame, pixels[:, 0], pixels[:, 1]]
        points_rest = [apply(transform, points_world) for transform in self._rest_from_world[frame]]
        for other in range(num_frames):
            if other == frame:
                continue
            still = apply(self._camera_from_rest[other, 0], points_rest[0])
            base = self._land(other, still)
            word_of_base = self._word(other, 0, base, grids, stride)
            borne = self._borne(still[:, 2])
            for part in range(1, num_parts):
                moved = apply(self._camera_from_rest[other, part], points_rest[part])
                landing = self._land(other, moved)
                word = self._word(other, part, landing, grids, stride) - word_of_base
                both = landing.on_surface & base.on_surface
                unlike = (np.abs(x.colors - colors).mean(axis=1) for x in (base, landing))
                gain = np.subtract(*unlike) / self.config.color_scale
                word += self.config.color * np.where(both, np.clip(gain, -2.0, 2.0), 0.0)
                # Where the part is as it was, the frame says the same of both; what it was taken for is no news.
                told[:, part] += np.where(np.linalg.norm(moved - still, axis=1) > borne, word, 0.0)
        return np.maximum(told - told.max(axis=1, keepdims=True, initial=-np.inf), -self.config.most)

    def _borne(self, depths: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        return self.config.near + self.config.near_share * np.maximum(depths, 0.0)

    def _word(
        self, frame: int, part: int, landing: _Landing, grids: np.ndarray | None, stride: int
    ) -> Float[np.ndarray, "point"]:
        """What a frame's depth says of points as points of a part: for, against, or 0."""
        word = np.where(landing.is_free, -self.config.seen_through, 0.0)
        if grids is not None:
            found = landing.on_surface
            shares = grids[frame, landing.rows[found] // stride, landing.columns[found] // stride]
            word[found] = self.config.lands * (2.0 * shares[:, part] - shares.sum(axis=1))
        return word

    def _land(self, frame: int, points_camera: Float[np.ndarray, "point 3"]) -> _Landing:
        """Where points in a frame's camera are beside what it shows."""
        height, width = self._depths.shape[1:]
        expected = points_camera[:, 2]
        pixels = project(self._intrinsics, points_camera)
        with np.errstate(invalid="ignore"):
            inside = (expected > 0.02) & np.all((pixels > -0.5) & (pixels < [width - 0.5, height - 0.5]), axis=1)
        columns, rows = np.round(np.where(inside[:, None], pixels, 0.0)).astype(np.int64).T
        depths = self._depths[frame, rows, columns]
        seen, borne = inside & (depths > 0), self._borne(expected)
        return _Landing(
            rows=rows,
            columns=columns,
            on_surface=seen & (np.abs(depths - expected) <= borne),
            is_free=seen & (self._nearest[frame, rows, columns] - expected > self.config.clear * borne),
            colors=self._colors[frame, rows, columns],
        )
