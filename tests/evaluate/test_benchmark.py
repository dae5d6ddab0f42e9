"""Runs over several clips and methods: failures are listed, order does not matter, estimates may be scored again."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidFileError, SchemaError
from sim2art.evaluate.benchmark import Method, gather_scores, run_benchmark, score_methods
from sim2art.evaluate.predictions import Answer, PredictionStore, read_answer, write_answer
from sim2art.evaluate.report import format_report, format_table, write_report
from sim2art.observation.point_video import PointVideo
from tests.hand_made import make_clip, truth_as_estimate

CLIPS = [make_clip(seed=seed, num_points=60) for seed in range(3)]
FACTS = {"set": "hand-made", "corruption": "none", "checkpoint": None, "commit": "abc", "machine": "test"}


def know_all(video: PointVideo) -> ArticulationEstimate:
    clip = next(clip for clip in CLIPS if clip.video is video)
    return truth_as_estimate(clip)


def fail_once(video: PointVideo) -> ArticulationEstimate:
    if video is CLIPS[1].video:
        raise ValueError("no motion to fit")
    return know_all(video)


METHODS: dict[str, Method] = {"oracle": know_all, "fragile": fail_once}


def test_a_raising_method_fails_on_that_clip_only() -> None:
    result = run_benchmark(CLIPS, METHODS, facts=FACTS)
    summaries = result.summaries()
    assert summaries["oracle"].num_failures == 0 and summaries["oracle"].mean_iou.mean == 1.0
    assert summaries["fragile"].num_failures == 1 and summaries["fragile"].mean_iou.mean == pytest.approx(2 / 3)
    assert result.failures["fragile"] == [("cabinet/1", "ValueError: no motion to fit")]


def test_order_of_clips_does_not_matter() -> None:
    runs = [score_methods(clip, {"oracle": know_all}) for clip in CLIPS]
    forward, backward = gather_scores(runs, facts={}), gather_scores(runs[::-1], facts={})
    assert forward.scores == backward.scores


def test_ctrl_c_stops_the_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(CLIPS, {"interrupted": interrupt})


def interrupt(_video: PointVideo) -> ArticulationEstimate:
    raise KeyboardInterrupt


def test_stored_estimates_score_the_same(tmp_path: Path) -> None:
    store = PredictionStore(folder=tmp_path / "estimates", config={"set": "hand-made"}).open()
    first = run_benchmark(CLIPS, METHODS, store=store)
    for clip, score in zip(CLIPS, first.scores["oracle"], strict=True):
        again = score_methods(clip, {"oracle": interrupt}, store=store, reuse=True)["oracle"]
        assert again.joints == score.joints and again.mean_iou == score.mean_iou
        assert again.seconds == score.seconds


def test_estimates_of_another_config_are_refused(tmp_path: Path) -> None:
    PredictionStore(folder=tmp_path, config={"corruption": "real", "num_points": 2048}).open()
    PredictionStore(folder=tmp_path, config={"corruption": "real", "num_points": 2048}).open()
    with pytest.raises(SchemaError, match="corruption: 'real' there, 'paper' here"):
        PredictionStore(folder=tmp_path, config={"corruption": "paper", "num_points": 2048}).open()


def test_a_run_never_goes_on_from_estimates_that_something_else_made(tmp_path: Path) -> None:
    store = PredictionStore(folder=tmp_path, config={"set": "hand-made"}).open()
    run_benchmark(CLIPS, METHODS, store=store)
    with pytest.raises(SchemaError, match="not noted what made them"):
        store.begin({"commit": "a"}, resume=True)
    assert store.holds("oracle", CLIPS[0])
    store.begin({"commit": "a"})  # Begins again: old ones are not left for a later run to go on from.
    assert not store.holds("oracle", CLIPS[0])
    run_benchmark(CLIPS, METHODS, store=store)
    store.begin({"commit": "a"}, resume=True)
    assert store.holds("oracle", CLIPS[0])
    with pytest.raises(SchemaError, match="commit: 'a' there, 'b' here"):
        store.begin({"commit": "b"}, resume=True)


def test_estimate_survives_the_disk(tmp_path: Path) -> None:
    estimate = truth_as_estimate(CLIPS[0])
    soft = np.random.default_rng(0).dirichlet(np.ones(3), size=CLIPS[0].part_ids.shape)
    soft[0, 0] = [0.3333, 0.3334, 0.3333]  # A tie once rounded.
    estimate = ArticulationEstimate(
        part_probabilities=soft, joints=estimate.joints, trajectory=estimate.trajectory, reasons=("because",)
    )
    write_answer(tmp_path / "one.npz", Answer(estimate=estimate, seconds=1.5))
    answer = read_answer(tmp_path / "one.npz")
    read = answer.estimate
    assert answer.seconds == 1.5
    np.testing.assert_array_equal(read.part_ids, estimate.part_ids)
    np.testing.assert_array_equal(read.trajectory.values, estimate.trajectory.values)
    assert read.reasons == ("because",)
    assert [x.type_probabilities for x in read.joints] == [x.type_probabilities for x in estimate.joints]
    np.testing.assert_array_equal(read.joints[0].joint.axis, estimate.joints[0].joint.axis)


def test_damaged_estimate_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(InvalidFileError, match=r"bad\.npz is no readable estimate"):
        read_answer(tmp_path / "bad.npz")


def test_report_says_what_was_run_and_lists_failures() -> None:
    text = format_report(run_benchmark(CLIPS, METHODS, facts=FACTS))
    for words in ("hand-made", "corruption:", "abc", "oracle", "fragile", "3 (1)", "no motion to fit", "cabinet"):
        assert words in text
    assert "checkpoint" not in text  # Unknown facts are left out.


def test_json_report_holds_every_clip(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(run_benchmark(CLIPS, METHODS, facts=FACTS), path)
    content = json.loads(path.read_text())
    assert content["schema"] == "sim2art.evaluation/1"
    assert [score["clip"] for score in content["clips"]["oracle"]] == ["cabinet/0", "cabinet/1", "cabinet/2"]
    assert content["summaries"]["oracle"]["axis_deg"]["median"] == pytest.approx(0.0, abs=1e-5)
    assert content["families"]["fragile"]["cabinet"]["num_failures"] == 1


def test_report_without_clips_is_still_a_report() -> None:
    assert "set" in format_report(run_benchmark([], METHODS, facts=FACTS))


def test_table_columns_are_aligned() -> None:
    lines = format_table([["a", "bb"], ["long name", "1"], ["x", "222"]]).splitlines()
    assert lines == ["a           bb", "--------------", "long name    1", "x          222"]
