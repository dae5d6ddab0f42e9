"""Flow that a network matched: what is believed of it, and what it tells of the camera."""

import numpy as np
import pytest

from sim2art.perception.cameras.still_camera import stands_still_by_area
from sim2art.perception.flow.dis import DisFlow
from sim2art.perception.flow.matched_flow import match_flows

SIZE = (96, 128)
K = np.array([[110.0, 0, 63.5], [0, 110.0, 47.5], [0, 0, 1.0]])
BLANK = (slice(30, 66), slice(40, 80))


def blank_part_moves(shift: int) -> np.ndarray:
    """Two images of a wall with texture, before which a blank panel goes to the right."""
    wall = np.random.default_rng(0).integers(0, 255, SIZE, dtype=np.uint8)
    images = np.array([wall, wall])
    images[0][BLANK] = 128
    images[1][BLANK[0], BLANK[1].start + shift : BLANK[1].stop + shift] = 128
    return images


def true_flow(shift: int) -> np.ndarray:
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[BLANK] = (shift, 0)
    return flow


def back_flow(shift: int) -> np.ndarray:
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[BLANK[0], BLANK[1].start + shift : BLANK[1].stop + shift] = (-shift, 0)
    return flow


def measured(images: np.ndarray, matcher) -> dict:
    return match_flows(
        images, np.ones(images.shape, np.float32), K, np.tile(np.eye(4), (2, 1, 1)), image_flow=DisFlow(), baselines=(1,),
        matcher=matcher,
    )  # fmt: skip


def test_a_blank_part_has_flow_where_the_network_found_it_there_and_back() -> None:
    images = blank_part_moves(9)
    flow = measured(images, lambda a, b: (true_flow(9), back_flow(9)))[0, 1]
    inside = (slice(BLANK[0].start + 6, BLANK[0].stop - 6), slice(BLANK[1].start + 6, BLANK[1].stop - 6))
    assert flow.confident[inside].mean() > 0.9 and flow.beats_still[inside].mean() > 0.9
    assert not flow.cornered[inside].any()
    np.testing.assert_allclose(np.median(flow.flow[inside], axis=(0, 1)), (9, 0), atol=0.5)
    assert not flow.beats_still[:20].any()


def test_flow_that_does_not_come_back_or_that_the_images_refute_is_not_believed() -> None:
    images = blank_part_moves(9)
    lost = measured(images, lambda a, b: (true_flow(9), np.zeros((*SIZE, 2), np.float32)))[0, 1]
    assert lost.confident[BLANK].mean() < 0.1
    everywhere = np.full((*SIZE, 2), (7.0, 0.0), np.float32)
    wrong = measured(images, lambda a, b: (everywhere, -everywhere))[0, 1]
    assert wrong.confident[:20].mean() < 0.1


@pytest.mark.parametrize(("share", "is_still"), [(1.0, True), (0.5, True), (0.2, False), (0.0, False)])
def test_a_camera_stands_still_when_much_of_the_image_stays(share: float, is_still: bool) -> None:
    flow = np.full((*SIZE, 2), 5.0, np.float32)
    flow[: round(SIZE[0] * share)] = 0.4
    tiles = np.random.default_rng(0).integers(0, 255, (5, SIZE[0] // 8, SIZE[1] // 8), dtype=np.uint8)
    grays = tiles.repeat(8, axis=1).repeat(8, axis=2)
    assert stands_still_by_area(lambda a, b: (flow, -flow), grays) is is_still


@pytest.mark.parametrize("grays", [np.full((5, *SIZE), 128, np.uint8), np.eye(96, 128, dtype=np.uint8)[None] * 255])
def test_one_frame_or_one_colour_tells_nothing_of_the_camera(grays: np.ndarray) -> None:
    flow = np.zeros((*SIZE, 2), np.float32)
    assert not stands_still_by_area(lambda a, b: (flow, flow), grays)
