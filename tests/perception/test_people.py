"""Arms that reach in from the border are found by colour and change, and nothing else is."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.perception.components import Choice
from sim2art.perception.masks.choice import FramesWithMotion
from sim2art.perception.people.arm_regions import keep_in_front
from sim2art.perception.people.by_colour import find_near_arms, find_people, shows_hand
from sim2art.perception.people.choice import leave_out_people
from sim2art.perception.people.skin import has_skin_color, measure_own_colors
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
    return find_people(_frames(scene, moving))


def _frames(scene: SlidingScene, moving: np.ndarray, num_frames: int | None = None) -> FramesWithMotion:
    """The first frames of a scene, without flow."""
    return FramesWithMotion(
        images=scene.images[:num_frames],
        depths=scene.depths[:num_frames],
        flows={},
        moving=moving,
        intrinsics=scene.intrinsics,
        world_from_camera=scene.world_from_camera[:num_frames],
    )


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


class _Network:
    """Sees a hand, or none, in every crop."""

    def __init__(self, presence: float) -> None:
        self.presence, self.crops = presence, []

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("The rules say where to look.")

    def locate(self, crop: np.ndarray) -> tuple[np.ndarray, float]:
        self.crops.append(crop)
        return np.zeros((21, 2), np.float32), self.presence


@pytest.mark.parametrize(("presence", "is_found"), [(0.9, True), (0.1, False)])
def test_of_what_moves_at_the_depth_of_all_around_it_the_network_says_whether_it_is_a_hand(
    presence: float, is_found: bool
) -> None:
    region = np.zeros((90, 120), dtype=bool)
    region[40:52, :20] = True  # A hand at the handle of a door that fills the image; its depth is the door's.
    network, image = _Network(presence), np.full((180, 240, 3), SKIN, np.uint8)
    kept = keep_in_front(
        region, np.ones_like(region), np.ones((90, 120), np.float32), is_hand=shows_hand(image, network)
    )
    assert kept.any() == is_found
    assert len(network.crops) == 1 and network.crops[0].max() > 0
    standing = keep_in_front(region, region, np.ones((90, 120), np.float32), is_hand=shows_hand(image, None))
    assert (standing == region).all()


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_a_wooden_part_is_no_arm(shift: float) -> None:
    plain = render_scene(num_frames=8, camera_shift=shift)
    images = plain.images.copy()
    grain = plain.images.mean(axis=-1, keepdims=True) / 128.0
    wooden = np.clip(np.array(WOOD) * grain, 0, 255).astype(np.uint8)
    images = np.where(plain.on_board[..., None], wooden, images)
    assert has_skin_color(np.full((1, 1, 3), WOOD, np.uint8)).all()  # By colour alone it would be one.
    assert not _find(dataclasses.replace(plain, images=images), np.zeros_like(plain.on_board)).any()


def test_a_patchwork_front_that_reaches_the_border_is_no_arm() -> None:
    plain = render_scene(num_frames=8)
    images, on_board = plain.images.copy(), plain.on_board.copy()
    depths = plain.depths.copy()
    height, width = depths.shape[1:]
    squares = np.indices((height, width)) // 24
    patchwork = np.array([SKIN, (120, 170, 90), (150, 140, 210), WOOD], np.uint8)[(squares[0] + 2 * squares[1]) % 4]
    for frame in range(len(images)):
        # The door opens: its pattern moves to the left before a wall, from the upper border down.
        left, right, shift = width // 3 - 3 * frame, 2 * width // 3 - 3 * frame, 3 * frame
        images[frame, : height // 2, left:right] = patchwork[: height // 2, left + shift : right + shift]
        depths[frame, : height // 2, left:right] = 1.15
        on_board[frame, : height // 2, left:right] = True
    scene = dataclasses.replace(plain, images=images, depths=depths, on_board=on_board)
    found = _find(scene, np.zeros_like(on_board))
    assert (found & on_board).sum() <= 0.02 * on_board.sum()


def test_a_drawer_shares_its_colours_with_its_cabinet_and_an_arm_does_not() -> None:
    image = np.full((1, 60, 80, 3), (120, 150, 190), np.uint8)
    image[:, 10:50, 10:70] = WOOD
    image[:, 40:, 60:] = SKIN
    labs = cv2.cvtColor(image[0], cv2.COLOR_RGB2LAB)[None]
    drawer, arm = np.zeros((1, 60, 80), dtype=bool), np.zeros((1, 60, 80), dtype=bool)
    drawer[:, 20:30, 20:50], arm[:, 40:, 60:] = True, True
    assert measure_own_colors(labs, drawer, ~(drawer | arm)) < 0.2
    assert measure_own_colors(labs, arm, ~(drawer | arm)) > 0.9


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
    frames = FramesWithMotion(
        images=images, depths=depths, flows={}, moving=nothing, intrinsics=k, world_from_camera=poses
    )
    assert not find_people(frames).any()
    turned = poses.copy()
    turned[1:, 0, 3] = 0.1
    assert not find_people(dataclasses.replace(frames, world_from_camera=turned)).any()


def test_the_chain_leaves_the_arm_out_and_says_so(scene: SlidingScene) -> None:
    with_arm, arms = paint_arm(scene)
    options = ObserveOptions(num_frames=8, num_points=300, baselines=(1, 3), mask="motion", people="skin")
    observation = observe(with_arm.capture(), options)
    assert observation.moves
    assert any("Hands or arms are seen" in warning and "--people none" in warning for warning in observation.warnings)
    seen = observation.video.object_masks & arms[observation.indices]
    kept = observe(with_arm.capture(), dataclasses.replace(options, people="none"))
    # Where flow bleeds the arm falls apart, and what then no longer reaches the border is not taken for one.
    assert seen.sum() < 0.6 * (kept.video.object_masks & arms[kept.indices]).sum()
    assert not any("Hands or arms" in warning for warning in kept.warnings)


def test_masks_of_the_users_are_taken_as_they_are(scene: SlidingScene, tmp_path: Path) -> None:
    mask = np.zeros(scene.depths.shape[1:], np.uint8)
    mask[:20] = 255
    for frame in range(3):
        Image.fromarray(mask).save(tmp_path / f"{frame:06d}.png")
    moving = scene.on_board[:3, ::2, ::2]
    out = leave_out_people(
        _frames(scene, moving, 3), choice=Choice(name="file", source=str(tmp_path)), frame_ids=(0, 1, 2)
    )
    np.testing.assert_array_equal(out.masks, np.broadcast_to(mask > 0, out.masks.shape))
    assert not out.see(scene.depths[:3])[:, :20].any()
    assert not out.without(np.ones_like(moving))[:, :10].any()


def _near_arm(*, moves: bool = True, long_contact: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Depths of a wall with something that reaches in from the left in the middle frames, and what moves."""
    depths = np.full((9, 120, 160), 2.0, np.float32)
    depths *= np.random.default_rng(0).uniform(0.97, 1.03, (9, 1, 1)).astype(np.float32)
    rows = slice(5, 115) if long_contact else slice(40, 64)
    for frame in (3, 4, 5, 6):
        depths[frame, rows, : 60 + 8 * frame] *= 0.6
    moving = np.zeros((9, 60, 80), dtype=bool)
    if moves:
        moving[3:7, 20:32, :30] = True
    return depths, moving


