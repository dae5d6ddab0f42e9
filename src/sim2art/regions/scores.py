"""How well each region lines up in other frames under each motion.

A region's points are carried by a motion into other frames, and their look is compared with what is there. The gain of a
motion is the log density of what is found over that of what would be found at a place nearby by chance: 0 says nothing, blank
surfaces cannot say more, and what is not there costs. What a wrong depth does is known: it moves a carried pixel along a
line, and so far; the noise of its look grows by that. A coarse error, which all points of a region share, is one of a few
factors.
"""

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.regions.appearance import NUM_CHANNELS, Noise, change_of, distinctness, fit_noise, look_at_image, sample
from sim2art.regions.kernels import carried_points, moved_shares, region_odds
from sim2art.regions.segmentation import segment
from sim2art.regions.surfaces import flatten

SIZE = 384
"""px of the longer side at which images are compared."""
POINTS = 60
"""Of a region, at most."""
FACTORS = (0.83, 1.0, 1.2)
"""Of guessed depth."""
SHADING = np.array([6.0, 2.0, 2.0])
"""Sigmas of L, a, b by which a region changes as a whole from frame to frame."""
INDEPENDENT_FRAMES = 4.0
"""What is wrong of a depth or of a joint is wrong in all frames alike: they count as so many."""
_AREA = 30.0
"""px that have one look, as it was smoothed: neighbours say the same."""
_MAX_COUNT = 25.0
"""Of independent looks of a region: what is wrong of a motion or a depth is wrong at all points alike."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Frames, at the size at which they are compared."""

    images: UInt8[np.ndarray, "frame height width 3"]
    depths: Float[np.ndarray, "frame height width"]
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    regions: list[Int[np.ndarray, "height width"]]
    looks: list[np.ndarray]
    changes: list[np.ndarray]
    noise: Noise
    depth_sigma: float
    factors: tuple[float, ...]

    @property
    def num_frames(self) -> int:
        return len(self.images)

    def camera_motions(self, motions: Float[np.ndarray, "frame 4 4"], frame: int) -> Float[np.ndarray, "frame 4 4"]:
        """What carries points of `frame`'s camera into the cameras of all frames, under world motions from rest."""
        to_camera = inverse(self.world_from_camera)
        return to_camera @ motions @ inverse(motions[frame]) @ self.world_from_camera[frame]


