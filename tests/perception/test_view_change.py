"""Scenes and motions that structure from motion cannot work with are known for what they are."""

import numpy as np
import pytest

from sim2art.geometry.cameras import intrinsics_from_fov, project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.cameras.turning import align_turning, solve_turning
from sim2art.perception.cameras.view_change import ViewChange, judge_solved, judge_view_change
from sim2art.perception.tasks import DepthGuess, DepthKind, SparseCameras
from sim2art.perception.tracks.klt_tracks import CornerTracks

SIZE, NUM_FRAMES = (180, 240), 12
K = intrinsics_from_fov(SIZE[1], SIZE[0], np.deg2rad(58))


def _poses(slide: float, turn: float) -> np.ndarray:
    share = np.linspace(0, 1, NUM_FRAMES)
    turns = rotation_from_rotvec(np.stack([0.2 * turn * share, turn * share, 0.1 * turn * share], axis=1))
    return make_transform(turns, slide * share[:, None] * np.array([1.0, 0.1, 0.0]))


def _points(*, is_flat: bool, num: int = 150) -> np.ndarray:
    rng = np.random.default_rng(1)
    z = 1.5 + np.zeros(num) if is_flat else rng.uniform(0.9, 3.0, num)
    return unproject(K, rng.uniform((30, 20), (210, 160), (num, 2)), z)


def _see(points: np.ndarray, poses: np.ndarray) -> tuple[CornerTracks, np.ndarray]:
    """Corners as they are tracked, a tenth of them wrong, and their depths."""
    rng = np.random.default_rng(2)
    local = apply(inverse(poses), points[None].repeat(len(poses), axis=0))
    pixels = project(K, local) + rng.normal(0, 0.15, (*local.shape[:2], 2))
    pixels[:, ::17] += np.linspace(0, 25, len(poses))[:, None, None]  # These move by themselves.
    frame, track = np.meshgrid(np.arange(len(poses)), np.arange(len(points)), indexing="ij")
    tracks = CornerTracks(
        frame=frame.ravel(), track=track.ravel(), pixels=pixels.reshape(-1, 2).astype(np.float32),
        depths=np.ones(frame.size, np.float32), num_tracks=len(points),
    )  # fmt: skip
    return tracks, local[..., 2].ravel()


@pytest.mark.parametrize(
    ("slide", "turn", "is_flat", "expected"),
    [
        (0.4, 0.15, False, ViewChange.FULL),
        (0.4, 0.15, True, ViewChange.FLAT),
        (0.0, 0.3, False, ViewChange.TURN),
        (0.0, 0.3, True, ViewChange.TURN),
        (0.0, 0.008, False, ViewChange.STILL),
    ],
)
def test_parallax_planes_and_turns_are_told_apart(
    slide: float, turn: float, is_flat: bool, expected: ViewChange
) -> None:
    tracks, _ = _see(_points(is_flat=is_flat), _poses(slide, turn))
    nothing = np.zeros(tracks.num_tracks, dtype=bool)
    assert judge_view_change(tracks, nothing, SIZE, NUM_FRAMES) is expected


def test_a_camera_that_comes_back_has_seen_parallax() -> None:
    share = np.arange(NUM_FRAMES) % 9 / 4.5
    there_and_back = _poses(0.4, 0.15)[np.rint((NUM_FRAMES - 1) * (1 - np.abs(1 - share))).astype(int)]
    tracks, _ = _see(_points(is_flat=False), there_and_back)
    nothing = np.zeros(tracks.num_tracks, dtype=bool)
    assert judge_view_change(tracks, nothing, SIZE, NUM_FRAMES) is ViewChange.FULL


def test_few_corners_tell_nothing() -> None:
    tracks, _ = _see(_points(is_flat=False, num=12), _poses(0.4, 0.1))
    assert judge_view_change(tracks, np.zeros(12, dtype=bool), SIZE, NUM_FRAMES) is ViewChange.UNKNOWN


def _solved(slide: float, *, is_flat: bool) -> SparseCameras:
    poses = _poses(slide, 0.1)
    tracks, depths = _see(_points(is_flat=is_flat), poses)
    return SparseCameras(
        world_from_camera=poses, solved=np.ones(NUM_FRAMES, dtype=bool), intrinsics=K, frame=tracks.frame,
        pixels=tracks.pixels.astype(float), depths=depths, residual=0.4,
    )  # fmt: skip


def test_solved_cameras_are_doubted_where_they_must_be() -> None:
    assert judge_solved(_solved(0.4, is_flat=False), SIZE).warnings() == []
    flat = judge_solved(_solved(0.4, is_flat=True), SIZE)
    assert flat.flat_share > 0.93 or "one plane" in " ".join(flat.warnings())
    tiny = judge_solved(_solved(0.01, is_flat=False), SIZE)
    assert tiny.angle_deg < 1
    assert any("hardly moved" in told and "--cameras static" in told for told in tiny.warnings())


def test_turns_are_found_from_corners_alone() -> None:
    poses = _poses(0.0, 0.35)
    tracks, _ = _see(_points(is_flat=False), poses)
    found = solve_turning(tracks, np.zeros(tracks.num_tracks, dtype=bool), K, NUM_FRAMES)
    between = np.swapaxes(found[:, :3, :3], -1, -2) @ poses[:, :3, :3]
    angles = np.arccos(np.clip((np.trace(between, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert np.rad2deg(angles).max() < 0.15
    assert np.all(found[:, :3, 3] == 0)


def test_guesses_from_a_turning_camera_come_to_one_scale() -> None:
    poses = _poses(0.0, 0.3)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    rays = unproject(K, np.stack([x, y], axis=-1).reshape(-1, 2).astype(float), np.ones(x.size))
    guesses, true = [], []
    for frame, pose in enumerate(poses):
        # A wall at z = 2 in the world, guessed with another factor in every frame.
        depth = (2.0 / (rays @ pose[:3, :3].T)[:, 2]).reshape(SIZE)
        true.append(depth)
        values = (depth * (1 + 0.4 * np.sin(5 * frame))).astype(np.float32)
        guesses.append(DepthGuess(values=values, kind=DepthKind.DEPTH))
    ratios = align_turning(guesses, poses, K, SIZE) / np.array(true)
    assert np.ptp(np.median(ratios, axis=(1, 2))) < 0.02
