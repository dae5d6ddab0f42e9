"""Recordings through the whole chain: the truth lands where the chain's points are."""

import numpy as np
import pytest

from sim2art.dataset.splits import RGBD
from sim2art.evaluate.flow_metrics import score_flow
from sim2art.sets.recorded_clips import observe_recording


@pytest.mark.slow
def test_with_every_stage_swapped_points_move_exactly_as_the_truth_says() -> None:
    clip = observe_recording(RGBD.start, num_frames=12, num_points=512, swaps=("depth", "poses", "mask", "flow"))
    assert clip.provenance["moves"] and clip.provenance["chain_failure"] is None
    assert set(np.unique(clip.part_ids)) == set(range(len(clip.truth.links)))
    for score in score_flow(clip):
        # The chain lightly smooths depth, so points lie a hair beside the surface that moves.
        assert score.still_cm is not None and score.still_cm < 0.01
        assert score.moving_median_cm is not None and score.moving_median_cm < 0.2


@pytest.mark.slow
def test_without_the_truth_the_chain_still_sees_the_motion() -> None:
    clip = observe_recording(RGBD.start, num_frames=8, num_points=512)
    score = score_flow(clip)[0]
    assert clip.provenance["moves"]
    assert score.measured > 0.3
    assert score.moving_median_cm is not None and score.moving_median_cm < 5.0
