"""What COLMAP is given to solve cameras with: SIFT features, and if need be corners that were followed through the video.

SIFT knows a point again from afar and places it well, but finds few on smooth surfaces and none in blur; corners are there wherever
anything has an edge, but drift, and are lost when the view changes much. So corners are added where SIFT did not do.
"""

from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.perception.tracks.klt_tracks import CornerTracks

_OVERLAP = 6
"""Frames ahead that each frame is matched with; farther ones by powers of two."""
_MAX_FEATURES = 1500
"""Of an image, about: matching costs their square."""
_MIN_MATCHES = 15
"""Of corners, for a pair to be matched by them."""


def write_matches(
    pycolmap: Any,
    folder: Path,
    grays: UInt8[np.ndarray, "frame height width"],
    still: Bool[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"] | None,
) -> Path:
    """The path of a database in `folder` with SIFT matches between what stands still in the frames; `images` lies beside it."""
    _write_images(folder, grays, still)
    database = folder / "database.db"
    reader = pycolmap.ImageReaderOptions()
    reader.mask_path = str(folder / "masks")
    reader.camera_model = "SIMPLE_PINHOLE" if intrinsics is None else "PINHOLE"
    if intrinsics is not None:
        values = (intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2] + 0.5, intrinsics[1, 2] + 0.5)
        reader.camera_params = ",".join(f"{value:.6f}" for value in values)
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.num_threads = 1  # More write images and features in an order that differs from run to run.
    extraction.sift.max_num_features = _MAX_FEATURES
    pycolmap.extract_features(
        database, folder / "images", camera_mode=pycolmap.CameraMode.SINGLE, reader_options=reader,
        extraction_options=extraction, device=pycolmap.Device.cpu,
    )  # fmt: skip
    pairing = pycolmap.SequentialPairingOptions()
    pairing.overlap = _OVERLAP
    pairing.quadratic_overlap = True
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = 1
    pycolmap.match_sequential(
        database, pairing_options=pairing, matching_options=matching, verification_options=_verification(pycolmap),
        device=pycolmap.Device.cpu,
    )  # fmt: skip
    return database


def add_corners(pycolmap: Any, path: Path, tracks: CornerTracks, still: Bool[np.ndarray, "frame height width"]) -> None:
    """Append corners that stand still to the features and matches of a database, and verify all matches anew."""
    database = pycolmap.Database.open(path)
    images = sorted(database.read_all_images(), key=lambda image: image.name)
    database.clear_two_view_geometries()
    rows, counts = [], []
    for frame, image in enumerate(images):
        rows.append(_still_rows(tracks, frame, still[frame]))
        features = np.asarray(database.read_keypoints(image.image_id), dtype=np.float32)[:, :2]
        counts.append(len(features))
        corners = tracks.pixels[rows[-1]].astype(np.float32) + 0.5
        database.update_keypoints(image.image_id, np.concatenate([features, corners]))
    pairs = []
    for a, b in combinations(range(len(images)), 2):
        is_far = b - a > _OVERLAP and (b - a) & (b - a - 1)
        _, in_a, in_b = np.intersect1d(tracks.track[rows[a]], tracks.track[rows[b]], return_indices=True)
        matches = np.stack([counts[a] + in_a, counts[b] + in_b], axis=1).astype(np.uint32)
        if is_far or len(matches) < _MIN_MATCHES:
            matches = matches[:0]
        ids = (images[a].image_id, images[b].image_id)
        if database.exists_matches(*ids):
            matches = np.concatenate([np.asarray(database.read_matches(*ids), dtype=np.uint32), matches])
            database.delete_matches(*ids)
        if len(matches):
            database.write_matches(*ids, matches)
            pairs.append(f"{images[a].name} {images[b].name}")
    database.close()
    listed = path.with_name("pairs.txt")
    listed.write_text("\n".join(pairs))
    pycolmap.verify_matches(path, listed, _verification(pycolmap))


def _verification(pycolmap: Any) -> Any:
    """How COLMAP tells right matches of two images from wrong ones: the same way in each run."""
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed = 0
    options.detect_watermark = False  # What shifts alike near the border of a video is a wall, not a stamp.
    return options


def _still_rows(tracks: CornerTracks, frame: int, still: Bool[np.ndarray, "height width"]) -> Int[np.ndarray, "row"]:
    """Observations of corners in a frame where nothing moves by itself."""
    rows = np.flatnonzero(tracks.frame == frame)
    x, y = np.rint(tracks.pixels[rows]).astype(int).T
    return rows[still[y.clip(0, still.shape[0] - 1), x.clip(0, still.shape[1] - 1)]]


def _write_images(folder: Path, grays: np.ndarray, still: np.ndarray) -> None:
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for index, (gray, mask) in enumerate(zip(grays, still, strict=True)):
        cv2.imwrite(str(folder / "images" / f"{index:06d}.png"), gray)
        cv2.imwrite(str(folder / "masks" / f"{index:06d}.png.png"), np.where(mask, 255, 0).astype(np.uint8))
