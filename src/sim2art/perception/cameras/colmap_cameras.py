"""Camera poses, focal length and sparse depth from colour alone, by COLMAP through pycolmap (BSD-3-Clause).

Schoenberger and Frahm, "Structure-from-Motion Revisited", CVPR 2016. COLMAP's pixels begin at (0.5, 0.5) and its poses
are `camera_from_world`, OpenCV axes. What moves must be masked: without masks the poses follow the mover. Incremental
mapping only; global mapping crashed in pycolmap 4.2. The scale is COLMAP's own, the world the first solved camera's frame.
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.errors import InvalidFileError
from sim2art.geometry.transforms import inverse, make_transform
from sim2art.optional import require
from sim2art.perception.cameras.colmap_matches import add_corners, write_matches
from sim2art.perception.cameras.view_change import field_of_view, is_usual_view
from sim2art.perception.captures.capture import scale_intrinsics
from sim2art.perception.tasks import SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks
from sim2art.perception.tracks.track_agreement import ENOUGH, tracks_agree

_SIDE = 640
"""px of the longer side at which COLMAP sees the images: features take half the time that they take at 960 px."""
_ATTEMPTS = 6
_WITH_CORNERS = 3
"""Attempts after which corners are added to what COLMAP's own features are matched by."""
_FEWEST = 0.5
"""Share of the frames that must be solved."""
_BETTER = 0.02
"""By how much a later attempt must explain more of it to be taken instead."""
_SEED = 0
_MIN_ANGLE_DEG = 4.0
"""Between the first two cameras; COLMAP's own 16 deg are more than many people walk in a short video."""
_MIN_INLIERS_FIRST, _MIN_INLIERS = 50, 15
"""Points that the first two frames, and each further one, must share; half of what COLMAP asks for."""
HOW_ELSE = (
    "Move the camera sideways, slowly, with a textured background in view; or put it on a tripod and pass --cameras "
    "static; or record with a depth camera."
)


def solve_cameras(
    grays: UInt8[np.ndarray, "frame height width"],
    still: Bool[np.ndarray, "frame height width"],
    tracks: CornerTracks,
    moving: Bool[np.ndarray, "track"],
    intrinsics: Float[np.ndarray, "3 3"] | None,
    what: Path,
) -> SparseCameras:
    """Solve for the cameras of a video.

    Args:
        grays: Images.
        still: False where something moves by itself.
        tracks: Corners followed through the images.
        moving: Which of them move by themselves.
        intrinsics: px, kept as they are; None lets COLMAP find the focal length.
        what: The recording, for the error message.

    Raises:
        InvalidFileError: When the camera can be solved for hardly any frames.
    """
    pycolmap: Any = require("pycolmap", extra="light")
    pycolmap.logging.minloglevel = 3  # That it found nothing is said in our words.
    pycolmap.set_random_seed(_SEED)
    size = (grays.shape[1], grays.shape[2])
    scale = min(1.0, _SIDE / max(size))
    grays, still, seen, known = _shrink(scale, grays, still, tracks, intrinsics)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        database = write_matches(pycolmap, folder, grays, still, known)
        best: SparseCameras | None = None
        best_worth, before, attempt = (False, 0.0), (False, 0.0), 0
        while attempt < _ATTEMPTS:  # What it begins with decides whether it finds the rest.
            if attempt == _WITH_CORNERS:
                add_corners(pycolmap, database, seen, still)
            model = _map(pycolmap, database, folder, focal_is_known=intrinsics is not None, seed=_SEED + attempt)
            attempt += 1
            if model is None:
                continue
            found = _enlarge(_collect(model, len(grays), grays.shape[1:]), scale)
            worth = _worth(found, tracks, moving, size)
            if best is None or worth > (best_worth[0], best_worth[1] + _BETTER):
                best, best_worth = found, worth
            if best_worth >= (True, ENOUGH):
                break
            if worth[0] and before[0] and abs(worth[1] - before[1]) < _BETTER:
                # Two beginnings led to the same: a third will. Corners may tell more.
                attempt, worth = (_WITH_CORNERS if attempt <= _WITH_CORNERS else _ATTEMPTS), (False, 0.0)
            before = worth
    if best is None or best.solved.sum() < max(3, _FEWEST * len(grays)):
        solved = 0 if best is None else best.solved.sum()
        raise InvalidFileError(
            f"{what}: the camera's motion could be solved for {solved} of {len(grays)} frames only. {HOW_ELSE}",
            path=what,
        )
    return best


