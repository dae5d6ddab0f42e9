"""Pairs of evaluations with differences that are known."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.cli.main import main
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.evaluate.benchmark import BenchmarkResult
from sim2art.evaluate.clip_measures import score_from_dict
from sim2art.evaluate.comparison import Comparison, compare, format_comparison, read_evaluation
from sim2art.evaluate.real_video import PartScore, VideoScore
from sim2art.evaluate.real_video_report import videos_to_dict
from sim2art.evaluate.report import report_to_dict, write_report
from sim2art.evaluate.scores import Claim, ClipScore, JointScore

FACTS = {"set": "procedural-val", "half": "tune", "corruption": "real", "commit": "abc"}


def make_clip(name: str, axis_deg: float, iou: float = 0.8, *, is_slide: bool = False) -> ClipScore:
    kind = JointType.PRISMATIC if is_slide else JointType.REVOLUTE
    joint = JointScore(
        name="j", true_type=JointType.REVOLUTE, part_iou=iou, estimated_type=kind, axis_deg=axis_deg, position_cm=1.0
    )
    return ClipScore(
        clip=name, family="door", num_true_parts=2, num_parts=2, mean_iou=iou, moving_iou=iou, num_found=2,
        joints=(joint,), claims=(Claim(confidence=0.9, is_right=not is_slide, axis_deg=axis_deg),), seconds=1.0,
    )  # fmt: skip


def write(path: Path, scores: list[ClipScore], *, method: str = "network", **facts: str) -> Path:
    write_report(BenchmarkResult(facts={**FACTS, **facts}, scores={method: tuple(scores)}), path)
    return path


def differences(found: Comparison) -> dict:
    return {each.name: each for each in found.differences}


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Forty clips whose axes spread by 10 deg; the second run is 0.5 deg better on each, and has one type wrong."""
    hard = np.random.default_rng(0).uniform(5, 40, 40)
    first = [make_clip(f"door/{index}", axis) for index, axis in enumerate(hard)]
    second = [make_clip(f"door/{index}", axis - 0.5, is_slide=index == 3) for index, axis in enumerate(hard)]
    return write(tmp_path / "a.json", first), write(tmp_path / "b.json", second)


def test_a_small_gain_on_every_clip_is_told(two: tuple[Path, Path]) -> None:
    found = differences(compare(*map(read_evaluation, two)))
    axis = found["axis, deg, missed = 90, mean"]
    assert axis.difference == pytest.approx(-0.5) and axis.interval_95 == pytest.approx((-0.5, -0.5))
    assert (axis.better, axis.worse, axis.same) == (40, 0, 0) and axis.is_told
    types = found["type accuracy"]
    assert types.difference == pytest.approx(-1 / 40) and not types.is_told
    assert (types.better, types.worse, types.same) == (0, 1, 39)
    assert found["mIoU"].difference == 0 and found["mIoU"].same == 40 and not found["mIoU"].is_told


def test_the_other_way_round_changes_the_sign_alone(two: tuple[Path, Path]) -> None:
    there, back = (differences(compare(*map(read_evaluation, pair))) for pair in (two, two[::-1]))
    for name, one in there.items():
        if one.difference is not None and one.interval_95 is not None:
            low, high = back[name].interval_95
            assert one.difference == pytest.approx(-back[name].difference)
            assert one.interval_95 == pytest.approx((-high, -low), abs=1e-9)
            assert (one.better, one.worse) == (back[name].worse, back[name].better)


def test_clips_of_one_run_alone_are_named_and_left_out(tmp_path: Path) -> None:
    first = write(tmp_path / "a.json", [make_clip("door/1", 3.0), make_clip("door/2", 3.0)])
    second = write(tmp_path / "b.json", [make_clip("door/2", 5.0), make_clip("door/7", 80.0)])
    found = compare(read_evaluation(first), read_evaluation(second))
    assert (found.clips, found.only_first, found.only_second) == (("door/2",), ("door/1",), ("door/7",))
    assert differences(found)["axis, deg, missed = 90, mean"].difference == pytest.approx(2.0)
    words = format_comparison(found)
    assert "only in the first, left out: door/1" in words and "only in the second, left out: door/7" in words


@pytest.mark.parametrize(("key", "value"), [("set", "real-mesh"), ("half", "sealed"), ("corruption", "none")])
def test_other_clips_are_refused(tmp_path: Path, key: str, value: str) -> None:
    first = write(tmp_path / "a.json", [make_clip("door/1", 3.0)])
    second = write(tmp_path / "b.json", [make_clip("door/1", 3.0)], **{key: value})
    with pytest.raises(InvalidValueError, match=rf"not of the same clips: {key} is '{FACTS[key]}' .* and '{value}' in"):
        compare(read_evaluation(first), read_evaluation(second))


