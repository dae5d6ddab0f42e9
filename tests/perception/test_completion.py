"""Recordings of colour are given depth and cameras that agree with the truth, up to a scale that the user can give."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import inverse
from sim2art.perception.cameras import colmap_cameras, color_cameras
from sim2art.perception.cameras.scale import parse_known_length, scale_by_length, scale_by_marker
from sim2art.perception.cameras.view_change import ViewChange
from sim2art.perception.captures.capture import ColorSource
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.completion import CompleteOptions, complete, completed_capture
from sim2art.perception.components import Choice
from sim2art.perception.depth.alignment import align_to_sparse
from sim2art.perception.pipeline import ObserveOptions, observe
from sim2art.perception.tasks import DepthGuess, DepthKind, SparseCameras
from tests.perception.recorded_files import write_video
from tests.perception.sliding_scene import SlidingScene, TremblingDepth, colour_of, render_scene, write_scene

AUTO, ANY = Choice(name="auto"), Choice(name="da2")
OPTIONS = CompleteOptions(max_frames=24)


@pytest.fixture(scope="module")
def still() -> SlidingScene:
    return render_scene(num_frames=12)


@pytest.mark.parametrize("kind", list(DepthKind))
def test_a_camera_that_stands_still_is_seen_and_depth_no_longer_trembles(still: SlidingScene, kind: DepthKind) -> None:
    found = complete(colour_of(still), ANY, AUTO, OPTIONS, estimator=TremblingDepth(still, kind))
    assert found.world_from_camera is not None
    np.testing.assert_array_equal(found.world_from_camera, np.tile(np.eye(4), (12, 1, 1)))
    wall = ~still.on_board.any(axis=0)
    levels = np.array([np.median(depth[wall]) for depth in found.depths])
    assert np.ptp(levels) < 0.01 * levels.mean()
    assert not found.is_metric
    assert any("no sure scale" in warning for warning in found.warnings)


@pytest.mark.parametrize("kind", list(DepthKind))
def test_guesses_are_fitted_to_the_points_that_the_camera_was_found_by(kind: DepthKind) -> None:
    scene = render_scene(num_frames=6, camera_shift=0.4)
    rng = np.random.default_rng(0)
    rows = [(f, x, y) for f in range(6) for x, y in rng.integers((0, 0), (240, 180), (60, 2)) if f != 4]
    frame, x, y = np.array(rows).T
    wrong = rng.random(len(frame)) < 0.15
    depths = 0.2 * scene.depths[frame, y, x] * np.where(wrong, rng.uniform(0.5, 2, len(frame)), 1)
    cameras = SparseCameras(
        world_from_camera=scene.world_from_camera, solved=np.arange(6) != 4, intrinsics=scene.intrinsics, frame=frame,
        pixels=np.stack([x, y], axis=1).astype(float), depths=depths, residual=0.3,
    )  # fmt: skip
    guess = TremblingDepth(scene, kind)
    found, scale, lost = align_to_sparse([guess(scene.images[f], f) for f in range(6)], cameras, (180, 240))
    assert lost == [4]
    kept = [0, 1, 2, 3, 5]
    np.testing.assert_allclose(np.median(found[kept] / scene.depths[kept], axis=(1, 2)), 0.2 * scale, rtol=0.03)


@pytest.mark.parametrize("change", [ViewChange.FLAT, ViewChange.FULL])
def test_a_lens_that_nobody_has_is_not_believed(change: ViewChange, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pycolmap")
    scene = render_scene(num_frames=6, camera_shift=0.4)
    rng = np.random.default_rng(0)
    frame, x, y = np.array([(f, *rng.integers((0, 0), (240, 180))) for f in range(6) for _ in range(60)]).T
    asked = []

    def solve(*arguments: object) -> object:
        *_, intrinsics, _ = arguments
        assert intrinsics is None or isinstance(intrinsics, np.ndarray)
        asked.append(intrinsics)
        return SparseCameras(
            world_from_camera=scene.world_from_camera, solved=np.ones(6, dtype=bool),
            intrinsics=scene.intrinsics * [[9, 1, 1], [1, 9, 1], [1, 1, 1]] if intrinsics is None else intrinsics,
            frame=frame, pixels=np.stack([x, y], axis=1).astype(float), depths=scene.depths[frame, y, x], residual=0.3,
        )  # fmt: skip

    monkeypatch.setattr(colmap_cameras, "solve_cameras", solve)
    monkeypatch.setattr(color_cameras, "judge_view_change", lambda *_: change)
    unsaid = dataclasses.replace(colour_of(scene), intrinsics=None)
    found = complete(unsaid, ANY, AUTO, OPTIONS, estimator=TremblingDepth(scene, DepthKind.DEPTH))
    assert asked[0] is None
    if change is ViewChange.FLAT:  # A usual one is tried instead.
        assert asked[1] is not None
        assert found.intrinsics[0, 0] == asked[1][0, 0]
        assert found.world_from_camera is not None
    else:
        assert len(asked) == 1
        assert found.world_from_camera is None
        assert any("few cameras have" in told and "followed by the guessed depth" in told for told in found.warnings)


@pytest.mark.parametrize("agreement", [0.7, 0.95])
def test_one_plane_is_the_world_only_where_corners_say_so(agreement: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A door's leaf that fills the image is a plane, too."""
    pytest.importorskip("pycolmap")
    scene = render_scene(num_frames=6, camera_shift=0.4)
    rng = np.random.default_rng(0)
    frame, x, y = np.array([(f, *rng.integers((0, 0), (240, 180))) for f in range(6) for _ in range(60)]).T
    leaf = SparseCameras(
        world_from_camera=np.tile(np.eye(4), (6, 1, 1)), solved=np.ones(6, dtype=bool), intrinsics=scene.intrinsics,
        frame=frame, pixels=np.stack([x, y], axis=1).astype(float), depths=np.full(len(x), 2.0), residual=0.3,
    )  # fmt: skip
    monkeypatch.setattr(colmap_cameras, "solve_cameras", lambda *_: leaf)
    monkeypatch.setattr(color_cameras, "judge_view_change", lambda *_: ViewChange.FULL)
    monkeypatch.setattr(color_cameras, "tracks_agree", lambda *_: agreement)
    found = complete(colour_of(scene), ANY, AUTO, OPTIONS, estimator=TremblingDepth(scene, DepthKind.DEPTH))
    assert (found.world_from_camera is None) == (agreement < 0.85)
    refused = "COLMAP's solution explains one plane, and only 70 % of the corners that were followed."
    assert any(refused in told for told in found.warnings) == (agreement < 0.85)


