"""What several draws of one clip agree on is believed, and more draws are taken only where two disagree."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.draws import DrawsConfig, find_in_draws
from sim2art.predict.found_parts import BASE, FoundParts
from sim2art.proposals.joint_fit import FittedJoint
from tests.point_clips import make_point_clip


def panel_clip() -> tuple[PointVideo, FoundParts]:
    """A panel that turns, normalised, and its answer: 0.9 of each of its points."""
    clip = make_point_clip(JointType.REVOLUTE)
    normalization = fit_normalization(clip.video)
    hinge = clip.truth.joints[0]
    assert hinge.pivot is not None
    joint = FittedJoint(
        is_revolute=True, axis=hinge.axis, pivot=normalization.apply(hinge.pivot),
        values=clip.trajectory.values[:, 0], axis_sigma=0.01, pivot_sigma=0.01, num_rows=100.0,
    )  # fmt: skip
    return normalize(clip.video, normalization), answer([joint], [0.9 * (clip.part_ids == 1)])


def answer(
    joints: list[FittedJoint], shares: list[np.ndarray], *, score: float = 0.8, odds: float = 2.0, by_flow: bool = True
) -> FoundParts:
    moving = np.stack(shares, axis=-1)
    return FoundParts(
        joints=tuple(joints), parents=np.full(len(joints), BASE), scores=np.full(len(joints), score),
        odds=np.array([odds if joint.is_revolute else -odds for joint in joints]),
        by_flow=np.full(len(joints), by_flow),
        probabilities=np.concatenate([1 - moving.sum(axis=-1, keepdims=True), moving], axis=-1),
    )  # fmt: skip


def as_slide(joint: FittedJoint) -> FittedJoint:
    return dataclasses.replace(joint, is_revolute=False, axis=np.array([1.0, 0, 0]), pivot=np.zeros(3))


def with_a_piece_of_the_wall(parts: FoundParts) -> FoundParts:
    """The same answer and a part that is none: half of the wall."""
    panel = parts.probabilities[..., 1]
    wall = 0.8 * ((panel == 0) & (np.arange(panel.shape[1]) % 2 == 0))
    return answer([parts.joints[0], as_slide(parts.joints[0])], [panel, wall])


def nothing(parts: FoundParts) -> FoundParts:
    return FoundParts(
        joints=(), parents=np.zeros(0, dtype=np.int64), scores=np.zeros(0), odds=np.zeros(0),
        by_flow=np.zeros(0, dtype=bool),
        probabilities=np.ones_like(parts.probabilities[..., :1]),
    )  # fmt: skip


def in_turn(answers: list[FoundParts]) -> tuple[Callable[[PointVideo], FoundParts], list[FoundParts]]:
    """A finder that gives these answers one after the other, and what it has not given yet."""
    left = list(answers)
    return lambda _: left.pop(0), left


def test_two_draws_that_agree_are_enough() -> None:
    video, parts = panel_clip()
    find, left = in_turn([parts, parts, nothing(parts), nothing(parts)])
    found = find_in_draws(video, [find], DrawsConfig())
    assert len(left) == 2
    np.testing.assert_allclose(found.probabilities, parts.probabilities)
    np.testing.assert_allclose(found.scores, parts.scores)
    assert abs(found.joints[0].axis @ parts.joints[0].axis) > np.cos(np.radians(2))


def test_finders_take_turns_and_what_one_of_them_finds_is_believed() -> None:
    video, parts = panel_clip()
    first, left_by_first = in_turn([parts] * 2)
    second, left_by_second = in_turn([with_a_piece_of_the_wall(parts)] * 2)
    found = find_in_draws(video, [first, second], DrawsConfig())
    assert not left_by_first and not left_by_second
    np.testing.assert_allclose(found.scores, [0.8, 0.4])


@pytest.mark.parametrize("by_flow", [True, False])
def test_flow_chooses_among_the_joints_of_one_part(by_flow: bool) -> None:
    video, parts = panel_clip()
    share = parts.probabilities[..., 1]
    tilted = dataclasses.replace(parts.joints[0], axis=rotate_a_little(parts.joints[0].axis))
    wrong = answer([tilted], [share], score=0.9, by_flow=by_flow)
    right = answer([parts.joints[0]], [share], score=0.5, by_flow=by_flow)
    found = find_in_draws(video, [in_turn([wrong] * 2)[0], in_turn([right] * 2)[0]], DrawsConfig())
    # Where surfaces alone gave a part, its flow is wrong, and the score decides.
    np.testing.assert_allclose(found.joints[0].axis, parts.joints[0].axis if by_flow else tilted.axis)


def rotate_a_little(axis: np.ndarray) -> np.ndarray:
    turned = axis + 0.3 * np.roll(axis, 1)
    return turned / np.linalg.norm(turned)


def test_two_finders_that_agree_draw_once_each() -> None:
    video, parts = panel_clip()
    first, left_by_first = in_turn([parts] * 2)
    second, left_by_second = in_turn([parts] * 2)
    find_in_draws(video, [first, second], DrawsConfig())
    assert len(left_by_first) == len(left_by_second) == 1


def test_a_part_of_one_draw_is_left_out() -> None:
    video, parts = panel_clip()
    find, left = in_turn([with_a_piece_of_the_wall(parts), parts, parts, parts])
    found = find_in_draws(video, [find], DrawsConfig())
    assert not left
    np.testing.assert_allclose(found.probabilities, parts.probabilities)


def test_a_part_that_one_draw_missed_stays_and_is_less_sure() -> None:
    video, parts = panel_clip()
    find, _ = in_turn([nothing(parts), parts, parts, parts])
    found = find_in_draws(video, [find], DrawsConfig())
    np.testing.assert_allclose(found.probabilities, parts.probabilities)
    np.testing.assert_allclose(found.scores, 0.75 * parts.scores)


def test_draws_that_see_another_type_disagree_and_the_mean_of_the_odds_decides() -> None:
    video, parts = panel_clip()
    slide = answer([as_slide(parts.joints[0])], [parts.probabilities[..., 1]], odds=3.0)
    find, left = in_turn([slide, parts, parts, parts])
    found = find_in_draws(video, [find], DrawsConfig())
    assert not left
    assert found.joints[0].is_revolute
    assert found.odds[0] == pytest.approx((-3.0 + 2.0 + 2.0 + 2.0) / 4)


def test_masks_of_all_draws_sum_to_one() -> None:
    video, parts = panel_clip()
    panel = parts.probabilities[..., 1]
    half = np.arange(panel.shape[1]) % 3 > 0
    some = answer(list(parts.joints), [panel * half])
    two = answer([parts.joints[0], as_slide(parts.joints[0])], [panel * half, panel * ~half])
    find, _ = in_turn([some, two, parts, two])
    found = find_in_draws(video, [find], DrawsConfig())
    assert len(found.joints) == 2
    assert found.probabilities.min() >= 0
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1.0)


def test_where_nothing_moves_no_draw_more_is_taken() -> None:
    video, parts = panel_clip()
    find, left = in_turn([nothing(parts)] * 4)
    found = find_in_draws(video, [find], DrawsConfig())
    assert len(left) == 2
    assert not found.joints
    np.testing.assert_array_equal(found.probabilities, 1.0)


def test_one_draw_is_what_it_says() -> None:
    video, parts = panel_clip()
    find, left = in_turn([with_a_piece_of_the_wall(parts), parts])
    assert len(find_in_draws(video, [find], DrawsConfig(num_draws=1)).joints) == 2
    assert len(left) == 1


@pytest.mark.parametrize(("by_flow", "seen", "believed"), [(True, 2, 1), (False, 2, 0), (False, 3, 1)])
def test_a_part_that_surfaces_alone_gave_must_be_seen_more_often(by_flow: bool, seen: int, believed: int) -> None:
    video, parts = panel_clip()
    part = dataclasses.replace(parts, by_flow=np.array([by_flow]))
    find, _ = in_turn([nothing(parts)] + [part] * seen + [nothing(parts)] * (3 - seen))
    found = find_in_draws(video, [find], DrawsConfig())
    assert len(found.joints) == len(found.by_flow) == believed


@pytest.mark.parametrize(("score", "believed"), [(0.15, 0), (0.25, 1)])
def test_what_only_some_draws_saw_and_hardly_believed_is_no_part(score: float, believed: int) -> None:
    video, parts = panel_clip()
    part = dataclasses.replace(parts, scores=np.array([score]))
    find, _ = in_turn([nothing(parts), part, part, nothing(parts)])
    assert len(find_in_draws(video, [find], DrawsConfig()).joints) == believed
