"""A joint is only sure where consecutive states connect; else it is said between which frames, and what to do."""

import numpy as np
import pytest

from sim2art.articulation.estimate import JointEstimate
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.states.paths import HIGHEST_TURN
from sim2art.states.recording_states import doubts_of

HINGE = JointEstimate(
    joint=Joint(
        name="joint_1", type=JointType.REVOLUTE, parent="base", child="door", axis=np.array([0.0, 1.0, 0.0]), pivot=np.zeros(3)
    ),
    type_probabilities={JointType.REVOLUTE: 1.0},
    confidence=0.9,
)  # fmt: skip


def doubts(
    values_deg: np.ndarray, *, held: np.ndarray | None = None, visible: np.ndarray | None = None, sigma_deg: float = 0.3
) -> list[str]:
    """Of a hinge filmed at ten frames a second, numbered from 100."""
    count = len(values_deg)
    held = np.ones(count, dtype=bool) if held is None else held
    sigmas = np.where(held, sigma_deg, 20.0)
    states = FrameStates(
        frame_ids=tuple(range(100, 100 + count)), times=np.arange(count) / 10, values=np.deg2rad(values_deg)[:, None],
        sigmas=np.deg2rad(sigmas)[:, None], visible=(held if visible is None else visible)[:, None].copy(), followed=(True,),
    )  # fmt: skip
    return doubts_of(HINGE, 0, held, states)


def test_a_quick_swing_connects() -> None:
    assert doubts(np.array([0.0, 0, 8, 28, 48, 60, 60, 60])) == []


def test_a_jump_is_said_with_its_frames_and_what_to_do() -> None:
    (reason,) = doubts(np.array([0.0, 0, 0, 35, 35, 35, 35, 35]))
    assert "jumps by 35 deg between frames 102 and 103" in reason and "more frames a second" in reason


def test_a_jump_is_doubted_before_it_is_ruled_out() -> None:
    step = np.rad2deg(HIGHEST_TURN) / 10 - 1
    assert len(doubts(np.array([0.0, 0, 0, 0, step, step, step, step]))) == 1


@pytest.mark.parametrize("is_visible", [False, True])
def test_a_stretch_that_could_not_be_followed_is_said_with_its_frames(is_visible: bool) -> None:
    held = np.array([True] * 4 + [False] * 3 + [True] * 4)
    visible = held | is_visible
    (reason,) = doubts(np.linspace(0.0, 50.0, 11), held=held, visible=visible)
    assert "between frames 103 and 107" in reason and "Film" in reason
    assert ("out of view" in reason) is not is_visible


def test_a_range_that_is_hardly_known_is_said() -> None:
    (reason,) = doubts(np.linspace(0.0, 20.0, 11), sigma_deg=3.0)
    assert "known to" in reason
