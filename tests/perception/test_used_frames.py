"""Frames are chosen by what parts do; hands that come, hold and go do not count."""

import dataclasses

import cv2
import numpy as np

from sim2art.perception.cameras.poses import PosedRecording
from sim2art.perception.components import Choice
from sim2art.perception.frames.intake import IntakeOptions, take_in
from sim2art.perception.frames.motion_profile import measure_motion
from sim2art.perception.options import ObserveOptions
from sim2art.perception.people.choice import look_for_hands
from sim2art.perception.people.hands.growing import GrownHands
from sim2art.perception.used_frames import pick_frames
from tests.perception.sliding_scene import SlidingScene, render_scene

NUM_FRAMES = 24


def with_arm(scene: SlidingScene) -> tuple[SlidingScene, np.ndarray]:
    """An arm that waves across the image in the first half, while the board hardly moves."""
    images, arms = scene.images.copy(), np.zeros(scene.on_board.shape, dtype=bool)
    stripes = np.random.default_rng(0).integers(0, 255, (*scene.on_board.shape[1:], 3), dtype=np.uint8)
    for frame in range(NUM_FRAMES // 2):
        painted = np.zeros(scene.on_board.shape[1:], np.uint8)
        x = 20 + 12 * frame
        cv2.line(painted, (x, 0), (x + 30, 70), 1, 24)
        arms[frame] = painted > 0
        images[frame][arms[frame]] = np.roll(stripes, 12 * frame, axis=1)[arms[frame]]
    return dataclasses.replace(scene, images=images), arms


def posed(scene: SlidingScene) -> PosedRecording:
    recording = take_in(scene.capture(), IntakeOptions())
    return PosedRecording(recording=recording, world_from_camera=scene.world_from_camera, is_static=False, warnings=())


def test_what_hands_do_takes_no_frames_from_what_the_part_does() -> None:
    scene = render_scene(num_frames=NUM_FRAMES)
    disturbed, arms = with_arm(scene)
    hands = GrownHands(masks=arms, reach=arms)
    options = ObserveOptions(num_frames=8)
    quiet, alone = pick_frames(posed(scene), options)
    blind, waved = pick_frames(posed(disturbed), options)
    seen, told = pick_frames(posed(disturbed), options, hands=hands)
    half = NUM_FRAMES // 2
    assert waved.motion[:half].sum() > 1.5 * alone.motion[:half].sum()  # Else this tells nothing.
    assert told.motion[:half].sum() < 1.1 * alone.motion[:half].sum()
    assert (seen >= half).sum() >= (quiet >= half).sum() > (blind >= half).sum()


def test_frames_that_are_known_are_used_whatever_moves() -> None:
    frames, profile = pick_frames(posed(render_scene(num_frames=6)), ObserveOptions(), known=np.array([1, 4]))
    assert frames.tolist() == [1, 4]
    assert len(profile.motion) == 5


def test_an_image_full_of_people_shows_no_motion() -> None:
    scene = render_scene(num_frames=4)
    recording = take_in(scene.capture(), IntakeOptions())
    everywhere = np.ones(recording.small_depths.shape, dtype=bool)
    assert not measure_motion(recording, scene.world_from_camera, everywhere).motion.any()


def test_with_measured_depth_hands_are_looked_for_in_the_used_frames_only() -> None:
    recording = take_in(render_scene(num_frames=4).capture(), IntakeOptions())
    assert look_for_hands(recording, Choice(name="auto")) is None
    assert look_for_hands(recording, Choice(name="none")) is None