def prepare_scene(
    images: UInt8[np.ndarray, "frame height width 3"],
    depths: Float[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    depth_sigma: float,
    factors: tuple[float, ...] = FACTORS,
    people: Bool[np.ndarray, "frame height width"] | None = None,
    size: int = SIZE,
) -> Scene:
    """Cut frames into regions and fit the noise of what stands still.

    Args:
        images: RGB.
        depths: 0 where there is none.
        intrinsics: px.
        world_from_camera: Camera poses.
        depth_sigma: Of the logarithm of depth: small where it was measured.
        factors: By which the depth of a whole region may have to be multiplied; (1,) where it was measured.
        people: What moves as it likes; it is asked nothing.
        size: Longer side of the images that are compared, px.
    """
    scale = size / max(images.shape[1:3])
    shape = (round(images.shape[2] * scale), round(images.shape[1] * scale))
    small = np.array([cv2.resize(image, shape, interpolation=cv2.INTER_AREA) for image in images])
    regions = [segment(image) for image in small]
    flat = []
    for frame, depth in enumerate(depths):
        known = depth if people is None else np.where(people[frame], 0, depth)
        coarse = cv2.resize(known.astype(np.float32), shape, interpolation=cv2.INTER_NEAREST)
        # A region that people touch ends where they begin.
        flat.append(np.where((coarse > 0) | (people is None), flatten(coarse, regions[frame]), 0.0))
    looks = [look_at_image(image) for image in small]
    scene = Scene(
        images=small, depths=np.array(flat), world_from_camera=world_from_camera, regions=regions, looks=looks,
        intrinsics=intrinsics * np.array([[shape[0] / images.shape[2]], [shape[1] / images.shape[1]], [1.0]]),
        changes=[change_of(look) for look in looks], noise=Noise(level=np.ones(NUM_CHANNELS), shift=1.0),
        depth_sigma=depth_sigma, factors=factors,
    )  # fmt: skip
    scene = dataclasses.replace(scene, noise=_static_noise(scene))
    return dataclasses.replace(scene, noise=dataclasses.replace(scene.noise, blank=_blank_odds(scene)))


def _blank_odds(scene: Scene) -> float:
    """Log odds against chance at the flat half of what stands still."""
    rng = np.random.default_rng(0)
    still = np.broadcast_to(np.eye(4), (scene.num_frames, 4, 4))
    found = []
    for frame in range(0, scene.num_frames - 1, max(1, scene.num_frames // 6)):
        points = draw_points(scene, frame, rng, most=20)
        steep = np.sum(points.changes[:, :3] ** 2, axis=(1, 2))
        seen = carry_points(scene, points, still, np.array([frame + 1]), points.depths)
        found.append(seen.found[0, (seen.place[0] >= 0) & (steep <= np.median(steep))])
    told = np.concatenate(found) if found else np.zeros(0)
    return min(float(np.median(told)), 0.0) if len(told) else 0.0


def _static_noise(scene: Scene) -> Noise:
    height, width = scene.images.shape[1:3]
    y, x = (grid.ravel() for grid in np.mgrid[3 : height - 3 : 5, 3 : width - 3 : 5])
    pixels = np.stack([x, y], axis=1).astype(np.float64)
    still = np.broadcast_to(np.eye(4), (scene.num_frames, 4, 4))
    rows, slopes = [], []
    for frame in range(scene.num_frames):
        depth = scene.depths[frame, y, x]
        for other in (frame - 2, frame - 1, frame + 1, frame + 2):
            if not 0 <= other < scene.num_frames:
                continue
            motion = scene.camera_motions(still, frame)[other]
            target, seen = carry(scene, pixels, depth, motion)
            rows.append((sample(scene.looks[other], target) - scene.looks[frame][y, x])[seen])
            slopes.append(scene.changes[frame][y, x][seen])
    return fit_noise(np.concatenate(rows), np.concatenate(slopes))


def carry(scene: Scene, pixels: np.ndarray, depths: np.ndarray, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points of one camera are seen by another, and which of them it can see."""
    height, width = scene.images.shape[1:3]
    points = apply(motion, unproject(scene.intrinsics, pixels, depths))
    target = np.nan_to_num(project(scene.intrinsics, points), nan=-1e4, posinf=-1e4, neginf=-1e4)
    seen = (depths > 0) & (points[..., 2] > 1e-6) & (target[..., 0] >= 0) & (target[..., 1] >= 0)
    seen &= (target[..., 0] <= width - 1) & (target[..., 1] <= height - 1)
    return np.clip(target, -10, max(height, width) + 10), seen


@dataclass(frozen=True, kw_only=True)
class RegionPoints:
    """Pixels that stand for the regions of a frame, with all that carrying them needs."""

    frame: int
    pixels: Float[np.ndarray, "point 2"]
    region: Int[np.ndarray, "point"]
    areas: Int[np.ndarray, "region"]
    rays: Float[np.ndarray, "point 3"]
    depths: Float[np.ndarray, "point"]
    own: Float[np.ndarray, "point channel"]
    variances: Float[np.ndarray, "point channel"]
    changes: Float[np.ndarray, "point channel 2"]
    chance: Float[np.ndarray, "point"]

    @property
    def counts(self) -> Int[np.ndarray, "region"]:
        return np.bincount(self.region, minlength=len(self.areas))

    @property
    def looks(self) -> Float[np.ndarray, "region"]:
        """Independent looks of each region."""
        return np.minimum(self.areas / _AREA, _MAX_COUNT)

    def take(self, chosen: np.ndarray) -> "RegionPoints":
        names = ("pixels", "region", "rays", "depths", "own", "variances", "changes", "chance")
        return dataclasses.replace(self, **{name: getattr(self, name)[chosen] for name in names})


def draw_points(scene: Scene, frame: int, rng: np.random.Generator, *, most: int = POINTS) -> RegionPoints:
    """Up to `most` pixels of each region, away from its border where it is wide enough."""
    regions = scene.regions[frame]

    border = np.zeros(regions.shape, bool)
    across = regions[:, 1:] != regions[:, :-1]
    border[:, 1:] |= across
    border[:, :-1] |= across
    down = regions[1:] != regions[:-1]
    border[1:] |= down
    border[:-1] |= down
    depth = cv2.distanceTransform((~border).astype(np.uint8), cv2.DIST_L2, 3).ravel()
    flat = regions.ravel()
    areas = np.bincount(flat)
    # Inside first, in random order.
    order = np.lexsort((rng.random(len(flat)), depth < 1.5, flat))
    starts = np.concatenate([[0], np.cumsum(areas)[:-1]])
    rank = np.arange(len(flat)) - starts[flat[order]]
    inner = np.bincount(flat, weights=depth >= 1.5)
    allowed = np.minimum(most, np.maximum(inner, np.minimum(areas, 20)))
    chosen = order[rank < allowed[flat[order]]]
    y, x = chosen // regions.shape[1], chosen % regions.shape[1]
    pixels = np.stack([x, y], axis=1).astype(np.float64)
    changes = scene.changes[frame][y, x]
    sigmas = scene.noise.sigmas(changes)
    return RegionPoints(
        frame=frame, pixels=pixels, region=flat[chosen], areas=areas, rays=unproject(scene.intrinsics, pixels, np.ones(len(x))),
        depths=scene.depths[frame, y, x], own=scene.looks[frame][y, x], variances=sigmas**2, changes=changes,
        chance=distinctness(scene.looks[frame], pixels, sigmas, scene.noise.level) + scene.noise.blank,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What carrying the points of a frame into others found."""

    found: Float[np.ndarray, "other point"]
    """Log odds of each point's look."""
    place: Int[np.ndarray, "other point"]
    """Pixel that it comes to, -1 outside."""
    extra: Float[np.ndarray, "other region"]
    """To be added for regions."""

    def odds(self, points: RegionPoints) -> Float[np.ndarray, "other region"]:
        """Log odds of whole regions."""
        return np.array([
            region_odds(one, place, extra, points.region, points.looks)
            for one, place, extra in zip(self.found, self.place, self.extra, strict=True)
        ])  # fmt: skip

    def moved(self, still: "Observations", points: RegionPoints, width: int) -> Float[np.ndarray, "other region"]:
        """Share of each region that comes elsewhere than if it stood still."""
        return np.array([
            moved_shares(own, other, width, points.region, len(points.areas)) for own, other in zip(self.place, still.place, strict=True)
        ])  # fmt: skip


def carry_points(
    scene: Scene, points: RegionPoints, motions: Float[np.ndarray, "frame 4 4"], others: Int[np.ndarray, "other"],
    depths: Float[np.ndarray, "point"],
) -> Observations:  # fmt: skip
    """Look for the points of a frame in others, under the world motions from rest of a part."""
    to_others = scene.camera_motions(motions, points.frame)
    log_level = float(np.log(scene.noise.level).sum())
    found, place, extra = zip(*[
        carried_points(
            scene.looks[other], scene.intrinsics, to_others[other], points.rays, depths, points.own, points.variances,
            points.changes, points.chance, points.region, len(points.areas), SHADING, scene.depth_sigma, log_level,
        )
        for other in others], strict=True)  # fmt: skip
    return Observations(found=np.array(found), place=np.array(place), extra=np.array(extra))


def advantage(
    odds: Float[np.ndarray, "other region"],
    still: Float[np.ndarray, "other region"],
    moved: Float[np.ndarray, "other region"],
) -> Float[np.ndarray, "region"]:
    """Log odds of a motion against standing still, each in the better half of the frames that tell them apart."""
    return INDEPENDENT_FRAMES * (better_half(odds, moved) - better_half(still, moved))


def better_half(
    odds: Float[np.ndarray, "other region"], weights: Float[np.ndarray, "other region"]
) -> Float[np.ndarray, "region"]:
    """Weighted mean of the highest, of half the weight; of less than one frame's weight as if others said nothing."""
    order = np.argsort(-odds, axis=0)
    weights = np.take_along_axis(weights, order, axis=0)
    half = 0.5 * weights.sum(axis=0)
    kept = np.clip(half - (np.cumsum(weights, axis=0) - weights), 0, weights)
    return np.sum(kept * np.take_along_axis(odds, order, axis=0), axis=0) / np.maximum(half, 1.0)