def test_what_reaches_in_much_nearer_than_the_wall_is_an_arm() -> None:
    depths, moving = _near_arm()
    masks = find_near_arms(depths, moving)
    assert masks[3:7].any(axis=(1, 2)).all()
    assert not masks[[0, 1, 2, 7, 8]].any()
    assert masks[4, 44:60, 4:80].mean() > 0.95
    assert masks[4, 80:].mean() == 0


def test_what_does_not_move_or_enters_over_much_of_the_border_is_no_arm() -> None:
    assert not find_near_arms(*_near_arm(moves=False)).any()
    assert not find_near_arms(*_near_arm(long_contact=True)).any()


def test_near_arms_are_looked_for_only_where_depth_is_guessed_and_the_camera_stands() -> None:
    depths, moving = _near_arm()
    images = np.full((9, 120, 160, 3), 90, np.uint8)
    intrinsics = np.array([[150.0, 0, 79.5], [0, 150.0, 59.5], [0, 0, 1.0]])
    still = np.tile(np.eye(4), (9, 1, 1))
    walks = still.copy()
    walks[:, 0, 3] = np.linspace(0, 0.3, 9)
    ids = tuple(range(9))

    def found(poses: np.ndarray, *, guessed: bool) -> bool:
        frames = FramesWithMotion(
            images=images, depths=depths, flows={}, moving=moving, intrinsics=intrinsics, world_from_camera=poses
        )
        out = leave_out_people(frames, choice=Choice(name="skin"), frame_ids=ids, depth_is_guessed=guessed)
        return bool(out.masks.any())

    assert found(still, guessed=True)
    assert not found(still, guessed=False)
    assert not found(walks, guessed=True)


def test_without_the_networks_colour_is_asked_and_the_run_says_what_to_fetch(
    scene: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM2ART_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with_arm, arms = paint_arm(scene)
    moving = (scene.on_board | arms)[:, ::2, ::2]
    frames = _frames(with_arm, moving)
    ids = tuple(range(len(arms)))
    auto, skin = (leave_out_people(frames, choice=Choice(name=name), frame_ids=ids) for name in ("auto", "skin"))
    np.testing.assert_array_equal(auto.masks, skin.masks)
    assert skin.masks.any()
    assert sum("sim2art weights fetch hands" in warning for warning in auto.warnings) == 1
    assert not any("weights fetch" in warning for warning in skin.warnings)
    with pytest.raises(InvalidFileError, match="sim2art weights fetch"):
        leave_out_people(frames, choice=Choice(name="hands"), frame_ids=ids)
