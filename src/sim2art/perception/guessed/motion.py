"""Flow and motion where depth was guessed: told from the images, not from the difference of two guesses."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.captures.pose_checks import stands_still
from sim2art.perception.flow.dis import map_in_threads
from sim2art.perception.flow.lifted_flow import RETURN_SHARE, PixelFlow
from sim2art.perception.guessed.image_joint_fit import frame_values
from sim2art.perception.guessed.image_joint_search import find_image_joints
from sim2art.perception.guessed.image_joints import Edges, ImageJoint
from sim2art.perception.guessed.image_motions import (
    STRIDE,
    UNKNOWN,
    ImageMotions,
    find_image_motions,
    grid_pixels,
    label_motions,
)
from sim2art.perception.guessed.steady_depth import steady_depths
from sim2art.perception.masks.moving import keep_regions
from sim2art.perception.observed import SeenJoints

_MIN_SHIFT = 1.5
"""px beyond what the camera does, plus `RETURN_SHARE` of its flow, for a pixel to be seen moving."""
_MIN_IN_REGIONS = 0.65
"""Share of the moving pixels that lie in regions, from which on the others are taken for noise."""
_DEPTHS = (0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.2, 4.0, 50.0)
"""Of the guess: far walls and floors are guessed much too near, hardly anything much too far."""
_MIN_PAIRS = 2
_MIN_VOTES = 0.34
"""Share of the pairs with flow at a pixel that must show it moving."""
_MIN_MARGIN = 0.05
"""Share of what a joint explains, below which one of the other kind might as well have been chosen."""
_MAX_UNEXPLAINED = 0.5
_BLEND = 5.0
"""Half-size pixels over which the joints' corrections of depth are blended."""


