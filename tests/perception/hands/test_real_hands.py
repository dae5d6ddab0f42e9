"""Hands in real clips, where the networks and the clips are at hand."""

import json

import cv2
import numpy as np
import pytest

from sim2art.perception.adapters.hand_networks import HandNetworks, load_hand_networks
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.hands.finder import find_hands
from sim2art.perception.hands.growing import grow_hands
from tests.conftest import SHARED

pytestmark = pytest.mark.shared
REAL = SHARED / "real"


@pytest.fixture(scope="module")
def networks() -> HandNetworks:
    found = load_hand_networks()
    if found is None:
        pytest.skip("no hand networks: sim2art weights fetch hands")
    return found


@pytest.mark.parametrize("name", ["itaco_room_storage", "rsrd_stapler_fold"])
def test_drawn_hands_are_found(name: str, networks: HandNetworks) -> None:
    annotation = json.loads((REAL / "annotations" / f"{name}.json").read_text())
    capture = open_recording(next((REAL / "clips").glob(f"{name}.*")))
    images, truths = [], []
    for frame, drawn in annotation["frames"].items():
        image = capture.read_image(capture.frame_ids.index(int(frame)))
        truth = np.zeros(image.shape[:2], np.uint8)
        for outline in drawn["hand"]:
            cv2.fillPoly(truth, [np.array(outline, np.int32)], 1)
        size = (480, round(480 * image.shape[0] / image.shape[1]))
        images.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        truths.append(cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST) > 0)
    masks = grow_hands(np.array(images), find_hands(images, networks))
    for mask, truth in zip(masks, truths, strict=True):
        assert (mask & truth).sum() > 0.6 * (mask | truth).sum()


def test_a_still_life_holds_no_hand(networks: HandNetworks) -> None:
    capture = open_recording(REAL / "clips" / "negative_apple.mp4")
    images = [cv2.resize(capture.read_image(index), (640, 356), interpolation=cv2.INTER_AREA) for index in (0, 20, 40)]
    assert find_hands(images, networks) == [[], [], []]