@pytest.mark.slow
def test_a_moving_camera_is_solved_with_the_mover_left_out() -> None:
    pytest.importorskip("pycolmap")
    demo = open_capture(Path(__file__).parents[2] / "examples" / "demo_recording")
    colour = ColorSource(
        path=demo.path, frame_ids=demo.frame_ids, times=demo.times, images=demo.read_image
    )  # fmt: skip

    def trembling(image: np.ndarray, frame_id: int) -> DepthGuess:
        depth = demo.read_depth(demo.frame_ids.index(frame_id)) * (1 + 0.3 * np.sin(9 * frame_id))
        return DepthGuess(values=depth.astype(np.float32), kind=DepthKind.DEPTH)

    found = complete(colour, ANY, AUTO, OPTIONS, estimator=trembling)
    assert found.world_from_camera is not None and demo.world_from_camera is not None
    assert found.intrinsics[0, 0] == pytest.approx(demo.intrinsics[0, 0], rel=0.06)
    true = inverse(demo.world_from_camera[found.indices[0]]) @ demo.world_from_camera[found.indices]
    positions, expected = found.world_from_camera[:, :3, 3], true[:, :3, 3]
    scale = np.sum(positions * expected) / np.sum(positions**2)
    assert 0.7 < scale < 1.4  # The depth's own scale, as metres are meant.
    length = np.linalg.norm(np.diff(expected, axis=0), axis=1).sum()
    assert np.abs(scale * positions - expected).max() < 0.02 * length
    ratios = [
        np.median((scale * d)[d > 0] / demo.read_depth(int(i))[d > 0])
        for i, d in zip(found.indices, found.depths, strict=True)
    ]
    assert np.ptp(ratios) < 0.06


def test_the_whole_chain_runs_on_a_video_with_depth_files(still: SlidingScene, tmp_path: Path) -> None:
    video = open_recording(write_video(tmp_path / "clip.mp4", still.images))
    folder = write_scene(still, tmp_path / "own")
    options = ObserveOptions(
        num_frames=6, num_points=400, baselines=(1, 3), mask="motion", depth=f"file:{folder}",
        complete=CompleteOptions(fov_deg=55),
    )  # fmt: skip
    observation = observe(video, options)
    assert observation.moves
    assert observation.video.is_metric  # The folder's camera.json says the unit.
    truth = still.on_board[observation.indices]
    assert (observation.video.object_masks & truth).sum() > 0.95 * truth.sum()


