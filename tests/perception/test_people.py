"""Arms that reach in from the border are found by colour and change, and nothing else is."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sim2art.perception.components import Choice
from sim2art.perception.people import find_people, has_skin_color
from sim2art.perception.people_choice import leave_out_people
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.sliding_scene import SlidingScene, render_scene

SKIN, SLEEVE, WOOD = (205, 160, 135), (40, 60, 170), (170, 120, 80)


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=10)


def paint_arm(scene: SlidingScene, *, sleeve: bool = False) -> tuple[SlidingScene, np.ndarray]:
    """The scene with an arm from the lower border that goes along with the board, and its true pixels."""
    rng = np.random.default_rng(1)
    images, depths, arms = scene.images.copy(), scene.depths.copy(), np.zeros(scene.on_board.shape, dtype=bool)
    for frame, slide in enumerate(scene.slides):
        tip = np.array([150 + 180 * slide[0], 120 + 20 * slide[1]])
        base = np.array([190.0 + 3 * frame, 179.0])
        elbow = tip + 0.45 * (base - tip)
        painted, color = np.zeros(depths.shape[1:], np.uint8), images[frame].copy()
        cv2.line(painted, _pixel(tip), _pixel(base), 1, 20)
        cv2.line(color, _pixel(tip), _pixel(base), SKIN, 20)
        if sleeve:
            cv2.line(color, _pixel(elbow), _pixel(base), SLEEVE, 22)
            cv2.line(painted, _pixel(elbow), _pixel(base), 1, 22)
        arms[frame] = painted > 0
        noisy = color + rng.normal(0, 2, color.shape)
        images[frame] = np.where(arms[frame][..., None], np.clip(noisy, 0, 255), images[frame])
        depths[frame][arms[frame]] = 1.15
    return dataclasses.replace(scene, images=images, depths=depths), arms


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _find(scene: SlidingScene, also_moving: np.ndarray) -> np.ndarray:
    moving = (scene.on_board | also_moving)[:, ::2, ::2]
    return find_people(scene.images, scene.depths, moving, scene.intrinsics, scene.world_from_camera).masks


@pytest.mark.parametrize("sleeve", [False, True])
def test_an_arm_is_found_and_the_part_it_moves_is_not(scene: SlidingScene, sleeve: bool) -> None:
    with_arm, arms = paint_arm(scene, sleeve=sleeve)
    found = _find(with_arm, arms)
    board = scene.on_board & ~arms
    assert (found & arms).sum() > 0.8 * arms.sum()
    assert (found & board).sum() < 0.12 * board.sum()  # Masks are a little wider than the arm.
    assert (found & ~arms).sum() < 0.5 * arms.sum()


def test_where_nobody_is_nobody_is_found(scene: SlidingScene) -> None:
    assert not _find(scene, np.zeros_like(scene.on_board)).any()


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_a_wooden_part_is_no_arm(shift: float) -> None:
    plain = render_scene(num_frames=8, camera_shift=shift)
    images = plain.images.copy()
    grain = plain.images.mean(axis=-1, keepdims=True) / 128.0
    wooden = np.clip(np.array(WOOD) * grain, 0, 255).astype(np.uint8)
    images = np.where(plain.on_board[..., None], wooden, images)
    assert has_skin_color(np.full((1, 1, 3), WOOD, np.uint8)).all()  # By colour alone it would be one.
    assert not _find(dataclasses.replace(plain, images=images), np.zeros_like(plain.on_board)).any()


def test_skin_of_every_tone_has_its_colour() -> None:
    tones = np.array([[(205, 160, 135), (236, 200, 178), (160, 112, 84), (112, 76, 58), (72, 50, 40)]], np.uint8)
    assert has_skin_color(tones).all()
    others = np.array(
        [[(128, 128, 128), (250, 250, 250), (0, 0, 0), (40, 60, 170), (30, 140, 40), (250, 30, 30)]], np.uint8
    )
    assert not has_skin_color(others).any()


def test_one_colour_and_no_depth_are_borne() -> None:
    images, depths = np.full((3, 40, 60, 3), 90, np.uint8), np.zeros((3, 40, 60), np.float32)
    poses = np.broadcast_to(np.eye(4), (3, 4, 4)).copy()
    nothing = np.zeros((3, 20, 30), dtype=bool)
    k = np.array([[60.0, 0, 30], [0, 60, 20], [0, 0, 1]])
    assert not find_people(images, depths, nothing, k, poses).masks.any()
    turned = poses.copy()
    turned[1:, 0, 3] = 0.1
    assert not find_people(images, depths, nothing, k, turned).masks.any()


def test_the_chain_leaves_the_arm_out_and_says_so(scene: SlidingScene) -> None:
    with_arm, arms = paint_arm(scene)
    options = ObserveOptions(num_frames=8, num_points=300, baselines=(1, 3), mask="motion")
    observation = observe(with_arm.capture(), options)
    assert observation.moves
    assert any("Hands or arms are seen" in warning and "--people none" in warning for warning in observation.warnings)
    seen = observation.video.object_masks & arms[observation.indices]
    kept = observe(with_arm.capture(), dataclasses.replace(options, people="none"))
    assert seen.sum() < 0.2 * (kept.video.object_masks & arms[kept.indices]).sum()
    assert not any("Hands or arms" in warning for warning in kept.warnings)


def test_masks_of_the_users_are_taken_as_they_are(scene: SlidingScene, tmp_path: Path) -> None:
    mask = np.zeros(scene.depths.shape[1:], np.uint8)
    mask[:20] = 255
    for frame in range(3):
        Image.fromarray(mask).save(tmp_path / f"{frame:06d}.png")
    moving = scene.on_board[:3, ::2, ::2]
    out = leave_out_people(
        scene.images[:3], scene.depths[:3], moving, scene.intrinsics, scene.world_from_camera[:3],
        choice=Choice(name="file", source=str(tmp_path)), frame_ids=(0, 1, 2),
    )  # fmt: skip
    np.testing.assert_array_equal(out.masks, np.broadcast_to(mask > 0, out.masks.shape))
    assert not out.see(scene.depths[:3])[:, :20].any()
    assert not out.without(np.ones_like(moving))[:, :10].any()
