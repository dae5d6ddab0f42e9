"""Pose checks: damaged poses are left out or replaced, jumps are found."""

import numpy as np

from sim2art.geometry.transforms import is_rigid, make_transform
from sim2art.perception.captures.pose_checks import check_recorded_poses, find_jumps, longest_stretch

POSES = make_transform(np.eye(3), np.linspace(0, 0.2, 20)[:, None] * np.ones(3))


def test_a_few_bad_poses_leave_their_frames_out() -> None:
    poses = POSES.copy()
    poses[3, 0, 0] = np.nan
    poses[7, :3, :3] = 0
    kept, checked, told = check_recorded_poses(poses, np.arange(20))
    assert len(kept) == 18
    assert checked is not None
    assert is_rigid(checked)
    assert "2 of 20" in told[0]


def test_many_bad_poses_are_not_used() -> None:
    poses = POSES.copy()
    poses[:8, 3, 3] = np.nan
    kept, checked, told = check_recorded_poses(poses, np.arange(20))
    assert len(kept) == 20
    assert checked is None
    assert "estimated instead" in told[0]


def test_a_jump_is_found_and_the_longest_stretch_kept() -> None:
    poses = POSES.copy()
    poses[12:, 0, 3] += 1.0
    assert find_jumps(POSES) == []
    assert find_jumps(poses) == [12]
    assert longest_stretch(20, [12]) == (0, 12)
