"""Colour of a stage: the same look at any fineness, and whoever rendered the depth."""

import dataclasses

import numpy as np
import pytest

from sim2art.simulate.images import render_images
from sim2art.simulate.scenario import Scenario, ScenarioConfig, sample_scenario
from sim2art.simulate.stage import StageFrames, render_stage


@pytest.fixture(scope="module")
def staged() -> tuple[Scenario, StageFrames]:
    scenario = sample_scenario(ScenarioConfig(families=("microwave",), num_frames=2, width=96, height=72), 4)
    return scenario, render_stage(scenario)


def test_fine_and_coarse_colours_are_of_one_scene(staged: tuple[Scenario, StageFrames]) -> None:
    coarse, fine = (render_images(*staged, supersampling=factor).astype(float) for factor in (1, 2))
    assert coarse.shape == fine.shape == (2, 72, 96, 3)
    assert np.median(np.abs(coarse - fine)) < 6
    assert coarse.std() > 10


def test_frames_of_another_renderer_are_coloured_alike(staged: tuple[Scenario, StageFrames]) -> None:
    scenario, stage = staged
    foreign = dataclasses.replace(stage, face_ids=np.full_like(stage.face_ids, -1))
    np.testing.assert_array_equal(render_images(scenario, foreign), render_images(scenario, stage))
