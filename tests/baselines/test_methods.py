"""Every method that can be named answers with what ships."""

from typing import get_args

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.methods import MethodName, load_method
from tests.point_clips import make_point_clip


@pytest.mark.parametrize("name", get_args(MethodName))
def test_every_method_answers(name: MethodName) -> None:
    video = make_point_clip(JointType.PRISMATIC, num_frames=9, num_points=384, noise=0.002).video
    estimate = load_method(name, None)(video)
    assert estimate.part_probabilities.shape[:2] == video.valid.shape
    assert np.allclose(estimate.part_probabilities.sum(axis=-1), 1.0, atol=1e-3)
    assert len(estimate.trajectory.values) == video.num_frames
