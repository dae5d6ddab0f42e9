"""Frames are chosen by motion: still ends trimmed, extremes kept, blur skipped."""

import numpy as np

from sim2art.perception.frames.choice import choose_frames
from sim2art.perception.frames.motion_profile import measure_reversal

SHARP = np.ones(60, dtype=bool)


def test_a_still_head_and_tail_are_trimmed() -> None:
    motion = np.zeros(59)
    motion[20:40] = 1.0
    chosen = choose_frames(motion, num_frames=12, is_sharp=SHARP)
    assert len(chosen) == 12
    assert np.all(np.diff(chosen) > 0)
    assert 18 <= chosen[0] <= 20
    assert 40 <= chosen[-1] <= 42


def test_fast_stretches_get_more_frames() -> None:
    motion = np.full(59, 0.2)
    motion[30:45] = 1.0
    chosen = choose_frames(motion, num_frames=16, is_sharp=SHARP)
    assert np.sum((chosen >= 30) & (chosen <= 45)) >= 8


def test_without_motion_frames_are_even() -> None:
    chosen = choose_frames(np.zeros(59), num_frames=5, is_sharp=SHARP)
    assert chosen.tolist() == [0, 15, 30, 44, 59]


def test_a_short_recording_is_used_whole() -> None:
    assert choose_frames(np.ones(7), num_frames=16, is_sharp=SHARP[:8]).tolist() == list(range(8))


def test_a_blurred_frame_gives_way_to_a_sharp_neighbour() -> None:
    sharp = SHARP.copy()
    plain = choose_frames(np.ones(59), num_frames=8, is_sharp=sharp)
    sharp[plain[3]] = False
    chosen = choose_frames(np.ones(59), num_frames=8, is_sharp=sharp)
    assert chosen[3] != plain[3]
    assert abs(chosen[3] - plain[3]) <= 2


def test_the_turning_point_is_kept() -> None:
    reversal = np.zeros(59)
    reversal[31] = 0.9
    chosen = choose_frames(np.ones(59), num_frames=9, is_sharp=SHARP, reversal=reversal)
    assert 31 in chosen


def test_motion_turns_back_where_its_end_is_though_it_goes_on_slowly_before_it_speeds_up() -> None:
    travel = np.array([5.0, 5.0, 7.0, 2.3, 1.0, -0.8, -1.4, -0.9, -4.7, -5.0, -5.0])  # A real door's, deg a frame.
    residuals = np.zeros((len(travel), 4, 4, 2))
    residuals[:, 1:3, 1:3, 0] = travel[:, None, None]
    turns = [measure_reversal(residuals, step) for step in range(len(travel))]
    assert np.argmax(turns) == 5
    assert turns[0] == turns[1] == turns[10] == 0.0


def test_a_brief_motion_in_a_long_recording_gets_consecutive_frames() -> None:
    motion = np.zeros(59)
    motion[30:36] = 1.0
    chosen = choose_frames(motion, num_frames=16, is_sharp=SHARP)
    assert set(range(30, 37)) <= set(chosen.tolist())
    assert len(chosen) == 16


def test_a_few_fast_steps_get_their_frames_though_the_rest_trembles() -> None:
    motion = np.full(59, 0.02)
    motion[[20, 21, 22, 40, 41]] = 0.6
    chosen = set(choose_frames(motion, num_frames=16, is_sharp=SHARP).tolist())
    assert len({20, 21, 22, 23} & chosen) >= 3 and len({40, 41, 42} & chosen) >= 2
