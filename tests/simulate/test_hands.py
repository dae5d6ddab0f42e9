"""Hands reach for what moves; a fingered hand holds it all the time."""

import numpy as np
import pytest

from sim2art.geometry.transforms import apply, inverse, is_rigid
from sim2art.simulate.hands import SKINS, HandStyle, make_fingered_hand, make_hand, sample_hand
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.simulate.scenario import Scenario, ScenarioConfig, sample_scenario
from sim2art.simulate.stage import render_stage
from sim2art.simulate.truth import derive_truth


def scenario_of(family: str, seed: int) -> Scenario:
    return sample_scenario(ScenarioConfig(families=(family,), num_frames=6, width=96, height=96), seed)


@pytest.mark.parametrize("style", ["mitten", "fingers"])
def test_a_hand_is_seen_in_front_of_the_object(style: HandStyle) -> None:
    scenario = scenario_of("microwave", 3)
    hand = sample_hand(scenario, derive_truth(scenario).part_of_link, np.random.default_rng(0), style=style)
    assert hand is not None and hand[1].shape == (6, 4, 4) and np.all(is_rigid(hand[1]))
    stage = render_stage(scenario, hand)
    assert np.any(stage.bodies == stage.hand_body)


def test_a_fingered_hand_stays_where_it_holds() -> None:
    scenario = scenario_of("microwave", 3)
    truth = derive_truth(scenario)
    hand = sample_hand(scenario, truth.part_of_link, np.random.default_rng(0), style="fingers")
    assert hand is not None
    grip = hand[1][:, :3, 3]
    travel = np.linalg.norm(grip - grip[0], axis=1).max()
    assert travel > 0.05
    held = [
        np.ptp(apply(inverse(motions), grip[:, None])[:, 0], axis=0).max()
        for part, motions in zip(truth.part_of_link, np.swapaxes(scenario.link_motions, 0, 1), strict=True)
        if part > 0
    ]
    assert min(held) < 1e-6, "in the frame of the part that it holds, the grip stands still"


def test_hands_are_as_large_as_asked_and_have_colours() -> None:
    fingered = make_fingered_hand(0.2, np.random.default_rng(1))
    assert fingered.colors is not None and len(np.unique(fingered.colors, axis=0)) == 2
    assert fingered.vertices[:, 2].max() == pytest.approx(0.04, abs=0.02), "the fingers close around the origin"
    assert np.ptp(fingered.vertices[:, 0]) < 0.2
    assert make_hand(0.2).colors is None and len(SKINS) >= 4


def test_where_nothing_moves_there_is_no_hand() -> None:
    scenario = scenario_of("microwave", 3)
    still = np.zeros(len(scenario.articulated_object.links), dtype=np.int64)
    assert sample_hand(scenario, still, np.random.default_rng(0)) is None


def test_the_style_of_hands_changes_only_recordings_with_hands() -> None:
    small = {"num_frames": 4, "width": 96, "height": 72, "supersampling": 1, "families": ("drawer_chest",)}
    plain = render_recording(RecordingConfig(**small, hand_share=0.0), 5)
    other = render_recording(RecordingConfig(**small, hand_share=0.0, hand_style="fingers"), 5)
    np.testing.assert_array_equal(plain.images, other.images)
    held = render_recording(RecordingConfig(**small, hand_share=1.0, hand_style="fingers"), 5)
    assert held.provenance["has_hand"] and np.any(held.images != plain.images)
    assert not np.any(held.object_masks & (held.stage.bodies == held.stage.hand_body))
