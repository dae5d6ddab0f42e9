"""Hands in real clips, where the networks and the clips are at hand."""

import json

import cv2
import numpy as np
import pytest

from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.components import Choice
from sim2art.perception.depth.filter import smooth_depth
from sim2art.perception.flow.dis import DisFlow
from sim2art.perception.flow.lifted_flow import measure_flows
from sim2art.perception.masks.choice import FramesWithMotion
from sim2art.perception.masks.moving import find_moving
from sim2art.perception.people.choice import leave_out_people
from sim2art.perception.people.hand_networks import HandNetworks, load_hand_networks
from sim2art.perception.people.hands.finder import find_hands
from sim2art.perception.people.hands.growing import grow_hands
from tests.conftest import SHARED

pytestmark = pytest.mark.shared
REAL = SHARED / "real"


@pytest.fixture(scope="module")
def networks() -> HandNetworks:
    found = load_hand_networks()
    if found is None:
        pytest.skip("no hand networks: sim2art weights fetch hands")
    return found


@pytest.mark.parametrize("name", ["itaco_room_storage", "rsrd_buddha_empty_close"])
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
    masks = grow_hands(np.array(images), find_hands(images, networks)).masks
    for mask, truth in zip(masks, truths, strict=True):
        assert (mask & truth).sum() > 0.6 * (mask | truth).sum()


def test_a_still_life_holds_no_hand(networks: HandNetworks) -> None:
    capture = open_recording(REAL / "clips" / "negative_apple.mp4")
    images = [cv2.resize(capture.read_image(index), (640, 356), interpolation=cv2.INTER_AREA) for index in (0, 20, 40)]
    assert find_hands(images, networks) == [[], [], []]


def test_recorded_depth_tells_the_arms_that_the_networks_miss(networks: HandNetworks) -> None:
    capture = open_capture(SHARED / "door" / "rgbd")
    used = np.linspace(0, len(capture.frame_ids) - 1, 16).round().astype(int)
    images = np.array([capture.read_image(int(index)) for index in used])
    depths = np.array([smooth_depth(capture.read_depth(int(index))) for index in used])
    grays = np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    poses = np.tile(np.eye(4), (16, 1, 1))
    flows = measure_flows(grays, depths, capture.intrinsics, poses, image_flow=DisFlow(), baselines=(1, 3))
    moving = find_moving(depths, flows, capture.intrinsics, poses)
    ids = tuple(int(index) for index in used)
    frames = FramesWithMotion(
        images=images, depths=depths, flows=flows, moving=moving, intrinsics=capture.intrinsics, world_from_camera=poses
    )
    people = leave_out_people(frames, choice=Choice(name="auto"), frame_ids=ids)
    # Fingers at the handle in two frames, a whole arm, blurred, in the last one: seen in the pictures.
    shares = people.masks.mean(axis=(1, 2))
    assert (shares[[3, 4]] > 0.003).all()
    assert shares[15] > 0.05
    assert np.count_nonzero(shares) <= 4
