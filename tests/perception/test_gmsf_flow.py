import dataclasses

import numpy as np
import pytest
import torch

from sim2art.errors import InvalidFileError
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.networks.scene_flow import SceneFlowConfig, SceneFlowNetwork
from sim2art.perception.components import COMPONENTS, find_lacks, parse_choice
from sim2art.perception.flow.gmsf import GmsfFlow, _LogDepthGrid, load_gmsf
from sim2art.perception.flow.piecewise_rigid import fit_piecewise_rigid
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.sliding_scene import SLIDE, render_scene


@pytest.fixture(scope="module")
def scene():
    return render_scene(num_frames=6)


@pytest.fixture(scope="module")
def observation(scene):
    return observe(scene.capture(), ObserveOptions(num_frames=4, num_points=200, baselines=(1,), mask="whole"))


def _box(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points on three sides of a box of 0.4 m."""
    points = rng.uniform(0.0, 0.4, (count, 3))
    side = rng.integers(3, size=count)
    points[np.arange(count), side] = 0.0
    return points


def test_settled_flow_is_that_of_the_bodies() -> None:
    rng = np.random.default_rng(0)
    shift = np.array([0.05, 0.02, -0.04])
    wall = np.c_[rng.uniform(-1, 1, (1200, 2)), np.full(1200, 0.8)]
    wall_again = np.c_[rng.uniform(-1, 1, (1200, 2)), np.full(1200, 0.8)]
    points = np.concatenate([_box(500, rng), wall])
    others = np.concatenate([_box(500, rng) + shift, wall_again])
    guess = np.concatenate([np.tile(0.6 * shift, (500, 1)), np.zeros((1200, 3))]) + rng.normal(0, 0.01, (1700, 3))
    flow, seen = fit_piecewise_rigid(points, others, guess, scale=1.0, rng=rng)
    off = np.linalg.norm(flow[:500] - shift, axis=1)
    assert np.median(off) < 0.5 * np.median(np.linalg.norm(guess[:500] - shift, axis=1))
    assert np.mean(np.linalg.norm(flow[500:], axis=1) == 0) > 0.98
    assert seen.mean() > 0.95


def test_nothing_moves_where_nothing_moved() -> None:
    rng = np.random.default_rng(0)
    points, others = (_box(600, rng) + rng.normal(0, 0.002, (600, 3)) for _ in range(2))
    flow, _ = fit_piecewise_rigid(points, others, rng.normal(0, 0.003, (600, 3)), scale=0.3, rng=rng)
    assert np.mean(np.linalg.norm(flow, axis=1) == 0) > 0.95


def test_points_that_are_hidden_in_the_other_frame_are_told() -> None:
    rng = np.random.default_rng(0)
    wall, again = (np.c_[rng.uniform(-1, 1, (1500, 2)), np.zeros(1500)] for _ in range(2))
    lid = np.c_[rng.uniform(-0.1, 0.1, (40, 2)), np.full(40, 0.5)]  # Gone in the other frame, too few for a patch.
    seen = fit_piecewise_rigid(np.concatenate([wall, lid]), again, np.zeros((1540, 3)), scale=1.0, rng=rng)[1]
    assert seen[:1500].mean() > 0.97 and not seen[1500:].any()


def test_flow_gmsf_works_through_the_chain(scene) -> None:
    options = ObserveOptions(num_frames=4, num_points=512, baselines=(1, 3), flow="gmsf", mask="whole")
    first = observe(scene.capture(), options).points
    known = first.flow_valid[1, 0]
    assert known.mean() > 0.5 and np.all(first.flow_world[~first.flow_valid] == 0)
    still = first.points_world[0, :, 2] > 1.27
    assert np.median(np.linalg.norm(first.flow_world[1, 0, known & still], axis=1)) < 0.01
    assert np.linalg.norm(first.flow_world[1, 0, known & still], axis=1).mean() < 0.3 * np.linalg.norm(SLIDE)


def test_the_same_points_get_the_same_flow_again(observation) -> None:
    points, pixels = observation.points.points_world[0], observation.points.pixels[0].astype(np.int64)
    first, second = (load_gmsf(None, observation.video, seed=3, num_points=150)(0, 1, pixels, points) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_too_few_points_have_no_flow(observation) -> None:
    source = load_gmsf(None, observation.video, seed=0, num_points=64)
    flow, known = source(0, 1, np.zeros((3, 2), dtype=np.int64), np.zeros((3, 3)))
    assert flow.shape == (3, 3) and not known.any()


def test_weights_in_the_layout_of_the_authors_run_in_their_own_space(observation) -> None:
    torch.manual_seed(0)
    network = SceneFlowNetwork(SceneFlowConfig(width=16, num_layers=1, expansion=1, local_expansion=1)).eval()
    source = GmsfFlow(network, observation.video, num_points=200, make_rigid=False)
    pixels, points = observation.points.pixels[0].astype(np.int64), observation.points.points_world[0]
    flow, known = source(0, 1, pixels, points)
    assert np.all(np.isfinite(flow)) and known.shape == (200,)


def test_log_depth_space_and_back_is_the_same_place() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([-1, -1, 0.5], [1, 1, 6], (50, 3))
    grid = _LogDepthGrid(intrinsics_from_fov(640, 480, np.deg2rad(60)), 640, 480)
    np.testing.assert_allclose(grid.leave(grid.enter(points)), points, atol=1e-9)


def test_a_users_weights_that_cannot_be_read_are_an_error_with_the_path(observation, tmp_path) -> None:
    (tmp_path / "x.pth").write_bytes(b"no weights")
    with pytest.raises(InvalidFileError, match=r"x\.pth"):
        load_gmsf(str(tmp_path / "x.pth"), observation.video, seed=0, num_points=64)


def test_gmsf_needs_nothing_to_be_fetched() -> None:
    assert "gmsf" in COMPONENTS["flow"]
    assert find_lacks("flow", parse_choice("flow", "gmsf")) == []
    assert dataclasses.asdict(parse_choice("flow", "gmsf:/somewhere"))["source"] == "/somewhere"
