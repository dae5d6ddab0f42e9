"""What people film: captions, mirrors, other frame rates, an object that leaves the image, two shots in one file."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.cameras.klt_pnp import is_camera_static
from sim2art.perception.captures.capture import ColorSource
from sim2art.perception.completion import complete
from sim2art.perception.components import Choice
from sim2art.perception.features.vanishing_points import NO_DIRECTIONS
from sim2art.perception.frames.thinning import thin_out
from sim2art.perception.guessed.image_joints import Edges
from sim2art.perception.guessed.motion import fit_guessed_motion
from sim2art.perception.options import CompleteOptions
from sim2art.perception.tasks import DepthGuess, DepthKind
from sim2art.perception.tracks.klt_tracks import CornerTracks
from sim2art.perception.tracks.mover_masks import find_moving_tracks
from tests.perception.guessed_scene import AXIS, INTRINSICS, NUM_FRAMES, SLIPS, WIDTH, GuessedScene, make_scene

_CAPTION = 25
"""Corners of a caption beside 100 of the scene."""


def _walk_with_caption(num_frames: int = 24) -> CornerTracks:
    """Corners at several depths as a camera that walks and turns sees them, and corners of a caption, which stay in the image.

    Without the turn a caption looks like things at infinity, and does no harm as such.
    """
    rng = np.random.default_rng(0)
    intrinsics = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    points = unproject(intrinsics, rng.uniform((60, 40), (580, 360), (100, 2)), rng.uniform(1.0, 4.0, 100))
    share = np.linspace(0, 1, num_frames)[:, None]
    turns = rotation_from_rotvec(share * np.array([0.02, -0.25, 0.03]))
    poses = make_transform(turns, share * np.array([0.4, 0.0, 0.3]))
    scene = project(intrinsics, apply(inverse(poses), points[None].repeat(num_frames, axis=0)))
    caption = np.broadcast_to(rng.uniform((200, 420), (440, 460), (_CAPTION, 2)), (num_frames, _CAPTION, 2))
    pixels = np.concatenate([scene, caption], axis=1)
    pixels = pixels + rng.normal(0, 0.1, pixels.shape)
    frame, track = np.meshgrid(np.arange(num_frames), np.arange(pixels.shape[1]), indexing="ij")
    return CornerTracks(
        frame=frame.ravel(), track=track.ravel(), pixels=pixels.reshape(-1, 2).astype(np.float32),
        depths=np.ones(frame.size, np.float32), num_tracks=pixels.shape[1],
    )  # fmt: skip


def test_a_caption_is_no_camera_that_stands_still() -> None:
    tracks = _walk_with_caption()
    assert not is_camera_static(tracks, 24)
    moving = find_moving_tracks(tracks, 24)
    assert moving[-_CAPTION:].mean() > 0.9  # So COLMAP is not shown it.
    assert moving[:-_CAPTION].mean() < 0.1


def test_corners_that_no_geometry_fits_tell_nothing() -> None:
    # Of a rendered recording: OpenCV's search for their epipolar geometry ends in an assertion.
    before = np.array([
        (367, 75), (413, 151), (472, 170), (455, 219), (399, 199), (445, 20), (429, 85), (439, 267), (385, 242), (422, 89),
        (409, 144), (380, 256), (372, 257), (441, 13), (428, 284), (411, 311), (365, 289), (401, 312), (353, 330), (343,
        246), (358, 301), (463, 19), (327, 329), (445, 217), (432, 158), (374, 22), (454, 18), (433, 15), (393, 142), (453,
        237), (403, 182), (406, 203), (366, 187),
    ])  # fmt: skip
    after = np.array([
        (354.2, 68.6), (401.0, 142.1), (458.6, 158.8), (442.7, 206.3), (387.8, 189.0), (430.6, 13.6), (415.8, 77.2),
        (427.8, 253.0), (374.6, 230.8), (408.8, 81.4), (396.8, 135.2), (372.7, 242.2), (367.1, 242.6), (426.5, 6.7),
        (417.7, 270.2), (404.2, 297.0), (362.0, 279.5), (394.3, 299.0), (350.2, 320.8), (339.8, 233.4), (355.5, 290.8),
        (450.2, 12.6), (328.1, 315.9), (432.7, 204.6), (418.1, 147.9), (359.8, 19.3), (439.8, 11.5), (418.5, 8.7), (380.9,
        133.7), (440.7, 225.0), (391.2, 174.0), (395.0, 192.7), (357.4, 179.5),
    ])  # fmt: skip
    count = len(before)
    tracks = CornerTracks(
        frame=np.repeat([0, 2], count), track=np.tile(np.arange(count), 2), depths=np.ones(2 * count, np.float32),
        pixels=np.concatenate([before, after]).astype(np.float32), num_tracks=count,
    )  # fmt: skip
    assert not find_moving_tracks(tracks, 3).any()


@pytest.mark.parametrize("rate", [10, 60])
def test_frames_are_chosen_by_time_whatever_the_rate(rate: int) -> None:
    def image(index: int) -> np.ndarray:
        left = int(44 * np.clip((index / rate - 4.0) / 2.0, 0, 1))
        picture = np.full((48, 64, 3), 100, np.uint8)
        picture[10:30, left : left + 20] = 220
        return picture

    count = 10 * rate + 1
    video = ColorSource(path=Path("clip"), frame_ids=tuple(range(count)), times=np.arange(count) / rate, images=image)
    chosen = thin_out(video, 40) / rate
    # Half of the frames are spread evenly, half lie where it moves: from 4 to 6 s.
    assert 18 <= np.count_nonzero((chosen >= 3.9) & (chosen <= 6.1)) <= 32
    assert np.diff(chosen).max() < 0.8


def _mirrored(scene: GuessedScene) -> GuessedScene:
    """As a front camera shows it: left is right."""
    flows = {
        pair: dataclasses.replace(
            own, flow=np.ascontiguousarray(own.flow[:, ::-1] * np.array([-1, 1], np.float32)),
            **{name: np.ascontiguousarray(getattr(own, name)[:, ::-1]) for name in ("confident", "beats_still", "cornered")},
        )
        for pair, own in scene.flows.items()
    }  # fmt: skip
    return dataclasses.replace(scene, depths=np.ascontiguousarray(scene.depths[:, :, ::-1]), flows=flows)


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(min(1.0, abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)))))


def test_a_mirrored_video_gives_the_mirrored_joint() -> None:
    scene = _mirrored(make_scene("turn", tremble=0.03))
    intrinsics = INTRINSICS.copy()
    intrinsics[0, 2] = WIDTH - 1 - intrinsics[0, 2]
    found = fit_guessed_motion(
        scene.depths, scene.flows, Edges(SLIPS[:, ::2, ::2], NO_DIRECTIONS), intrinsics, scene.poses, seed=0
    )
    assert not found.joints[0].slides
    assert _angle(found.joints[0].axis, AXIS * np.array([-1, 1, 1])) < 8.0


def test_an_object_that_leaves_the_image_keeps_its_joint() -> None:
    scene = make_scene("turn", tremble=0.03)
    gone = NUM_FRAMES - 4
    flows = {
        pair: own if max(pair) < gone else dataclasses.replace(own, confident=own.confident & ~scene.on_panel[pair[0]])
        for pair, own in scene.flows.items()
    }
    found = fit_guessed_motion(
        scene.depths, flows, Edges(SLIPS[:, ::2, ::2], NO_DIRECTIONS), INTRINSICS, scene.poses, seed=0
    )
    assert not found.joints[0].slides
    assert _angle(found.joints[0].axis, AXIS) < 10.0
    late = found.motions[gone, gone + 1]
    assert (late.labels == 1).mean() < 0.02  # Nothing is said to move where nothing is seen.


def test_of_two_shots_the_longer_one_is_used_and_the_time_of_the_cut_is_said() -> None:
    rng = np.random.default_rng(0)
    walls = [cv2.resize(rng.integers(0, 255, (24, 32, 3)).astype(np.uint8), (128, 96)) for _ in range(2)]
    images = [*[walls[0]] * 8, *[walls[1]] * 14]
    video = ColorSource(
        path=Path("clip"), frame_ids=tuple(range(22)), times=np.arange(22) / 10, images=lambda index: images[index]
    )

    def guess(image: np.ndarray, frame_id: int) -> DepthGuess:
        return DepthGuess(values=np.ones((96, 128), np.float32), kind=DepthKind.DEPTH)

    found = complete(
        video, Choice(name="head"), Choice(name="static"), CompleteOptions(), estimator=guess
    )  # fmt: skip
    assert found.indices.tolist() == list(range(8, 22))
    assert any("cut at 0.8 s" in warning and "0.8 to 2.1 s" in warning for warning in found.warnings)
