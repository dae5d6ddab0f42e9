"""Cameras of a recording of colour: solved from corners, by COLMAP or as turns on the spot, with what moves left out.

What of the frames could be solved comes with depths of one scale.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.cameras.guessed_intrinsics import guess_intrinsics
from sim2art.perception.cameras.turning import align_turning, solve_turning
from sim2art.perception.cameras.view_change import ViewChange, judge_solved, judge_view_change
from sim2art.perception.depth.alignment import align_static, align_to_sparse, guessed_focal_length, sparse_error
from sim2art.perception.tasks import DepthGuess, SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks, track_corners
from sim2art.perception.tracks.mover_masks import find_moving_tracks, find_still_pixels
from sim2art.perception.tracks.track_agreement import ENOUGH, tracks_agree

_MAX_SPARSE_ERROR = 0.15


@dataclass(frozen=True, kw_only=True)
class ColorFrames:
    """Frames of colour at the working size, each with a guess of its depth."""

    path: Path
    """Of the recording."""
    indices: Int[np.ndarray, "frame"]
    """Positions in the recording."""
    grays: UInt8[np.ndarray, "frame height width"]
    bars: Bool[np.ndarray, "height width"]
    """Black bars at the image's rim."""
    guesses: list[DepthGuess]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.grays.shape[1], self.grays.shape[2]

    @property
    def everything(self) -> Int[np.ndarray, "frame"]:
        """All frames, by their places among these."""
        return np.arange(len(self.grays))

    def track(self) -> CornerTracks:
        """Corners of the whole image, followed."""
        return track_corners(self.grays, lambda _: np.ones(self.size, np.float32))

    def depths(self) -> Float32[np.ndarray, "frame height width"]:
        """Depths as they were guessed."""
        return np.array([cv2.resize(g.values, self.size[::-1], interpolation=cv2.INTER_NEAREST) for g in self.guesses])


@dataclass(frozen=True, kw_only=True)
class SolvedFrames:
    """The frames whose cameras are known, or are to be followed later."""

    kept: Int[np.ndarray, "kept"]
    """Their places among the `ColorFrames`."""
    depths: Float32[np.ndarray, "kept height width"]
    intrinsics: Float[np.ndarray, "3 3"]
    """px, at the working size."""
    world_from_camera: Float[np.ndarray, "kept 4 4"] | None
    """None leaves the camera to be tracked with the depth."""


def solve_color_cameras(
    frames: ColorFrames,
    tracks: CornerTracks,
    known: Float[np.ndarray, "3 3"] | None,
    warnings: list[str],
    *,
    keep_odd: bool,
) -> SolvedFrames:
    """Cameras, by COLMAP where the corners give it something to go by.

    Args:
        frames: All of them.
        tracks: Their corners.
        known: Intrinsics, px.
        warnings: Grows.
        keep_odd: Whether a solution with an odd field of view, or of one plane and little else, is taken; else it is refused.

    Raises:
        InvalidFileError: When nothing could be solved, or what was found is refused.
    """
    grays, guesses, size = frames.grays, frames.guesses, frames.size
    moving = find_moving_tracks(tracks, len(grays))
    change = judge_view_change(tracks, moving, size, len(grays))
    if change is ViewChange.STILL:
        warnings.append("The camera stands still but for a shake: no motion of it was solved for.")
        return SolvedFrames(
            kept=frames.everything,
            intrinsics=guess_intrinsics(known, guesses, size, warnings),
            depths=align_static(guesses, grays),
            world_from_camera=np.tile(np.eye(4), (len(grays), 1, 1)),
        )
    if change is ViewChange.TURN:
        warnings.append(
            "The camera turns on the spot: no parallax tells how far things are. Its turns were found from corners, and the "
            "guessed depth stands as it is. Move the camera sideways for better depth."
        )
        intrinsics = guess_intrinsics(known, guesses, size, warnings)
        poses = solve_turning(tracks, moving, intrinsics, len(grays))
        depths = align_turning(guesses, poses, intrinsics, size)
        return SolvedFrames(kept=frames.everything, depths=depths, intrinsics=intrinsics, world_from_camera=poses)
    return _solve_by_colmap(
        frames, tracks, moving, known, warnings, keep_odd=keep_odd, is_flat=change is ViewChange.FLAT
    )


def _solve_by_colmap(
    frames: ColorFrames,
    tracks: CornerTracks,
    moving: Bool[np.ndarray, "track"],
    known: Float[np.ndarray, "3 3"] | None,
    warnings: list[str],
    *,
    keep_odd: bool,
    is_flat: bool,
) -> SolvedFrames:
    """The same where the views differ; `is_flat`: by what one plane shows."""
    from sim2art.perception.cameras.colmap_cameras import solve_cameras

    grays, guesses, size = frames.grays, frames.guesses, frames.size
    still = find_still_pixels(tracks, grays, moving) & ~frames.bars
    cameras = None
    if known is None and guessed_focal_length(guesses) is not None:
        told: list[str] = []
        guess = guess_intrinsics(None, guesses, size, told)
        with suppress(InvalidFileError):  # The component's guess may be what does not fit.
            cameras, known = solve_cameras(grays, still, tracks, moving, guess, frames.path), guess
            warnings.extend(told)
    cameras = cameras or solve_cameras(grays, still, tracks, moving, known, frames.path)
    if known is None and is_flat and judge_solved(cameras, size).has_odd_view:
        # Many views of one plane tell the focal length, few do not: then a usual one is the better guess.
        known = guess_intrinsics(None, guesses, size, warnings)
        cameras = solve_cameras(grays, still, tracks, moving, known, frames.path)
    solved = judge_solved(cameras, size)
    if not keep_odd:
        doubt = None
        if solved.has_odd_view and known is None:
            # What moves may have been taken for what stands still: that explains the images by a lens nobody has.
            doubt = f"needs a field of view of {solved.fov_deg:.0f} deg, which few cameras have"
        elif solved.is_flat and (agreement := tracks_agree(cameras, tracks, moving)) < ENOUGH:
            # Or a door's leaf, which fills the image, and not what is around it.
            doubt = f"explains one plane, and only {100 * agreement:.0f} % of the corners that were followed"
        if doubt is not None:
            raise InvalidFileError(f"{frames.path}: COLMAP's solution {doubt}.", path=frames.path)
    warnings.extend(solved.warnings())
    return _at_their_scale(frames, cameras, warnings)


def _at_their_scale(frames: ColorFrames, cameras: SparseCameras, warnings: list[str]) -> SolvedFrames:
    """Depths and solved cameras at one scale, without the frames that could not be solved."""
    depths, scale, lost = align_to_sparse(frames.guesses, cameras, frames.size)
    kept = np.array([i for i in frames.everything if i not in set(lost)])
    warnings.append(
        f"The camera was solved from colour ({cameras.residual:.2f} px mean error, focal length {cameras.intrinsics[0, 0]:.0f} px)."
    )
    if lost:
        warnings.append(f"{len(lost)} of {len(frames.grays)} frames could not be solved: they are left out.")
    error = sparse_error(depths, cameras, scale, kept)
    if error > _MAX_SPARSE_ERROR:
        warnings.append(
            f"The guessed depth fits the camera's motion badly (off by {100 * error:.0f} %): the result may be wrong."
        )
    poses = cameras.world_from_camera[kept].copy()
    poses[:, :3, 3] *= scale
    return SolvedFrames(kept=kept, depths=depths[kept], intrinsics=cameras.intrinsics, world_from_camera=poses)
