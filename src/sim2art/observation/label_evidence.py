"""Which part a depth pixel belongs to, told by the other frames: carried along with its own part, it stays on a surface.

A point carried along with a wrong part ends up in the air where another frame sees through it, on a surface that belongs
to another part, or, where it slides within a surface, on another colour. That a surface hides it says nothing. So the
inside of a drawer, where hardly a point was followed, is told from the cabinet around it.
"""

from dataclasses import dataclass
from typing import NamedTuple

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


class _Meeting(NamedTuple):
    """Points of one frame as points of one part in another, where that part has moved; beside them as points of the base.

    Nodes are those of the grid of what the frames show, row by row; one past the last for points that land on no surface.
    """

    frame: int
    part: int
    points: Int[np.ndarray, "moved"]
    nodes: Int[np.ndarray, "moved"]
    nodes_of_base: Int[np.ndarray, "moved"]


@dataclass(frozen=True, kw_only=True)
class Encounters:
    """What all other frames have to do with the points of one frame."""

    told: Float[np.ndarray, "point part"]
    """Log-likelihood by their depth and colour."""
    meetings: tuple[_Meeting, ...]
    """Where points land, for what is known of these places."""


class _Landing(NamedTuple):
    """Where some points would be in another frame; pixel 0, 0 for those out of its sight."""

    rows: Int[np.ndarray, "point"]
    columns: Int[np.ndarray, "point"]
    on_surface: Bool[np.ndarray, "point"]
    is_free: Bool[np.ndarray, "point"]
    """The frame sees through the point: its surface is clearly behind."""


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

    def meet(
        self,
        frame: int,
        points_world: Float[np.ndarray, "point 3"],
        pixels: Int[np.ndarray, "point 2"],
        stride: int = 1,
    ) -> Encounters:
        """Carry points that a frame saw into all other frames, as points of every part.

        Args:
            frame: The one that saw them.
            points_world: World frame, m.
            pixels: Row and column where it saw them.
            stride: Of the grids that `weigh` is given, px.
        """
        num_frames, num_parts = self._camera_from_rest.shape[:2]
        num_rows, num_columns = (-(-size // stride) for size in self._depths.shape[1:])
        told = np.zeros((len(points_world), num_parts))
        colors = self._colors[frame, pixels[:, 0], pixels[:, 1]]
        meetings: list[_Meeting] = []

        def node(at: _Landing) -> Int[np.ndarray, "point"]:
            inside = at.rows // stride * num_columns + at.columns // stride
            return np.where(at.on_surface, inside, num_rows * num_columns).astype(np.int32)

        def unlike(other: int, at: _Landing, points: np.ndarray, chosen: np.ndarray) -> Float[np.ndarray, "chosen"]:
            shown = self._colors[other, at.rows[chosen], at.columns[chosen]]
            return np.abs(shown - colors[points[chosen]]).mean(axis=1)

        for other in range(num_frames):
            if other == frame:
                continue
            camera_from_world = self._camera_from_rest[other] @ self._rest_from_world[frame]
            still, *moved = (apply(transform, points_world) for transform in camera_from_world)
            all_at_rest, borne = self._land(other, still), self._borne(still[:, 2])
            for part, places in enumerate(moved, start=1):
                # Where the part is as it was, the frame says the same of both; what it was taken for is no news.
                points = np.flatnonzero(((places - still) ** 2).sum(axis=1) > borne**2).astype(np.int32)
                base = _Landing(*(values[points] for values in all_at_rest))
                landing = self._land(other, places[points])
                word = self.config.seen_through * (base.is_free.astype(float) - landing.is_free)
                both = np.flatnonzero(landing.on_surface & base.on_surface)
                gain = unlike(other, base, points, both) - unlike(other, landing, points, both)
                word[both] += self.config.color * np.clip(gain / self.config.color_scale, -2.0, 2.0)
                told[points, part] += word
                meetings.append(_Meeting(other, part, points, node(landing), node(base)))
        return Encounters(told=told, meetings=tuple(meetings))

    def listen(self, grids: Float32[np.ndarray, "frame rows columns part"]) -> Float[np.ndarray, "frame node part"]:
        """What a point that lands on a node hears of each part: for it, or against.

        Args:
            grids: Part probabilities of every `stride`-th pixel as known so far, all 0 where nothing is.
        """
        says = self.config.lands * (2.0 * grids - grids.sum(axis=-1, keepdims=True))
        return np.pad(says.reshape(len(grids), -1, grids.shape[-1]), ((0, 0), (0, 1), (0, 0)))

    def weigh(
        self, encounters: Encounters, says: Float[np.ndarray, "frame node part"] | None = None
    ) -> Float[np.ndarray, "point part"]:
        """Log-likelihood of every part for the points of one frame, from all other frames; the best part has 0.

        Args:
            encounters: Of these points.
            says: As `listen` gives it; None leaves out on whose surface a point lands.
        """
        told = encounters.told.copy()
        if says is not None:
            for other, part, points, nodes, nodes_of_base in encounters.meetings:
                told[points, part] += says[other, nodes, part] - says[other, nodes_of_base, 0]
        return np.maximum(told - told.max(axis=1, keepdims=True, initial=-np.inf), -self.config.most)

    def _borne(self, depths: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        return self.config.near + self.config.near_share * np.maximum(depths, 0.0)

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
        )
