"""A real door before a camera that stands still, with the truth of a marker: the observation agrees with it.

The recording is not part of the repository: it is looked for in `../shared/data/door`, beside the checkout.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.perception.cameras.scale import scale_by_marker
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.pipeline import ObserveOptions, observe

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "door"

pytestmark = [pytest.mark.shared, pytest.mark.slow]


FROM_VIDEO = ObserveOptions(
    mask="motion", depth=f"file:{FOLDER / 'rgbd'}", cameras=f"file:{FOLDER / 'rgbd'}", marker=0.141
)
"""The plain video, with depth, intrinsics and metres from elsewhere."""


@pytest.mark.parametrize(("recording", "options"), [("rgbd", ObserveOptions(mask="motion")), ("door.mp4", FROM_VIDEO)])
def test_the_leaf_is_in_the_crop_and_its_flow_is_true(recording: str, options: ObserveOptions) -> None:
    truth = json.loads((FOLDER / "marker_truth.json").read_text())
    axis, pivot = np.array(truth["axis"]), np.array(truth["pivot"])
    angle_of = dict(zip(truth["frames"], truth["angle_rad"], strict=True))
    observation = observe(open_recording(FOLDER / recording), options)
    points = observation.points
    angles = np.array([angle_of[frame] for frame in observation.frame_ids])
    assert np.ptp(angles) > 0.97 * np.ptp(truth["angle_rad"])
    errors, lengths = [], []
    for index, baseline in enumerate(points.baselines):
        for frame in range(points.num_frames - baseline):
            at = points.points_world[frame]
            rest = apply(revolute_transform(axis, pivot, -angles[frame]), at)
            on_leaf = (rest[:, 0] < pivot[0] - 0.05) & points.flow_valid[index, frame]
            true = apply(revolute_transform(axis, pivot, angles[frame + baseline] - angles[frame]), at) - at
            errors.append(np.linalg.norm(points.flow_world[index, frame] - true, axis=1)[on_leaf])
            lengths.append(np.linalg.norm(true, axis=1)[on_leaf])
    error, length = np.concatenate(errors), np.concatenate(lengths)
    assert len(error) > 2000
    assert np.median(error[length > 0.05]) < 0.012
    assert np.median(error[length < 0.005]) < 0.003


def test_the_marker_on_the_leaf_gives_the_scale() -> None:
    door = open_capture(FOLDER / "rgbd")
    scaled = scale_by_marker(door, 2 * 0.141)  # As if it were twice as large.
    ratio = np.median(scaled.read_depth(3)[door.read_depth(3) > 0]) / np.median(
        door.read_depth(3)[door.read_depth(3) > 0]
    )
    assert ratio == pytest.approx(2.0, rel=0.03)
