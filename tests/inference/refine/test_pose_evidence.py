"""Rigid poses tell a large clear turn from a slide, and leave small swings and noise alone."""

import dataclasses

import numpy as np

from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.pose_evidence import explained_ratio, measure_turns, pose_log_odds
from sim2art.inference.refine.residuals import Rows

AXIS, PIVOT = np.array([0.0, 0.0, 1.0]), np.array([-0.5, 0.0, 0.0])


def make_rows(motions: np.ndarray, *, noise: float = 0.003, wobble: float = 0.0, seed: int = 0) -> Rows:
    """Flow of a plate under motions (frame, 4, 4); each pair errs as a whole by a wobble (rad) beside white noise."""
    rng = np.random.default_rng(seed)
    sources, targets, starts, stops = [], [], [], []
    for start in range(len(motions)):
        for stop in range(start + 1, len(motions), 3):
            points = rng.uniform([-0.4, -0.3, -0.02], [0.4, 0.3, 0.02], (40, 3))
            error = revolute_transform(np.array([1.0, 0, 0]), np.zeros(3), np.array([wobble * rng.normal()]))[0]
            source = apply(motions[start], points)
            target = apply(error @ motions[stop] @ inverse(motions[start]), source)
            sources.append(source)
            targets.append(target + rng.normal(0, noise, target.shape))
            starts.append(np.full(40, start))
            stops.append(np.full(40, stop))
    count = 40 * len(sources)
    zeros = np.zeros(count, dtype=np.int64)
    return Rows(
        part=zeros, start=np.concatenate(starts), stop=np.concatenate(stops), source=np.concatenate(sources),
        target=np.concatenate(targets), normal=np.zeros((count, 3)), is_surface=zeros.astype(bool),
        weight=np.ones(count), group=zeros,
    )  # fmt: skip


def turning(angles: np.ndarray) -> JointGuess:
    return JointGuess(is_revolute=True, axis=AXIS, pivot=PIVOT, values=angles)


def test_a_large_turn_outweighs_any_slide_and_more_so_the_larger_it_is() -> None:
    odds = []
    for degrees in (20.0, 60.0):
        angles = np.linspace(0, np.deg2rad(degrees), 8)
        rows = make_rows(revolute_transform(AXIS, PIVOT, angles), wobble=0.02)
        odds.append(pose_log_odds(measure_turns(rows), turning(angles)))
    assert 3 < odds[0] < odds[1]


def test_a_slide_never_turns_whatever_its_errors() -> None:
    angles = np.linspace(0, 0.5, 8)
    motions = np.tile(np.eye(4), (8, 1, 1))
    motions[:, 0, 3] = np.linspace(0, 0.5, 8)
    for seed in range(5):
        turns = measure_turns(make_rows(motions, wobble=0.05, seed=seed))
        assert pose_log_odds(turns, turning(angles)) == 0.0
        assert explained_ratio(turns, turning(angles)) < 2


def test_small_swings_and_empty_rows_are_left_to_other_evidence() -> None:
    angles = np.linspace(0, np.deg2rad(6), 8)
    rows = make_rows(revolute_transform(AXIS, PIVOT, angles))
    assert pose_log_odds(measure_turns(rows), turning(angles)) == 0.0
    empty = measure_turns(rows.take(np.zeros(0, dtype=np.int64)))
    assert pose_log_odds(empty, turning(np.linspace(0, 1, 8))) == 0.0


def test_a_flipped_pose_does_not_hide_the_turn() -> None:
    angles = np.linspace(0, 1.0, 8)
    rows = make_rows(revolute_transform(AXIS, PIVOT, angles), wobble=0.02)
    flipped = np.flatnonzero(rows.stop == 5)
    target = rows.target.copy()
    target[flipped] = apply(revolute_transform(np.array([0, 1.0, 0]), np.zeros(3), np.array([2.5]))[0], target[flipped])
    assert pose_log_odds(measure_turns(dataclasses.replace(rows, target=target)), turning(angles)) > 0
