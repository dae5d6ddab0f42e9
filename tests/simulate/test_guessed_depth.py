"""Guessed depth: smooth and of one scale, steady where nothing moves, and the truth is the joint that such a clip shows."""

import numpy as np
import pytest

from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.corruption import GuessNoise
from sim2art.simulate.generate import ClipConfig, generate_clip
from sim2art.simulate.guessed_depth import Guess, as_guessed, guess_depths, mean_factors
from sim2art.simulate.scenario import ScenarioConfig, sample_scenario
from sim2art.simulate.stage import StageFrames, render_stage
from sim2art.simulate.truth import derive_truth

SCENARIO = sample_scenario(ScenarioConfig(families=("microwave",), num_frames=4, width=96, height=96), 3)


@pytest.fixture(scope="module")
def stage() -> StageFrames:
    return render_stage(SCENARIO)


def guess(stage: StageFrames, **changes: tuple[float, float]) -> Guess:
    return guess_depths(stage.exact_flow(), GuessNoise(**changes), np.random.default_rng(0), 1.0)


def test_a_guess_is_a_smooth_factor_of_about_one_in_the_middle(stage: StageFrames) -> None:
    found = guess(stage, warp=(0.2, 0.2), blur=(0.7, 0.7))
    seen = stage.depths > 0
    assert np.array_equal(found.depths > 0, seen)
    assert abs(np.median(found.change[seen])) < 0.01
    assert 0.1 < found.change[seen].std() < 0.35
    beside = seen[:, :, 1:] & seen[:, :, :-1]
    assert np.median(np.abs(np.diff(found.change, axis=2))[beside]) < 0.02


def test_what_is_seen_keeps_its_error_unless_it_belongs_to_the_image(stage: StageFrames) -> None:
    exact = stage.exact_flow()
    y, x = np.nonzero(stage.depths[0] > 0)
    _, later = exact.carry(0, 3, np.stack([x, y], axis=1))
    seen = exact.is_seen(3, later)
    k = stage.intrinsics
    column, row = np.rint(later[seen, :2] / later[seen, 2:] * k[[0, 1], [0, 1]] + k[:2, 2]).astype(int).T
    row, column = np.clip(row, 0, 95), np.clip(column, 0, 95)
    sharp = {"warp": (0.2, 0.2), "blur": (0.7, 0.7), "flicker": (1e-6, 1e-6)}
    changes = {}
    for drift in (0.0, 1.0):
        change = guess(stage, **sharp, drift=(drift, drift)).change
        changes[drift] = np.median(np.abs(change[3, row, column] - change[0, y[seen], x[seen]]))
    assert changes[0.0] < 0.01 < changes[1.0]


def test_a_part_at_twice_its_distance_has_its_joint_there() -> None:
    truth = derive_truth(SCENARIO)
    count = len(truth.articulated_object.links)
    moved = as_guessed(truth, np.array([1.0] + [2.0] * (count - 1)))
    plain, far = (link_motions(one.articulated_object, one.trajectory.values) for one in (truth, moved))
    points = np.random.default_rng(0).normal(size=(5, 3))
    for part in range(1, count):
        motions = [motion[:, part] for motion in (plain, far)]
        ends = [
            apply(motion[:, None], scale * points[None, :, None])[:, :, 0]
            for motion, scale in zip(motions, (1.0, 2.0), strict=True)
        ]
        np.testing.assert_allclose(ends[1], 2 * ends[0], atol=1e-9)


@pytest.mark.parametrize("family", ["microwave", "drawer_chest"])
def test_flow_follows_the_joint_of_the_truth(family: str) -> None:
    config = ClipConfig(
        families=(family,), num_frames=6, num_points=256, image_size=96, baselines=(1, 3), corruption="guessed",
        without=("mask", "poses", "flow.outliers", "flow.smear", "hand"),
    )  # fmt: skip
    errors = [measure_error(generate_clip(config, seed)) for seed in (4, 5, 7, 9)]
    assert np.nanmedian(errors) < 0.35


def measure_error(clip: Clip) -> float:
    """Of the flow of moving points against that of their joints, as a share of its length."""
    motions = link_motions(clip.truth, clip.trajectory.values)
    video, baseline = clip.video, clip.video.baselines[1]
    shares = []
    for frame in range(video.num_frames - baseline):
        own = video.flow_valid[1, frame] & (clip.part_ids[frame] > 0)
        parts = clip.part_ids[frame, own]
        step = motions[frame + baseline] @ inverse(motions[frame])
        points, flow = video.points_world[frame, own], video.flow_world[1, frame, own]
        told = apply(step[parts], points[:, None])[:, 0] - points
        lengths = np.linalg.norm(told, axis=1)
        clear = lengths > 0.02
        shares += list((np.linalg.norm(flow - told, axis=1) / np.maximum(lengths, 1e-9))[clear])
    return float(np.median(shares))


def test_factors_are_means_over_what_has_a_label() -> None:
    change = np.log(np.array([[[2.0, 8.0, 1.0]]], dtype=np.float32))
    found = mean_factors(Guess(np.ones_like(change), change), np.array([[[0, 0, -1]]]), 2)
    np.testing.assert_allclose(found, [4.0, 1.0], rtol=1e-6)
