"""How the view of a moving camera changes: what corners tell about it before, and solved cameras after, COLMAP is asked.

Structure from motion needs parallax and a scene with depth (Hartley and Zisserman, "Multiple View Geometry", Ch. 11 and 22).
A camera that turns on the spot sees no parallax: any depth would do. If all that stands still lies in one plane, one
homography explains any two images, and few of them do not tell the focal length. COLMAP answers in both cases, sometimes wrongly.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from jaxtyping import Bool, Float

from sim2art.geometry.cameras import unproject
from sim2art.perception.cameras.turning import fit_rotation, pixel_rays
from sim2art.perception.tasks import SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks

_GAPS = (0.25, 0.5, 0.75)
"""Frames that are compared lie this share of the recording apart."""
_MIN_CORNERS = 30
_MAX_MISS = 1.5
"""px from where a homography or a turn puts a corner."""
_EXPLAINED = 0.9
MAX_SHAKE = 1.6
"""px: a camera on a tripod that was knocked moves corners by no more."""
STAYED = 0.4
"""Share of corners or of the image, movers among them, that stay within a shake of their place when the camera stands still."""
_FOVS_DEG = tuple(range(30, 91, 5))
"""Of the longer side; a turn is tried with each, as the focal length is not known."""
_TINY_ANGLE_DEG = 2.5
_FLAT_SHARE = 0.02
"""Points within this share of their distance from a plane lie in it."""
_FOV_LIMITS_DEG = (30.0, 95.0)


def is_usual_view(fov_deg: float) -> bool:
    """Whether many cameras have such a field of view, along the longer side."""
    low, high = _FOV_LIMITS_DEG
    return low <= fov_deg <= high


def field_of_view(intrinsics: Float[np.ndarray, "3 3"], size: tuple[int, int]) -> float:
    """Of the longer side, deg; `size` is height and width (px)."""
    return float(np.rad2deg(2 * np.arctan(0.5 * max(size) / intrinsics[0, 0])))


class ViewChange(StrEnum):
    """What a camera's motion gives structure from motion to go by."""

    FULL = "full"
    """Parallax over a scene with depth."""
    FLAT = "flat"
    """All that stands still lies in one plane."""
    TURN = "turn"
    """The camera turned and did not move."""
    STILL = "still"
    """The camera stood still but for a shake."""
    UNKNOWN = "unknown"
    """Too few corners to tell."""


def judge_view_change(
    tracks: CornerTracks, moving: Bool[np.ndarray, "track"], size: tuple[int, int], num_frames: int
) -> ViewChange:
    """What corners that stand still tell, by the steps in which enough are seen; `size` is height and width (px)."""
    everything = _match_apart(tracks, np.zeros(tracks.num_tracks, dtype=bool), num_frames)
    if everything and min(np.median([_stayed_share(*pair) for pair in pairs]) for pairs in everything) > STAYED:
        return ViewChange.STILL
    apart = _match_apart(tracks, moving, num_frames)
    if not apart:
        return ViewChange.UNKNOWN
    turned = [
        np.median([max(_rotation_share(*pair, size, fov) for fov in _FOVS_DEG) for pair in pairs]) for pairs in apart
    ]
    if min(turned) > _EXPLAINED:
        return ViewChange.TURN
    flat = [np.median([_homography_share(*pair) for pair in pairs]) for pairs in apart]
    return ViewChange.FLAT if min(flat) > _EXPLAINED else ViewChange.FULL