@dataclass(frozen=True, kw_only=True)
class GuessedMotion:
    """A `FlowSource`: points move by the rigid motion that the images show of their surroundings."""

    depths: Float32[np.ndarray, "frame height width"]
    """Made steady over time."""
    motions: dict[tuple[int, int], ImageMotions]
    joints: tuple[ImageJoint, ...]
    """The one that explains most of what moves first."""
    unexplained: float
    """Share of what moves in the images that none of them explains, 0..1."""
    flows: dict[tuple[int, int], PixelFlow]
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]

    def seen_joints(self) -> SeenJoints:
        """The joints, with their values in the frames."""
        pairs, count = np.array(list(self.flows)).reshape(-1, 2), len(self.depths)
        return SeenJoints(
            axes=np.array([joint.axis for joint in self.joints]).reshape(-1, 3),
            pivots=np.array([joint.pivot for joint in self.joints]).reshape(-1, 3),
            slides=np.array([joint.slides for joint in self.joints], dtype=bool),
            values=np.array([frame_values(joint, pairs, count) for joint in self.joints]).reshape(-1, count).T,
        )

    def doubts(self) -> tuple[str, ...]:
        """Why the joints that the flow was told by may be others, in words for a person."""
        doubts = []
        if self.unexplained > _MAX_UNEXPLAINED:
            doubts.append(
                f"depth was guessed, and no joint explains {100 * self.unexplained:.0f} % of what moves in the images"
            )
        if self.joints and self.joints[0].margin < _MIN_MARGIN:
            kinds = ("sliding", "turning") if self.joints[0].slides else ("turning", "sliding")
            doubts.append(f"depth was guessed, and the images speak for {kinds[0]} hardly more than for {kinds[1]}")
        return tuple(doubts)

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame) of pixels from `frame` to `frame + baseline`, and whether it is known."""
        found = self.motions.get((frame, frame + baseline))
        if found is None:
            return np.zeros_like(points_world), np.zeros(len(points_world), dtype=bool)
        label = found.labels[pixels[:, 1] // STRIDE, pixels[:, 0] // STRIDE]
        camera = apply(inverse(self.world_from_camera[frame]), points_world)
        moved = apply(found.motions[np.maximum(label, 0)], camera[:, None])[:, 0]
        # What was measured is where a pixel goes; how far that is from the camera is what its motion says.
        x, y = pixels[:, 0], pixels[:, 1]
        pair = self.flows[frame, frame + baseline]
        measured = pixels + pair.flow[y, x].astype(np.float64)
        seen = pair.confident[y, x]
        moved = np.where(seen[:, None], unproject(self.intrinsics, measured, moved[:, 2]), moved)
        moved = apply(self.world_from_camera[frame + baseline], moved)
        known = label != UNKNOWN
        return np.where(known[:, None], moved - points_world, 0.0), known


def fit_guessed_motion(
    depths: Float32[np.ndarray, "frame height width"],
    flows: dict[tuple[int, int], PixelFlow],
    edges: Edges,
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    reach: Bool[np.ndarray, "frame half_height half_width"] | None = None,
    seed: int,
) -> GuessedMotion:
    """Joints that explain the flow between the used frames, and depths that agree with them.

    Args:
        depths: Guessed, of one scale, 0 where there is none.
        flows: Between pairs of frames, both ways.
        edges: Of the scene.
        intrinsics: px.
        world_from_camera: Camera poses.
        reach: Where arms can be: what moves there has no say in which joints there are.
        seed: Of the points that are looked at.
    """
    pairs = list(flows)
    still = {(a, b): inverse(world_from_camera[b]) @ world_from_camera[a] for a, b in pairs}

    def find(pair: tuple[int, int]) -> ImageMotions:
        rng = np.random.default_rng((seed, *pair))
        return find_image_motions(flows[pair], edges.slips[pair[0]], depths[pair[0]], intrinsics, still[pair], rng=rng)

    free = dict(zip(pairs, map_in_threads(find, pairs), strict=True))
    steady = steady_depths(depths, free, intrinsics)
    moving = _movers(steady, flows, intrinsics, world_from_camera, reach)
    joints, unexplained = find_image_joints(
        flows, edges, moving, free, steady, intrinsics, world_from_camera, rng=np.random.default_rng(seed)
    )
    spots = (grid_pixels(*depths.shape[1:]) - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]]
    factors = np.array([
        [np.ones(spots.shape[:2]), *(joint.depth_factors(frame, spots) for joint in joints)] for frame in range(len(depths))
    ])  # fmt: skip

    def label(index: int) -> ImageMotions:
        a, b = pairs[index]
        hung = [inverse(world_from_camera[b]) @ joint.motions()[index] @ world_from_camera[a] for joint in joints]
        return label_motions(
            flows[a, b], edges.slips[a], steady[a], intrinsics, np.array([still[a, b], *hung]), factors[a]
        )

    motions = dict(zip(pairs, map_in_threads(label, list(range(len(pairs)))), strict=True))
    return GuessedMotion(
        depths=_corrected(steady, motions, factors),
        motions=motions,
        joints=tuple(joints),
        unexplained=unexplained,
        flows=flows,
        intrinsics=intrinsics,
        world_from_camera=world_from_camera,
    )


def _corrected(
    depths: Float32[np.ndarray, "frame height width"],
    motions: dict[tuple[int, int], ImageMotions],
    factors: Float[np.ndarray, "frame motion half_height half_width"],
) -> Float32[np.ndarray, "frame height width"]:
    """Depths with the relief that the joints ask for, where most pairs of a frame say that a joint is followed."""
    height, width = depths.shape[1:]
    result = depths.copy()
    for frame in range(len(depths)):
        own = np.array([found.labels for (a, _), found in motions.items() if a == frame])
        if not len(own):
            continue
        votes = np.array([(own == k).mean(axis=0) for k in range(factors.shape[1])])
        shares = np.array([cv2.GaussianBlur(share, (0, 0), _BLEND) for share in votes])
        # Single pixels that follow a joint by chance must not be torn out of their surroundings.
        change = np.sum(shares * np.log(factors[frame]), axis=0) / np.maximum(shares.sum(axis=0), 1e-6)
        result[frame] *= np.exp(cv2.resize(change, (width, height))).astype(np.float32)
    return result


def find_moving_in_images(
    depths: Float32[np.ndarray, "frame height width"],
    flows: dict[tuple[int, int], PixelFlow],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame half_height half_width"]:
    """Regions that move, on every second row and column: at no depth would they stand still."""
    return _regions(_see_moving(depths, flows, intrinsics, world_from_camera))


def _movers(
    depths: np.ndarray, flows: dict[tuple[int, int], PixelFlow], intrinsics: np.ndarray, world_from_camera: np.ndarray,
    reach: np.ndarray | None,
) -> Bool[np.ndarray, "frame half_height half_width"]:  # fmt: skip
    """Pixels that move and have a say in which joints there are."""
    moving = _see_moving(depths, flows, intrinsics, world_from_camera)
    if reach is not None:
        moving &= ~reach
    regions = _regions(moving)
    if not stands_still(world_from_camera) and regions.sum() >= _MIN_IN_REGIONS * moving.sum():
        return regions
    return moving  # Little has texture: motion shows at single edges.


def _regions(
    moving: Bool[np.ndarray, "frame half_height half_width"],
) -> Bool[np.ndarray, "frame half_height half_width"]:
    return np.array([keep_regions(one) for one in moving])


def _see_moving(
    depths: Float32[np.ndarray, "frame height width"],
    flows: dict[tuple[int, int], PixelFlow],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame half_height half_width"]:
    """Pixels that at no depth would stand still in all pairs of their frame."""
    pixels = grid_pixels(*depths.shape[1:])
    moving = np.zeros((len(depths), *pixels.shape[:2]), dtype=bool)
    for a in range(len(depths)):
        own = [pair for pair in flows if pair[0] == a]
        if not own:
            continue
        depth = depths[a, ::STRIDE, ::STRIDE].astype(np.float64)
        known = np.array([flows[pair].confident[::STRIDE, ::STRIDE] for pair in own]) & (depth > 0)
        clear = known & np.array([flows[pair].beats_still[::STRIDE, ::STRIDE] for pair in own])
        y, x = np.nonzero(clear.sum(axis=0) >= _MIN_PAIRS)
        points = unproject(intrinsics, pixels[y, x], depth[y, x])
        votes = np.zeros((len(_DEPTHS) - 1, len(x)), dtype=int)
        for pair, tells in zip(own, clear[:, y, x], strict=True):
            still = inverse(world_from_camera[pair[1]]) @ world_from_camera[a]
            seen = np.array([project(intrinsics, apply(still, factor * points)) for factor in _DEPTHS])
            flow = flows[pair].flow[::STRIDE, ::STRIDE][y, x]
            off = _MIN_SHIFT + RETURN_SHARE * np.linalg.norm(flow, axis=-1)
            votes += tells & (_distance_to_segment(pixels[y, x] + flow, seen[:-1], seen[1:]) > off)
        least = votes.min(axis=0)
        moving[a, y, x] = (least >= _MIN_PAIRS) & (least >= _MIN_VOTES * known[:, y, x].sum(axis=0))
    return moving


def _distance_to_segment(
    point: Float[np.ndarray, "point 2"],
    start: Float[np.ndarray, "segment point 2"],
    end: Float[np.ndarray, "segment point 2"],
) -> Float[np.ndarray, "segment point"]:
    along = end - start
    share = np.sum((point - start) * along, axis=-1) / np.maximum(np.sum(along**2, axis=-1), 1e-12)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    return np.nan_to_num(np.linalg.norm(point - nearest, axis=-1), nan=0.0)