def test_bad_files_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(InvalidFileError, match="Cannot read an evaluation"):
        read_evaluation(path)
    path.write_text('{"schema": "sim2art.real/1", "set": "door"}')
    with pytest.raises(SchemaError, match=r"set 'door'; a report\.json of `sim2art evaluate` is needed"):
        read_evaluation(path)
    write(path, [make_clip("door/1", 3.0)])
    with pytest.raises(InvalidValueError, match="no method 'inference'; it has: network"):
        read_evaluation(path, "inference")
    other = write(tmp_path / "b.json", [make_clip("door/2", 3.0)])
    with pytest.raises(InvalidValueError, match="share no clip"):
        compare(read_evaluation(path), read_evaluation(other))


def test_scores_come_back_from_json() -> None:
    score = make_clip("door/1", 3.0)
    missed = dataclasses.replace(score.joints[0], estimated_type=None, axis_deg=None)
    for each in (score, dataclasses.replace(score, joints=(missed,), failure="no")):
        content = report_to_dict(BenchmarkResult(facts={}, scores={"network": (each,)}))
        assert score_from_dict(json.loads(json.dumps(content["clips"]["network"][0]))) == each


def test_real_videos_are_compared_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def write_videos(path: Path, ious: list[float]) -> Path:
        scores = [
            VideoScore(
                clip=f"c{index}", kind="moving", status="ok",
                parts=(PartScore(name="door", type="revolute", mask_iou=iou, found_type="revolute", range_deg=(1, 2)),),
            )
            for index, iou in enumerate(ious)
        ]  # fmt: skip
        facts = {"schema": "sim2art.real/1", "set": "real-video", "half": "tune", "method": "network", "commit": "x"}
        path.mkdir()
        (path / "report.json").write_text(json.dumps({**facts, **videos_to_dict(scores)}))
        return path

    first, second = write_videos(tmp_path / "a", [0.1, 0.2, 0.9]), write_videos(tmp_path / "b", [0.5, 0.7, 0.8])
    assert main(["compare", str(first), str(second), "-o", str(tmp_path / "c.json")]) == 0
    printed = capsys.readouterr().out
    assert "set real-video, half tune, 3 clips in both" in printed
    content = json.loads((tmp_path / "c.json").read_text())
    masks = content["differences"]["mask IoU of moving parts"]
    assert masks["difference"] == pytest.approx(0.8 / 3) and (masks["better"], masks["worse"]) == (2, 1)
    assert content["differences"]["clips right as a whole"]["difference"] == pytest.approx(2 / 3)
    assert content["differences"]["clips ok and wrong"]["difference"] == pytest.approx(-2)
    simulated = write(tmp_path / "d.json", [make_clip("door/1", 3.0)])
    assert main(["compare", str(first), str(simulated)]) == 2
    assert "set is 'real-video'" in capsys.readouterr().err


def test_two_methods_of_one_report_are_compared(tmp_path: Path) -> None:
    scores = {"network": (make_clip("door/1", 3.0),), "network_refined": (make_clip("door/1", 1.0),)}
    path = tmp_path / "report.json"
    write_report(BenchmarkResult(facts=FACTS, scores=scores), path)
    found = compare(read_evaluation(tmp_path, "network"), read_evaluation(path, "network_refined"))
    assert differences(found)["axis, deg, matched, median"].difference == pytest.approx(-2.0)


def test_real_tracks_are_compared(tmp_path: Path) -> None:
    def write_tracks(name: str, types: list[str]) -> Path:
        answers = [{"type": kind, "is_sure": True, "axis_to_fit_deg": 1.0, "seconds": 2.0} for kind in types]
        recordings = [
            {"name": f"t{index}", "true_type": "revolute", "answers": {"track_fit": {**answer, "type": "revolute"}, "network": answer}}
            for index, answer in enumerate(answers)
        ]  # fmt: skip
        (tmp_path / name).write_text(
            json.dumps({"schema": "sim2art.real/1", "set": "real-tracks", "recordings": recordings})
        )
        return tmp_path / name

    first, second = write_tracks("a", ["revolute", "prismatic"]), write_tracks("b", ["revolute", "revolute"])
    found = differences(compare(read_evaluation(first, "network"), read_evaluation(second, "network")))
    assert found["recordings right"].difference == pytest.approx(0.5)
    assert (found["surely wrong"].first, found["surely wrong"].second) == (0.5, 0.0)
