"""Joints that rest on guessed depth are believed only as far as the flow of their parts shows their motion.

Optical flow was measured: where a part moves, its pixels move, as its joint says.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

MIN_SHIFT = 3.0
"""px that a part must move in the images, over the longest flow that was measured; flow itself is off by about one."""
MAX_MISS = 0.35
"""Share of the measured motion, in the images and in space, that a joint may leave over."""
MAX_LEFT = 0.5
"""Share that it leaves over from which on it is no joint of its part: it leaves more than it explains."""
MIN_ROWS = 40
"""Points with flow, over all frames."""


@dataclass(frozen=True, kw_only=True)
class ShownMotion:
    """What was measured of a part's motion, and what its joint leaves of that; medians over points and frames."""

    num_rows: int
    """Measured flows of the part."""
    shift: float
    """How far its points move in the images, beyond what the camera's motion does, px."""
    image_miss: float
    """Share of that which the joint does not explain."""
    space_miss: float
    """Share of the motion in space which the joint does not explain: how far from rigid the part moves."""

    @property
    def is_joint(self) -> bool:
        """Whether the joint explains more of what its part does in the images than it leaves over."""
        return self.num_rows >= MIN_ROWS and self.image_miss <= MAX_LEFT


def doubts_of(motion: ShownMotion) -> tuple[str, ...]:
    """What speaks against a joint, in words for a person."""
    doubts = []
    if motion.shift < MIN_SHIFT:
        doubts.append(
            f"depth was guessed, and in the images it moves by {motion.shift:.1f} px only: what trembles may be the depth"
        )
    if motion.image_miss > MAX_MISS:
        doubts.append(
            f"depth was guessed, and the joint leaves {100 * motion.image_miss:.0f} % of the motion in the images unexplained"
        )
    if motion.space_miss > MAX_MISS:
        doubts.append(
            f"depth was guessed, and its points do not move as one rigid piece ({100 * motion.space_miss:.0f} % of their motion is "
            "left over)"
        )
    return tuple(doubts)


def measure_shown_motion(
    video: PointVideo, intrinsics: Float[np.ndarray, "3 3"], motions: Float[np.ndarray, "part frame 4 4"],
    part_ids: Int[np.ndarray, "frame point"],
) -> list[ShownMotion]:  # fmt: skip
    """What the images show of each part.

    Args:
        video: Points with flow, lifted by guessed depth.
        intrinsics: Of the images that the points were seen in, px.
        motions: World motions from rest.
        part_ids: Of the points: 0 stands still, part k moves by the k-th motion, from 1.
    """
    labels = np.where(video.valid, part_ids, 0)
    rows: list[list[np.ndarray]] = [[] for _ in motions]
    seen = np.zeros(video.valid.shape, dtype=bool)
    # Of each point only the longest flow counts: the larger the motion, the less the depth trembles beside it.
    for index in reversed(range(len(video.baselines))):
        step = video.baselines[index]
        for start in range(video.num_frames - step):
            used = video.flow_valid[index, start] & ~seen[start] & (labels[start] > 0)
            seen[start] |= used
            camera_from_world = inverse(video.world_from_camera[start + step])
            for part in np.unique(labels[start][used]):
                own = used & (labels[start] == part)
                points, flow = video.points_world[start, own], video.flow_world[index, start, own]
                moved = motions[part - 1, start + step] @ inverse(motions[part - 1, start])
                places = np.stack([points, points + flow, apply(moved, points)])
                pixels = project(intrinsics, apply(camera_from_world, places))
                left = np.linalg.norm(places[1] - places[2], axis=-1)
                rows[part - 1].append(
                    np.stack([
                        np.linalg.norm(pixels[1] - pixels[0], axis=-1), np.linalg.norm(pixels[1] - pixels[2], axis=-1),
                        np.linalg.norm(flow, axis=-1), left,
                    ])
                )  # fmt: skip
    return [_summarize(np.concatenate(part, axis=1) if part else np.zeros((4, 0))) for part in rows]


def _summarize(rows: Float[np.ndarray, "4 row"]) -> ShownMotion:
    rows = rows[:, np.all(np.isfinite(rows), axis=0)]
    if not rows.shape[1]:
        return ShownMotion(num_rows=0, shift=0.0, image_miss=1.0, space_miss=1.0)
    # Half of a video is often rest: the half of the points that moves most tells.
    moving = rows[:, rows[2] >= np.median(rows[2])]
    shift, image_left, length, space_left = np.median(moving, axis=1)
    return ShownMotion(
        num_rows=rows.shape[1],
        shift=float(shift),
        image_miss=float(image_left / max(shift, 1e-9)),
        space_miss=float(space_left / max(length, 1e-9)),
    )