def _shrink(
    scale: float, grays: UInt8[np.ndarray, "frame height width"], still: Bool[np.ndarray, "frame height width"],
    tracks: CornerTracks, intrinsics: Float[np.ndarray, "3 3"] | None,
) -> tuple[np.ndarray, np.ndarray, CornerTracks, Float[np.ndarray, "3 3"] | None]:  # fmt: skip
    """Images, masks, corners and intrinsics at `scale` times their size; as COLMAP sees them."""
    if scale == 1.0:
        return grays, still, tracks, intrinsics
    size = (round(scale * grays.shape[2]), round(scale * grays.shape[1]))
    small = np.array([cv2.resize(gray, size, interpolation=cv2.INTER_AREA) for gray in grays])
    masks = np.array([cv2.resize(own.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for own in still]) > 0
    # The centre of the first pixel is (0, 0).
    pixels = (scale * (tracks.pixels + 0.5) - 0.5).astype(np.float32)
    known = None if intrinsics is None else scale_intrinsics(intrinsics, scale, scale)
    return small, masks, dataclasses.replace(tracks, pixels=pixels), known


def _enlarge(cameras: SparseCameras, scale: float) -> SparseCameras:
    """What was solved at `scale` times the images' size, in px of the images."""
    if scale == 1.0:
        return cameras
    return dataclasses.replace(
        cameras, intrinsics=scale_intrinsics(cameras.intrinsics, 1 / scale, 1 / scale),
        pixels=(cameras.pixels + 0.5) / scale - 0.5, residual=cameras.residual / scale,
    )  # fmt: skip


def _worth(
    cameras: SparseCameras, tracks: CornerTracks, moving: Bool[np.ndarray, "track"], size: tuple[int, int]
) -> tuple[bool, float]:
    """Whether a solution may be the right one, and the share of the corners' observations that it has and explains, about."""
    share = float(cameras.solved.mean())
    usual = share >= _FEWEST and is_usual_view(field_of_view(cameras.intrinsics, size))
    return usual, share * tracks_agree(cameras, tracks, moving)


def _map(pycolmap: Any, database: Path, folder: Path, *, focal_is_known: bool, seed: int) -> Any:
    """The largest model that incremental mapping finds, or None."""
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = 1  # With more, the same seed does not give the same model.
    options.random_seed = seed
    options.multiple_models = False
    options.min_model_size = 3
    options.ba_refine_focal_length = not focal_is_known
    options.ba_refine_principal_point = False
    options.ba_refine_extra_params = False
    options.mapper.init_min_tri_angle = _MIN_ANGLE_DEG
    options.mapper.init_min_num_inliers = _MIN_INLIERS_FIRST
    options.mapper.abs_pose_min_num_inliers = _MIN_INLIERS
    models_folder = folder / f"models_{seed}"
    models_folder.mkdir()
    models = pycolmap.incremental_mapping(database, folder / "images", models_folder, options)
    return max(models.values(), key=lambda model: model.num_reg_images(), default=None)


def _collect(model: Any, num_frames: int, size: tuple[int, int]) -> SparseCameras:
    """What a COLMAP model says, in our conventions."""
    poses = np.tile(np.eye(4), (num_frames, 1, 1))
    solved = np.zeros(num_frames, dtype=bool)
    frames, pixels, depths = [], [], []
    for image in model.images.values():
        if not image.has_pose:
            continue
        frame = int(Path(image.name).stem)
        found = image.cam_from_world()
        camera_from_world = make_transform(found.rotation.matrix(), found.translation)
        poses[frame], solved[frame] = inverse(camera_from_world), True
        points = [point for point in image.points2D if point.has_point3D()]
        world = np.array([model.points3D[point.point3D_id].xyz for point in points]).reshape(-1, 3)
        z = world @ camera_from_world[2, :3] + camera_from_world[2, 3]
        frames.append(np.full(len(points), frame))
        pixels.append(np.array([point.xy for point in points]).reshape(-1, 2) - 0.5)
        depths.append(z)
    k = np.array(next(iter(model.cameras.values())).calibration_matrix(), dtype=np.float64)
    k[:2, 2] -= 0.5
    frame, pixel, depth = (np.concatenate(rows) for rows in (frames, pixels, depths))
    inside = (depth > 0) & np.all((pixel >= 0) & (pixel <= np.array(size[::-1]) - 1), axis=1)
    first = int(np.flatnonzero(solved)[0])
    return SparseCameras(
        world_from_camera=inverse(poses[first]) @ poses,
        solved=solved,
        intrinsics=k,
        frame=frame[inside],
        pixels=pixel[inside],
        depths=depth[inside],
        residual=float(model.compute_mean_reprojection_error()),
    )