def _match_apart(
    tracks: CornerTracks, moving: Bool[np.ndarray, "track"], num_frames: int
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Places of the same still corners in two frames, for each gap at which pairs of frames have enough in common.

    A camera that goes and comes back has seen parallax, though frames far apart may look alike: hence every gap.
    """
    by_frame = [np.flatnonzero((tracks.frame == frame) & ~moving[tracks.track]) for frame in range(num_frames)]
    found = []
    for gap in sorted({max(1, int(share * num_frames)) for share in _GAPS}):
        pairs = []
        for frame in range(0, num_frames - gap, max(1, num_frames // 8)):
            a, b = by_frame[frame], by_frame[frame + gap]
            _, in_a, in_b = np.intersect1d(tracks.track[a], tracks.track[b], return_indices=True)
            if len(in_a) >= _MIN_CORNERS:
                pairs.append((tracks.pixels[a[in_a]].astype(np.float64), tracks.pixels[b[in_b]].astype(np.float64)))
        if len(pairs) >= 2:
            found.append(pairs)
    return found


def _stayed_share(a: Float[np.ndarray, "corner 2"], b: Float[np.ndarray, "corner 2"]) -> float:
    return float(np.mean(np.linalg.norm(a - b, axis=1) < MAX_SHAKE))


def _homography_share(a: Float[np.ndarray, "corner 2"], b: Float[np.ndarray, "corner 2"]) -> float:
    matrix, _ = cv2.findHomography(a, b, cv2.USAC_MAGSAC, _MAX_MISS)
    if matrix is None:
        return 0.0
    there = cv2.perspectiveTransform(a[:, None], matrix)[:, 0]
    return float(np.mean(np.linalg.norm(there - b, axis=1) < _MAX_MISS))


def _rotation_share(
    a: Float[np.ndarray, "corner 2"], b: Float[np.ndarray, "corner 2"], size: tuple[int, int], fov_deg: float
) -> float:
    """Share of corners that one turn of a camera with this field of view brings to their places."""
    focal = 0.5 * max(size) / np.tan(0.5 * np.deg2rad(fov_deg))
    k = np.array([[focal, 0, 0.5 * (size[1] - 1)], [0, focal, 0.5 * (size[0] - 1)], [0, 0, 1.0]])
    _, miss = fit_rotation(pixel_rays(a, k), pixel_rays(b, k))
    return float(np.mean(focal * miss < _MAX_MISS))


@dataclass(frozen=True, kw_only=True)
class SolvedView:
    """What solved cameras tell about themselves."""

    angle_deg: float
    """Angle between the cameras that lie farthest apart, as seen from a usual point."""
    flat_share: float
    """Share of the points that lie in one plane."""
    fov_deg: float
    """Of the longer side."""

    @property
    def has_odd_view(self) -> bool:
        """Whether the field of view is one that few cameras have."""
        return not is_usual_view(self.fov_deg)

    @property
    def is_flat(self) -> bool:
        """Whether nearly all points lie in one plane."""
        return self.flat_share > _EXPLAINED

    def warnings(self) -> list[str]:
        """Reasons to doubt the cameras, in words for a person."""
        told = []
        if self.angle_deg < _TINY_ANGLE_DEG:
            told.append(
                f"The camera hardly moved (what stands still is seen from directions {self.angle_deg:.1f} deg apart at most): its "
                "poses and the depth fitted to them are unsure. Move it farther sideways, or put it on a tripod and pass "
                "--cameras static."
            )
        if self.is_flat:
            told.append(
                f"Nearly all that stands still lies in one plane ({100 * self.flat_share:.0f} % of the points): the camera's motion and "
                "focal length are unsure. Pass --fov, or have things at several depths in view."
            )
        if self.has_odd_view:
            told.append(
                f"COLMAP found a field of view of {self.fov_deg:.0f} deg, which few cameras have: the result may be wrong. "
                "Pass --fov if you know it."
            )
        return told


def judge_solved(cameras: SparseCameras, size: tuple[int, int]) -> SolvedView:
    """Look at solved cameras for what makes them doubtful; `size` is height and width (px)."""
    centres = cameras.world_from_camera[cameras.solved][:, :3, 3]
    reach = float(np.max(np.linalg.norm(centres[:, None] - centres[None], axis=-1))) if len(centres) else 0.0
    typical = float(np.median(cameras.depths)) if len(cameras.depths) else 1.0
    local = unproject(cameras.intrinsics, cameras.pixels, cameras.depths)
    poses = cameras.world_from_camera[cameras.frame]
    points = np.einsum("nij,nj->ni", poses[:, :3, :3], local) + poses[:, :3, 3]
    return SolvedView(
        angle_deg=float(np.rad2deg(2 * np.arctan2(0.5 * reach, typical))),
        flat_share=_plane_share(points, typical),
        fov_deg=field_of_view(cameras.intrinsics, size),
    )


def _plane_share(points: Float[np.ndarray, "point 3"], distance: float) -> float:
    """Largest share of points near one plane, among planes through three random points."""
    if len(points) < _MIN_CORNERS:
        return 0.0
    rng = np.random.default_rng(0)
    some = points[rng.choice(len(points), min(len(points), 1500), replace=False)]
    best = 0.0
    for _ in range(200):
        a, b, c = some[rng.choice(len(some), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = float(np.linalg.norm(normal))
        if length > 1e-9:
            best = max(best, float(np.mean(np.abs((some - a) @ (normal / length)) < _FLAT_SHARE * distance)))
    return best
