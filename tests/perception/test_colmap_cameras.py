"""Cameras are solved from corners where SIFT finds nothing to go by, and what moves by itself has no say."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.geometry.cameras import intrinsics_from_fov, project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.cameras import colmap_cameras
from sim2art.perception.cameras.colmap_cameras import solve_cameras
from sim2art.perception.captures.capture import scale_intrinsics
from sim2art.perception.tasks import SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks
from sim2art.perception.tracks.track_agreement import tracks_agree

SIZE, NUM_FRAMES = (180, 240), 12
K = intrinsics_from_fov(SIZE[1], SIZE[0], np.deg2rad(58))
SHARE = np.linspace(0, 1, NUM_FRAMES)
POSES = make_transform(
    rotation_from_rotvec(np.stack([0.02 * SHARE, -0.15 * SHARE, 0.01 * SHARE], axis=1)),
    0.4 * SHARE[:, None] * np.array([1.0, 0.1, 0.0]),
)
BLANK = np.full((NUM_FRAMES, *SIZE), 128, np.uint8)
"""On which SIFT finds nothing."""
RIGHT = np.arange(SIZE[1]) >= 150
"""Columns where things move by themselves."""


@pytest.fixture(autouse=True)
def _colmap() -> None:
    pytest.importorskip("pycolmap")


def _corners(num: int) -> CornerTracks:
    """Points at several depths; those on the right drift upwards besides."""
    rng = np.random.default_rng(1)
    points = unproject(K, rng.uniform((30, 20), (210, 160), (num, 2)), rng.uniform(0.9, 3.0, num))
    pixels = project(K, apply(inverse(POSES), points[None].repeat(NUM_FRAMES, axis=0)))
    pixels = pixels + rng.normal(0, 0.1, pixels.shape)
    pixels[..., 1] -= np.where(pixels[..., 0] >= 150, 30 * SHARE[:, None], 0.0)
    frame, track = np.meshgrid(np.arange(NUM_FRAMES), np.arange(num), indexing="ij")
    seen = np.all((pixels >= 2) & (pixels < np.array(SIZE[::-1]) - 3), axis=-1)
    return CornerTracks(
        frame=frame[seen], track=track[seen], pixels=pixels[seen].astype(np.float32),
        depths=np.ones(int(seen.sum()), np.float32), num_tracks=num,
    )  # fmt: skip


def _moving(num: int) -> np.ndarray:
    """Corners that ever come to where things move."""
    tracks = _corners(num)
    return np.bincount(tracks.track, weights=tracks.pixels[:, 0] >= 150, minlength=num) > 0


def _turn_errors(found: SparseCameras) -> np.ndarray:
    turns = np.swapaxes(found.world_from_camera[:, :3, :3], -1, -2) @ POSES[:, :3, :3]
    return np.rad2deg(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))


def test_corners_are_enough_where_sift_finds_nothing() -> None:
    still = np.broadcast_to(~RIGHT, BLANK.shape)
    found = solve_cameras(BLANK, still, _corners(250), _moving(250), K, Path("clip"))
    assert found.solved.all()
    assert _turn_errors(found).max() < 0.3
    assert found.residual < 0.3
    assert found.pixels[:, 0].max() < 151  # None of them from where things move.


def test_large_images_are_solved_smaller_and_answered_in_their_own_pixels() -> None:
    corners, still = _corners(250), np.broadcast_to(~RIGHT, BLANK.shape)
    large = dataclasses.replace(corners, pixels=4 * corners.pixels + 1.5)
    blank, left = (np.repeat(np.repeat(images, 4, axis=1), 4, axis=2) for images in (BLANK, still))
    known = scale_intrinsics(K, 4.0, 4.0)
    found = solve_cameras(blank, left, large, _moving(250), known, Path("clip"))
    assert found.solved.all()
    assert _turn_errors(found).max() < 0.3
    np.testing.assert_allclose(found.intrinsics, known, atol=0.01)
    first = corners.frame == 0
    seen = found.pixels[found.frame == 0]
    nearest = np.abs(seen[:, None] - large.pixels[first][None]).sum(axis=2).min(axis=1)
    assert np.median(nearest) < 0.05


def test_too_few_corners_are_an_error_that_says_what_to_do() -> None:
    still = np.ones(BLANK.shape, dtype=bool)
    with pytest.raises(InvalidFileError, match=r"solved for \d+ of 12 frames only\. Move the camera sideways"):
        solve_cameras(BLANK, still, _corners(10), _moving(10), K, Path("clip"))


def test_a_solution_by_a_usual_lens_that_corners_agree_with_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    still = np.ones(BLANK.shape, dtype=bool)
    true = solve_cameras(BLANK, still, _corners(250), _moving(250), K, Path("clip"))
    narrow = np.diag([9.0, 9.0, 1.0]) @ K
    odd = dataclasses.replace(true, intrinsics=narrow)
    fewer = dataclasses.replace(true, solved=SHARE < 0.7)
    wrong = dataclasses.replace(true, world_from_camera=_turned_away(true.world_from_camera, np.deg2rad(4)))
    for solutions, chosen in (
        ([odd, fewer, odd], fewer),
        ([odd, fewer, true], true),
        ([wrong, true], true),  # Corners were followed elsewhere than it says.
        ([odd, None, odd], odd),  # Whoever asked for it judges its lens.
    ):
        given = iter([*solutions, None, None, None, None])
        monkeypatch.setattr(colmap_cameras, "_map", lambda *_, given=given, **__: next(given))
        monkeypatch.setattr(colmap_cameras, "_collect", lambda model, *_: model)
        assert solve_cameras(BLANK, still, _corners(250), _moving(250), None, Path("clip")) is chosen


def test_two_beginnings_that_agree_are_not_followed_by_a_third(monkeypatch: pytest.MonkeyPatch) -> None:
    still = np.ones(BLANK.shape, dtype=bool)
    true = solve_cameras(BLANK, still, _corners(250), _moving(250), K, Path("clip"))
    seeds: list[int] = []

    def find(*_: object, seed: int, **__: object) -> SparseCameras:
        seeds.append(seed)
        return true

    monkeypatch.setattr(colmap_cameras, "_map", find)
    monkeypatch.setattr(colmap_cameras, "_collect", lambda model, *_: model)
    monkeypatch.setattr(colmap_cameras, "tracks_agree", lambda *_: 0.7)
    assert solve_cameras(BLANK, still, _corners(250), _moving(250), K, Path("clip")) is true
    assert seeds == [0, 1, 3, 4]  # From 3 on with corners.


def _turned_away(poses: np.ndarray, angle: float) -> np.ndarray:
    """As cameras would be that took every tile for its neighbour: further from the truth from frame to frame."""
    turns = rotation_from_rotvec(angle * SHARE[:, None] * np.array([1.0, 0.0, 0.0]))
    return poses @ make_transform(turns, np.zeros((NUM_FRAMES, 3)))


@pytest.mark.parametrize("angle_deg", [1.5, 5.0])
def test_corners_tell_right_cameras_from_wrong_ones(angle_deg: float) -> None:
    true = SparseCameras(
        world_from_camera=POSES, solved=np.ones(NUM_FRAMES, dtype=bool), intrinsics=K, residual=0.1,
        frame=np.zeros(2, dtype=int), pixels=np.zeros((2, 2)), depths=np.array([1.0, 3.0]),
    )  # fmt: skip
    tracks, moving = _corners(250), _moving(250)
    assert tracks_agree(true, tracks, moving) > 0.99
    assert tracks_agree(true, tracks, np.zeros(250, dtype=bool)) < 0.95  # What drifts disagrees.
    wrong = dataclasses.replace(true, world_from_camera=_turned_away(POSES, np.deg2rad(angle_deg)))
    assert tracks_agree(wrong, tracks, moving) < 0.7
    assert tracks_agree(true, tracks, np.ones(250, dtype=bool)) == 0.0


def test_corners_at_infinity_tell_about_turns() -> None:
    turning = np.broadcast_to(np.eye(4), (NUM_FRAMES, 4, 4)).copy()
    turning[:, :3, :3] = POSES[:, :3, :3]
    rng = np.random.default_rng(2)
    points = unproject(K, rng.uniform((30, 20), (210, 160), (80, 2)), np.full(80, 1e5))
    pixels = project(K, apply(inverse(turning), points[None].repeat(NUM_FRAMES, axis=0)))
    frame, track = np.meshgrid(np.arange(NUM_FRAMES), np.arange(80), indexing="ij")
    tracks = CornerTracks(
        frame=frame.ravel(), track=track.ravel(), pixels=pixels.reshape(-1, 2).astype(np.float32),
        depths=np.ones(frame.size, np.float32), num_tracks=80,
    )  # fmt: skip
    none = np.zeros(0, dtype=int)
    cameras = SparseCameras(
        world_from_camera=POSES, solved=np.ones(NUM_FRAMES, dtype=bool), intrinsics=K, residual=0.1,
        frame=none, pixels=np.zeros((0, 2)), depths=np.zeros(0),
    )  # fmt: skip
    assert tracks_agree(cameras, tracks, np.zeros(80, dtype=bool)) > 0.99


def test_cameras_are_the_same_in_each_run() -> None:
    texture = np.random.default_rng(3).integers(0, 255, SIZE).astype(np.uint8)
    wall = cv2.equalizeHist(cv2.GaussianBlur(texture, (0, 0), 2.5))
    shifts = np.arange(0, 24, 4)
    grays = np.stack([np.roll(wall, -shift, axis=1) for shift in shifts])
    start = np.stack(np.meshgrid(np.arange(60, 230, 12), np.arange(10, 170, 12)), axis=-1).reshape(-1, 2)
    frame, track = np.meshgrid(np.arange(len(shifts)), np.arange(len(start)), indexing="ij")
    pixels = start[track.ravel()] - np.stack([shifts[frame.ravel()], np.zeros(frame.size)], axis=1)
    tracks = CornerTracks(
        frame=frame.ravel(), track=track.ravel(), pixels=pixels.astype(np.float32),
        depths=np.ones(frame.size, np.float32), num_tracks=len(start),
    )  # fmt: skip
    still, moving = np.ones(grays.shape, dtype=bool), np.zeros(len(start), dtype=bool)
    one, other = (solve_cameras(grays, still, tracks, moving, K, Path("clip")) for _ in range(2))
    assert np.array_equal(one.world_from_camera, other.world_from_camera)
    assert np.array_equal(one.pixels, other.pixels)
