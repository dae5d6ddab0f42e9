"""The clip that tests of evidence share."""

import pytest

from sim2art.articulation.joint import JointType
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.train.examples import normalized_truth
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def turning():
    """A clip of a panel that turns, its normalised video and its truth in those coordinates."""
    clip = make_point_clip(JointType.REVOLUTE, noise=0.001)
    normalization = fit_normalization(clip.video)
    return clip, normalize(clip.video, normalization), normalized_truth(clip, normalization)
