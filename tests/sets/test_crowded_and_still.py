"""The sets of walls and of still clips: what they show, and that every kind is in both halves."""

from collections import Counter

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.assets.library import make_asset
from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.assets.procedural.unit_walls import UNIT_WALLS
from sim2art.cli.main import main
from sim2art.dataset.splits import STILL, WALLS
from sim2art.sets.crowded_and_still import STILL_CASES, WALL_CASES, make_still_clip, make_wall_clip, still_of, wall_of
from sim2art.sets.evaluation_sets import EvaluationSet
from sim2art.simulate.joint_motions import MotionConfig, sample_trajectory
from sim2art.simulate.still_recordings import render_still


@pytest.mark.parametrize("name", UNIT_WALLS)
def test_walls_have_so_many_equal_parts(name: str) -> None:
    _, _, count, kind = name.split("_")
    wall = make_asset(name, np.random.default_rng(0))
    expected = JointType.REVOLUTE if kind == "doors" else JointType.PRISMATIC
    assert [joint.type for joint in wall.joints] == [expected] * int(count)
    assert name not in TRAINING_FAMILIES


@pytest.mark.parametrize("at_once", [1, 3])
def test_parts_open_in_turns_and_stay_open(at_once: int) -> None:
    wall = make_asset("wall_of_10_drawers", np.random.default_rng(0))
    phase = np.linspace(0, 1, 200)
    config = MotionConfig(at_once=at_once, opening=(0.5, 1.0))
    values = sample_trajectory(wall, phase=phase, rng=np.random.default_rng(1), config=config).values
    highest = np.array([joint.limits[1] for joint in wall.joints if joint.limits])
    moving = np.diff(values, axis=0) > 1e-9
    assert moving.sum(axis=1).max() <= 2 * at_once  # At a change of turns one step of time may hold both.
    assert np.median(moving.sum(axis=1)) == at_once
    assert np.all(values[0] == 0) and np.all(values[-1] >= 0.5 * highest) and np.all(np.diff(values, axis=0) >= 0)


@pytest.mark.parametrize("half", ["tune", "sealed"])
def test_every_kind_comes_in_each_half(half) -> None:
    walls, still = EvaluationSet.choose("walls", half), EvaluationSet.choose("still", half)
    assert Counter(wall_of(seed - WALLS.start).name for seed in walls.seeds) == Counter(
        case.name for case in WALL_CASES
    )
    assert len({case.name for case in WALL_CASES}) == 12
    kinds = Counter(still_of(seed - STILL.start).kind for seed in still.seeds)
    assert kinds == Counter(case.kind for case in STILL_CASES) and sum(kinds.values()) == 60
    assert len({still_of(seed - STILL.start).kind for seed in still.seeds[:10]}) >= 5
    assert still.families(still.seeds[0]) and walls.families(walls.seeds[0])[0].startswith("wall_of_")


def test_a_wall_clip_shows_every_part_move() -> None:
    place = next(place for place in range(12) if wall_of(place).name == "10_doors_by_3")
    clip = make_wall_clip(WALLS.start + place, place, num_points=1024, corruption="none")
    assert len(clip.truth.joints) == 10 and clip.provenance["family"] == "10_doors_by_3"
    assert set(np.unique(clip.part_ids[clip.video.valid])) == set(range(11))


@pytest.mark.parametrize("place", [0, 2])
def test_still_clips_have_no_joint(place: int) -> None:
    clip = make_still_clip(STILL.start + place, place, num_frames=6, num_points=256, corruption="none")
    assert clip.truth.joints == () and clip.provenance["family"] == still_of(place).kind


def test_what_disturbs_still_recordings_is_there() -> None:
    seeds = (STILL.start, STILL.start + 1)
    dark = render_still("warm_up", ("microwave",), seeds[0]).images.astype(float).mean(axis=(1, 2, 3))
    assert dark[0] < 0.6 * dark[-1] and np.ptp(dark[8:]) < 0.2 * dark[-1]
    passing = render_still("passing_hand", ("microwave",), seeds[1])
    hand = (passing.stage.bodies == passing.stage.hand_body).mean(axis=(1, 2))
    assert hand[0] == 0 and hand[-1] == 0 and hand.max() > 0.01
    assert passing.truth.articulated_object.joints == () and passing.world_from_camera is None
    calm = render_still("moving_camera", ("microwave",), seeds[0])
    flickering = render_still("depth_flicker", ("microwave",), seeds[0])
    assert calm.world_from_camera is not None

    def level(recording) -> float:
        ratio = recording.depths / np.maximum(recording.stage.depths, 1e-6)
        return float(np.std([np.median(image[image > 0.5]) for image in ratio]))

    assert level(flickering) > 1.5 * level(calm)


@pytest.mark.slow
def test_still_recordings_go_through_the_chain(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--set", "still", "--num", "5", "--methods", "flow_clustering", "--no-refine"]
    assert main(["evaluate", *words]) == 0
    printed = capsys.readouterr().out
    assert "still clips given a joint" in printed and "moving_camera" in printed
