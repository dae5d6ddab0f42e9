import numpy as np
import pytest

from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.score.agreement import measure_agreement
from sim2art.inference.score.evidence import (
    BASELINE_FEATURES,
    EvidenceConfig,
    index_video,
    lay_out_evidence,
    num_evidence_features,
)  # fmt: skip
from sim2art.inference.score.surface_grid import EPSILON


@pytest.fixture(scope="module")
def scene(turning):
    clip, video, truth = turning
    wrong = Hypotheses(
        is_revolute=np.array([False]),
        axes=np.array([[1.0, 0, 0]]),
        pivots=np.zeros((1, 3)),
        values=np.linspace(0, 0.5, video.num_frames)[None],
        scores=np.array([0.5]),
    )
    pool = join_hypotheses([truth.joints, wrong])
    indices = np.tile(np.arange(200), (video.num_frames, 1))
    evidence = lay_out_evidence(
        smooth_flow(video), index_video(video, EvidenceConfig()), pool, indices, EvidenceConfig()
    )
    return clip, video, truth, pool, evidence, clip.part_ids[:, :200]


def test_shape_and_finiteness(scene):
    _, video, _, pool, evidence, _ = scene
    assert evidence.shape == (len(pool), video.num_frames, 200, num_evidence_features(3))
    assert np.all(np.isfinite(evidence))


def test_true_joint_fits_its_own_points_best(scene):
    *_, evidence, part_ids = scene
    measured = evidence[0, ..., BASELINE_FEATURES + 3] > 0
    residual = evidence[..., BASELINE_FEATURES]
    own = measured & (part_ids == 1)
    assert np.median(residual[0][own]) < np.log(0.02 + EPSILON)
    assert np.median(residual[1][own]) > np.median(residual[0][own]) + 1.0


def test_carried_by_truth_lands_on_the_surface(scene):
    *_, evidence, part_ids = scene
    first_target = 3 * BASELINE_FEATURES
    late = evidence[0, -1, part_ids[-1] == 1]
    assert np.median(late[:, first_target]) < np.log(0.08)
    assert np.median(late[:, first_target + 2]) > np.median(late[:, first_target])


def test_agreement_is_zero_for_the_truth(scene):
    clip, video, truth, pool, _, _ = scene
    agreement = measure_agreement(
        pool, truth.motions, truth.axes, video.points_world, clip.part_ids, rng=np.random.default_rng(0)
    )
    assert agreement.errors[0, 0] < 1e-6
    assert agreement.axis_angles[0, 0] < 1e-6
    assert agreement.errors[1, 0] > 0.5


def test_motions_of_hypotheses_are_those_of_the_truth(scene):
    _, _, truth, pool, _, _ = scene
    np.testing.assert_allclose(pool.motions()[0], truth.motions[0], atol=1e-9)
