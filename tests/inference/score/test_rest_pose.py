import dataclasses

import numpy as np
import pytest

from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.score.evidence import EvidenceConfig, index_video, lay_out_evidence
from sim2art.inference.score.rest_pose import CLIP_FEATURES, disc_normals
from sim2art.inference.score.surface_grid import index_surface

BASIC = EvidenceConfig()
WHOLE = EvidenceConfig(kinds=("rest_pose",))


@pytest.fixture(scope="module")
def scene(turning):
    clip, video, truth = turning
    still = Hypotheses(
        is_revolute=np.array([False]),
        axes=np.array([[1.0, 0, 0]]),
        pivots=np.zeros((1, 3)),
        values=np.zeros((1, video.num_frames)),
        scores=np.array([0.5]),
    )
    pool = join_hypotheses([truth.joints, still])
    indices = np.tile(np.arange(200), (video.num_frames, 1))
    evidence = lay_out_evidence(smooth_flow(video), index_video(video, WHOLE), pool, indices, WHOLE)[
        ..., -CLIP_FEATURES:
    ]
    return video, pool, indices, evidence, clip.part_ids[:, :200]


def test_truth_gains_on_what_moves_and_loses_on_what_stands_still(scene):
    *_, evidence, part_ids = scene
    gain, telling = evidence[0, ..., 0], evidence[0, ..., 2] > 0
    assert np.median(gain[(part_ids == 1) & telling]) > 1.0
    assert np.median(gain[(part_ids == 0) & telling]) < 0.0


def test_hypothesis_that_moves_nothing_tells_nothing(scene):
    *_, evidence, _ = scene
    assert np.all(evidence[-1, ..., :5] == 0)


def test_basic_evidence_stays_as_it_is(scene):
    video, pool, indices, *_ = scene
    basic = lay_out_evidence(smooth_flow(video), index_video(video, BASIC), pool, indices, BASIC)
    whole = lay_out_evidence(smooth_flow(video), index_video(video, WHOLE), pool, indices, WHOLE)
    np.testing.assert_array_equal(whole[..., : basic.shape[-1]], basic)


def test_points_that_are_not_valid_have_none(scene):
    video, pool, indices, *_ = scene
    blind = dataclasses.replace(video, valid=np.zeros_like(video.valid), flow_valid=np.zeros_like(video.flow_valid))
    evidence = lay_out_evidence(smooth_flow(blind), index_video(blind, WHOLE), pool, indices, WHOLE)
    assert np.all(np.isfinite(evidence))
    assert np.all(evidence[..., -CLIP_FEATURES:] == 0)


@pytest.mark.parametrize("tilt", [0.0, 0.3, 1.0])
def test_normals_of_a_plane(tilt):
    rng = np.random.default_rng(0)
    normal = np.array([np.sin(tilt), 0.0, np.cos(tilt)])
    across = np.array([np.cos(tilt), 0.0, -np.sin(tilt)])
    flat = rng.uniform(-0.5, 0.5, (2, 800, 2))
    points = flat[..., :1] * across + flat[..., 1:] * np.array([0.0, 1.0, 0.0])
    found = disc_normals(index_surface(points, np.ones((2, 800), bool), 800))
    assert np.abs(found @ normal).min() > 0.99
