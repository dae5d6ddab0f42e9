"""End-point errors of hand-made flow."""

import dataclasses

import numpy as np
import pytest

from sim2art.evaluate.flow_metrics import mean_flow, score_flow
from tests.hand_made import make_clip

CLIP = make_clip()


def test_true_flow_has_no_error() -> None:
    (score,) = score_flow(CLIP)
    assert score.measured == 1.0
    assert score.still_cm == pytest.approx(0.0, abs=1e-9) and score.moving_cm == pytest.approx(0.0, abs=1e-9)
    assert (score.strict, score.relaxed, score.outliers) == (1.0, 1.0, 0.0)
    assert score.within_size == (1.0, 1.0, 1.0)


def test_known_error_has_its_known_size() -> None:
    flow = CLIP.video.flow_world + np.where(CLIP.video.flow_valid[..., None], [0.0, 0.06, 0.08], 0.0)
    clip = dataclasses.replace(CLIP, video=dataclasses.replace(CLIP.video, flow_world=flow))
    (score,) = score_flow(clip)
    assert score.still_cm == pytest.approx(10.0) and score.moving_cm == pytest.approx(10.0)
    assert score.strict is not None and score.strict < 0.01  # No point moves 2 m a step.
    assert score.outliers == pytest.approx(1.0)


def test_flow_that_was_not_measured_does_not_count() -> None:
    flow = CLIP.video.flow_world.copy()
    flow_valid = CLIP.video.flow_valid.copy()
    flow[:, :, :60], flow_valid[:, :, :60] = 9.0, False
    clip = dataclasses.replace(CLIP, video=dataclasses.replace(CLIP.video, flow_world=flow, flow_valid=flow_valid))
    (score,) = score_flow(clip)
    assert score.measured == pytest.approx(0.8)
    assert score.moving_cm == pytest.approx(0.0, abs=1e-9)


def test_mean_leaves_out_clips_without_moving_points() -> None:
    (known,) = score_flow(CLIP)
    still = dataclasses.replace(known, moving_cm=None, within_size=None, measured=0.0)
    (mean,) = mean_flow([(known,), (still,)])
    assert mean.moving_cm == known.moving_cm and mean.within_size == (1.0, 1.0, 1.0)
    assert mean.measured == 0.5
    assert mean_flow([]) == ()
