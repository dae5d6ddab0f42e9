"""Each effect of the corruption can be switched on and off by its name, and the others stay what they are."""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.simulate.corruption import CORRUPTION_REAL, CORRUPTIONS, EFFECTS, FRAMES, keep_only, switch_off
from sim2art.simulate.generate import ClipConfig, generate_clip
from sim2art.simulate.measured_flow import sample_flow_errors
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_poses
from tests.simulate.test_sensor_noise import make_depths

SMALL = ClipConfig(families=("microwave",), num_frames=5, num_points=96, image_size=96, baselines=(1, 3))
SEEDS = (3, 4, 11, 17, 18, 27)  # With and without a crop, two of them with a hand.
REAL_GROUPS = [group for group in EFFECTS if group not in {"white_noise", "guess"}]
REAL_EFFECTS = [effect for group in REAL_GROUPS for effect in EFFECTS[group]]


def clips(**changes: object) -> Iterator[Clip]:
    """One after another, as few as are asked for."""
    return (generate_clip(dataclasses.replace(SMALL, **changes), seed) for seed in SEEDS)


def differ(ones: Iterable[Clip], others: Iterable[Clip]) -> bool:
    return any(
        not np.array_equal(getattr(one.video, name), getattr(other.video, name))
        for one, other in zip(ones, others, strict=True)
        for name in ("points_world", "flow_world", "flow_valid", "world_from_camera", "times")
    )


@pytest.fixture(scope="module")
def full() -> list[Clip]:
    return list(clips())


def test_every_effect_does_something_and_goes_when_it_is_switched_off(full: list[Clip]) -> None:
    assert {clip.provenance["has_hand"] for clip in full} == {True, False}
    idle = [effect for effect in (*REAL_EFFECTS, FRAMES) if not differ(full, clips(without=(effect,)))]
    assert idle == []


@pytest.mark.parametrize("group", REAL_GROUPS)
def test_a_group_can_be_kept_alone(group: str) -> None:
    assert differ(clips(only=(group,)), clips(corruption="none", without=(FRAMES,)))


def test_with_every_effect_off_a_clip_is_clean() -> None:
    groups = tuple(group for group in EFFECTS if group != FRAMES)
    found = list(zip(clips(without=groups), clips(corruption="none"), strict=True))
    cropped = [(cleaned, clean) for cleaned, clean in found if clean.provenance["is_cropped"]]
    assert 0 < len(cropped) < len(found)
    assert not differ(*zip(*cropped, strict=True))
    for cleaned, _ in found:  # Those with a mask have a room that may hide something, so their points are others.
        video = cleaned.video
        still = video.flow_valid[0] & (cleaned.part_ids == 0)
        assert still.any() and np.abs(video.flow_world[0][still]).max() < 1e-6


def test_other_effects_stay_what_they_are() -> None:
    """Switching one effect off shifts no draw of the others."""
    clean = make_depths()

    def errors(*names: str) -> np.ndarray:
        depth = switch_off(CORRUPTION_REAL, names).depth
        assert depth is not None
        return corrupt_depths(clean, depth, np.random.default_rng(0), 1.0) - clean

    rest = ("depth.edge", "depth.holes", "depth.quantum")  # These change or remove the others' pixels.
    only_tilt = ("depth.scale", "depth.flicker", "depth.warp", "depth.noise", "depth.noise_floor")
    both = errors(*rest, *only_tilt[1:])
    np.testing.assert_allclose(both, errors(*rest, *only_tilt) + errors(*rest, *only_tilt[1:], "depth.tilt"), atol=1e-6)


def test_poses_without_errors_are_exact() -> None:
    poses = np.tile(np.eye(4), (4, 1, 1))
    config = CORRUPTION_REAL.poses
    assert config is not None
    quiet = dataclasses.replace(config, exact_share=0.0, drift=(0.0, 0.0), jitter=(0.0, 0.0))
    np.testing.assert_array_equal(corrupt_poses(poses, 1.0, quiet, np.random.default_rng(0), 1.0), poses)


def test_names_stand_for_groups_and_effects() -> None:
    assert switch_off(CORRUPTION_REAL, ["hand"]).hand is None
    assert switch_off(CORRUPTION_REAL, ["poses.drift", "poses.jitter"]).poses is None
    leaky = switch_off(CORRUPTION_REAL, ["hand.leak_share"]).hand
    assert leaky is not None and (leaky.share, leaky.leak_share) == (0.15, 0.0)
    kept = keep_only(CORRUPTION_REAL, ["depth.holes"])
    assert kept.depth is not None and CORRUPTION_REAL.depth is not None
    assert kept.depth.holes == CORRUPTION_REAL.depth.holes and kept.depth.scale == (0.0, 0.0)
    assert kept.flow is None and kept.mask is None and not kept.drops_frames
    assert switch_off(CORRUPTIONS["none"], ["depth"]) == CORRUPTIONS["none"]


def test_unknown_effects_are_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidValueError, match=r"no effect 'depth\.hole'; known: .*Did you mean 'depth\.holes'\?"):
        _ = ClipConfig(without=("depth.hole",)).effects
    with pytest.raises(InvalidValueError, match="no effect 'sound'"):
        keep_only(CORRUPTION_REAL, ["sound"])


def test_a_clip_says_which_effects_are_off(full: list[Clip]) -> None:
    clip = generate_clip(dataclasses.replace(SMALL, without=("hand",)), 3)
    assert clip.provenance["without"] == ["hand"]
    assert "without" not in full[0].provenance and "only" not in full[0].provenance


def test_flow_errors_that_are_off_are_zero() -> None:
    flow = keep_only(CORRUPTION_REAL, ["flow.outliers"]).flow
    assert flow is not None
    errors = sample_flow_errors(flow, named_rng(1, "flow"), 1.0, 256)
    assert errors.outliers > 0
    assert (errors.smooth, errors.smear, errors.blur, errors.slide, errors.textureless, errors.dropped) == (0.0,) * 6
