import dataclasses

import numpy as np
import pytest
import torch

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.transforms import inverse
from sim2art.networks.scene_flow import SceneFlowOutput
from sim2art.networks.scene_flow_checkpoint import load_scene_flow
from sim2art.train.config import PRESETS
from sim2art.train.loop import train
from sim2art.train.scene_flow import PairConfig, make_pair_example, scene_flow_loss
from tests.point_clips import make_point_clip

PAIRS = PairConfig(num_pairs=3, num_points=64)


@pytest.fixture(scope="module")
def clip():
    return make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=192, noise=0.0)


def _batch(clip) -> dict[str, torch.Tensor]:
    example = make_pair_example(clip, PAIRS, np.random.default_rng(0))
    return {name: torch.from_numpy(value)[None] for name, value in example._asdict().items()}


def _perfect(batch: dict[str, torch.Tensor]) -> SceneFlowOutput:
    flow, second = batch["flow"][0], batch["second"][0]
    distance = torch.cdist(batch["first"][0] + flow, second)
    moves = torch.where(flow.norm(dim=-1) > 0.01, 30.0, -30.0)
    return SceneFlowOutput(flow, flow, flow, -1e3 * distance.square(), moves, torch.full_like(moves, 30.0))


def test_flow_of_a_pair_leads_onto_the_other_frames_surface(clip) -> None:
    example = make_pair_example(clip, dataclasses.replace(PAIRS, num_pairs=8), np.random.default_rng(1))
    ends = torch.from_numpy(example.first + example.flow)
    nearest = torch.cdist(ends, torch.from_numpy(example.second)).amin(dim=-1)
    assert example.first.shape == (8, 64, 3) and example.first.dtype == np.float32
    assert nearest.median() < 0.16 and np.abs(example.first).max() < 3
    lengths = np.linalg.norm(example.flow, axis=-1)
    assert np.mean(lengths == 0) > 0.4 and lengths.max() > 0.1


def test_lengths_of_flow_are_those_of_the_truth_without_turn_and_stretch(clip) -> None:
    plain = PairConfig(num_pairs=1, num_points=192, ends_share=1.0, short_share=0.0, turn=0.0, stretch=0.0)
    example = make_pair_example(clip, plain, np.random.default_rng(0))
    motions = link_motions(clip.truth, clip.trajectory.values)
    step = motions[-1, 1] @ inverse(motions[0, 1])
    panel = clip.video.points_world[0][clip.part_ids[0] == 1]
    longest = np.linalg.norm(panel @ step[:3, :3].T + step[:3, 3] - panel, axis=1).max()
    points = np.concatenate([clip.video.points_world[0], clip.video.points_world[-1]])
    scale = 1.1 * np.ptp(np.percentile(points, [4, 96], axis=0), axis=0).max() / 2
    assert np.linalg.norm(example.flow, axis=-1).max() * scale == pytest.approx(longest, rel=0.05)


def test_an_example_is_the_same_for_the_same_seed_and_needs_no_full_frame(clip) -> None:
    first, second = (make_pair_example(clip, PAIRS, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.second_cues, second.second_cues)
    valid = clip.video.valid.copy()
    valid[:, 20:] = False
    video = dataclasses.replace(
        clip.video, valid=valid, flow_valid=clip.video.flow_valid & valid, points_world=clip.video.points_world.copy()
    )
    sparse = make_pair_example(dataclasses.replace(clip, video=video), PAIRS, np.random.default_rng(5))
    assert sparse.first.shape == (3, 64, 3)


def test_perfect_flow_costs_nothing_and_no_flow_its_length(clip) -> None:
    batch = _batch(clip)
    perfect = _perfect(batch)
    terms = scene_flow_loss(perfect, batch)
    for name in ("flow", "smoothed", "matched", "moves", "trust", "moving"):
        assert terms[name] < 1e-3, name
    lazy = scene_flow_loss(perfect._replace(flow=torch.zeros_like(perfect.flow)), batch)
    assert lazy["moving"] == pytest.approx(float(terms["zero"]), rel=1e-4) and lazy["trust"] > terms["trust"]


def test_two_processes_share_a_loss(clip) -> None:
    batch = _batch(clip)
    whole = scene_flow_loss(_perfect(batch), batch)
    half = scene_flow_loss(_perfect(batch), batch, lambda count: 2 * count)
    assert half["zero"] == pytest.approx(0.5 * float(whole["zero"]), rel=1e-4)


def test_training_on_a_few_clips_learns_and_writes_weights_that_load(tmp_path) -> None:
    clips = [make_point_clip(JointType.PRISMATIC, seed=seed, num_frames=5, num_points=128) for seed in range(2)]
    config = dataclasses.replace(
        PRESETS["scene-flow"],
        pairs=dataclasses.replace(PAIRS, turn=0.0, stretch=0.0),
        num_steps=20,
        warmup_steps=2,
        log_every=10,
        num_workers=0,
    )
    train(config, tmp_path / "run", clips=clips)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    first, last = (float(line.split('"total": ')[1].split(",")[0]) for line in (lines[0], lines[-1]))
    assert last < 0.8 * first
    assert load_scene_flow(tmp_path / "run" / "checkpoint").config.has_heads