def test_without_a_depth_component_it_is_said_how_to_get_one(still: SlidingScene) -> None:
    with pytest.raises(InvalidFileError, match=r"--chain light.*weights fetch dinov2-small.*--chain full"):
        observe(colour_of(still), ObserveOptions())


def test_a_component_that_cannot_run_is_refused_before_anything_is_computed(
    still: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SIM2ART_WEIGHTS", raising=False)
    with pytest.raises(InvalidFileError, match=r"--depth da2 cannot run here: .*sim2art weights fetch da2"):
        observe(colour_of(still), ObserveOptions(depth="da2"))


def test_a_known_length_makes_lengths_exact(still: SlidingScene) -> None:
    found = complete(colour_of(still), ANY, AUTO, OPTIONS, estimator=TremblingDepth(still, DepthKind.DEPTH))
    capture = completed_capture(colour_of(still), found, is_guessed=True)
    ends = np.array([[20.0, 30.0], [200.0, 150.0]])
    true = unproject(still.intrinsics, ends, still.depths[0][[30, 150], [20, 200]].astype(np.float64))
    length = float(np.linalg.norm(true[0] - true[1]))
    scaled = scale_by_length(capture, parse_known_length(f"20,30,200,150={length}"))
    assert scaled.is_metric
    wall = ~still.on_board[5]
    assert np.median(scaled.read_depth(5)[wall]) == pytest.approx(np.median(still.depths[5][wall]), rel=0.02)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4", "1,2,3,4=0", "1,2,1,2=0.5", "a,b,c,d=1", "1,2,3,4=nan"])
def test_a_known_length_must_be_one(text: str) -> None:
    with pytest.raises(InvalidValueError, match="--known-length is"):
        parse_known_length(text)


def test_a_known_length_outside_the_image_is_refused(still: SlidingScene) -> None:
    with pytest.raises(InvalidValueError, match="lies outside"):
        scale_by_length(still.capture(), parse_known_length("10,10,5000,10=1"))


def test_a_marker_makes_lengths_exact(still: SlidingScene) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_250)
    marker = cv2.aruco.generateImageMarker(dictionary, 7, 60)
    images = still.images.copy()
    images[:, 110:180, 160:230] = 255
    images[:, 115:175, 165:225] = marker[None, ..., None]
    depths = np.full_like(still.depths, 0.8)  # In another unit than metres.
    capture = dataclasses.replace(still.capture(), images=images, depths=depths, is_metric=False)
    side = 60 / still.intrinsics[0, 0] * 1.6  # The marker is 1.6 m away.
    scaled = scale_by_marker(capture, side)
    assert np.median(scaled.read_depth(0)) == pytest.approx(1.6, rel=0.03)
    with pytest.raises(InvalidFileError, match="no ArUco or AprilTag marker"):
        scale_by_marker(still.capture(), 0.1)


def test_one_colour_and_short_recordings_are_refused_or_said(still: SlidingScene) -> None:
    one = dataclasses.replace(colour_of(still), frame_ids=(0,), times=still.times[:1])
    with pytest.raises(InvalidFileError, match="1 of 1 frames"):
        complete(one, ANY, AUTO, OPTIONS, estimator=TremblingDepth(still, DepthKind.DEPTH))
    grey = render_scene(num_frames=6)
    plain = dataclasses.replace(colour_of(grey), images=lambda index: np.full_like(grey.images[index], 128))
    with pytest.raises(InvalidFileError, match="0 of 6 frames"):
        complete(plain, ANY, AUTO, OPTIONS, estimator=TremblingDepth(grey, DepthKind.DISPARITY))


def test_recorded_poses_of_a_colour_recording_are_checked() -> None:
    moving = render_scene(num_frames=8, camera_shift=0.4)
    poses = moving.world_from_camera.copy()
    poses[3] = np.nan
    posed = dataclasses.replace(colour_of(moving), world_from_camera=poses)
    found = complete(posed, ANY, AUTO, OPTIONS, estimator=TremblingDepth(moving, DepthKind.DEPTH))
    np.testing.assert_array_equal(found.indices, [0, 1, 2, 4, 5, 6, 7])
    assert found.world_from_camera is not None
    np.testing.assert_allclose(found.world_from_camera, poses[found.indices], atol=1e-9)
    same = dataclasses.replace(posed, world_from_camera=np.tile(np.eye(4), (8, 1, 1)))
    doubted = complete(same, ANY, Choice(name="auto"), OPTIONS, estimator=TremblingDepth(moving, DepthKind.DEPTH))
    assert any("the recorded poses count as none" in warning for warning in doubted.warnings)
