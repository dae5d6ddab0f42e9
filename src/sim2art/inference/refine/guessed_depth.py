"""Joints that rest on guessed depth are believed only as far as the images show their motion.

A network guesses depth image by image. What it guesses trembles, and a trembling wall moves towards the camera and away as a
slide would. Optical flow, however, was measured: where a part moves, its pixels move, as its joint says.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.estimate_io import keep_parts, with_parents
from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

MIN_SHIFT = 3.0
"""px that a part must move in the images, over the longest flow that was measured; flow itself is off by about one."""
MAX_MISS = 0.35
"""Share of the measured motion, in the images and in space, that a joint may leave over."""
MAX_LEFT = 0.5
"""Share that it leaves over from which on it is no joint of its part: it leaves more than it explains."""
MIN_TYPE = 0.9
"""Probability of its type that a joint needs: a wrong relief bends slides into turns and back."""
MIN_CONFIDENCE = 0.5
"""Calibrated on measured depth; a guess can only be worse."""
AXIS_SIGMA = np.radians(7.0)
"""Added to what the refiner knows; set when right types on rendered recordings of colour alone were off by 8 deg in the median."""
PIVOT_SIGMA = 0.06
"""The same for the pivot, as a share of its distance from the camera."""
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


def judge_guessed_depth(
    video: PointVideo, intrinsics: Float[np.ndarray, "3 3"], estimate: ArticulationEstimate
) -> ArticulationEstimate:
    """The joints that the images bear out; those that they do not quite are ambiguous, with reasons, and so is the whole.

    A joint that leaves more of what its part does in the images than it explains is left out.

    Args:
        video: The points that the estimate speaks of, lifted by guessed depth.
        intrinsics: Of the images that the points were seen in, px.
        estimate: World frame.
    """
    shown = measure_shown_motion(video, intrinsics, estimate)
    explaining = [k for k, motion in enumerate(shown) if motion.num_rows < MIN_ROWS or motion.image_miss <= MAX_LEFT]
    kept = with_parents(estimate, explaining)
    if len(kept) < len(estimate.joints):
        estimate, shown = _leave_out(estimate, kept), [shown[k] for k in kept]
    joints = []
    for found, motion in zip(estimate.joints, shown, strict=True):
        doubts = doubts_of(motion, max(found.type_probabilities.values()), found.confidence)
        told = tuple(dict.fromkeys([*found.reasons, *doubts]))
        judged = dataclasses.replace(found, status=Status.AMBIGUOUS, reasons=told) if doubts else found
        joints.append(_widened(judged, video))
    doubtful = [found.joint.child for found in joints if found.status is not Status.OK]
    if not doubtful or all(
        after.status is before.status for after, before in zip(joints, estimate.joints, strict=True)
    ):
        return dataclasses.replace(estimate, joints=tuple(joints))
    told = f"depth was guessed, and the images do not bear out enough of: {', '.join(doubtful)}"
    return dataclasses.replace(
        estimate,
        joints=tuple(joints),
        status=Status.AMBIGUOUS if estimate.status is Status.OK else estimate.status,
        reasons=(*estimate.reasons, told),
    )


def _leave_out(estimate: ArticulationEstimate, kept: list[int]) -> ArticulationEstimate:
    """The estimate with those joints, and a word on the others."""
    count = len(estimate.joints) - len(kept)
    told = (
        f"depth was guessed, and {count} joint(s) left more of the motion in the images than they explained: left out"
    )
    less = keep_parts(estimate, kept)
    status = Status.AMBIGUOUS if estimate.status is Status.OK else estimate.status
    return dataclasses.replace(less, status=status, reasons=(*less.reasons, told))


def _widened(found: JointEstimate, video: PointVideo) -> JointEstimate:
    """The joint with the error of guessed depth in its sigmas: all points share it, so no residual shows it."""
    changes = {}
    if found.axis_sigma is not None:
        changes["axis_sigma"] = float(min(np.hypot(found.axis_sigma, AXIS_SIGMA), np.pi / 2))
    if found.pivot_sigma is not None:
        distance = float(np.linalg.norm(found.joint.pivot - video.world_from_camera[0, :3, 3]))
        changes["pivot_sigma"] = float(np.hypot(found.pivot_sigma, PIVOT_SIGMA * distance))
    return dataclasses.replace(found, **changes)


def doubts_of(motion: ShownMotion, type_probability: float, confidence: float = 1.0) -> tuple[str, ...]:
    """Why a joint that rests on guessed depth is not to be relied on, in words for a person; empty when it is."""
    if motion.num_rows < MIN_ROWS:
        return ("depth was guessed, and too few of its points could be followed to tell",)
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
    if type_probability < MIN_TYPE:
        doubts.append("depth was guessed, and too unevenly to tell turning from sliding for sure")
    if confidence < MIN_CONFIDENCE:
        doubts.append(f"depth was guessed, and only {100 * confidence:.0f} % speak for its part and type")
    return tuple(doubts)


def measure_shown_motion(
    video: PointVideo, intrinsics: Float[np.ndarray, "3 3"], estimate: ArticulationEstimate
) -> list[ShownMotion]:
    """What the images show of each joint's part."""
    motions = part_motions(estimate)
    labels = np.where(video.valid, estimate.part_ids, 0)
    rows: list[list[np.ndarray]] = [[] for _ in estimate.joints]
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
                moved = motions[start + step, part] @ inverse(motions[start, part])
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
