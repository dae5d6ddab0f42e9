"""Scores of results against drawings: values known by hand, and the same numbers as the reference script."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.evaluate.real_video import VideoScore, score_missing, score_video
from sim2art.evaluate.real_video_files import list_clips, read_found_result
from sim2art.evaluate.real_video_report import measure_all, video_from_dict, videos_to_dict
from sim2art.geometry.rotations import rotation_from_rotvec
from tests.real_video_files import SQUARE, joint, square_labels, write_annotation, write_clip, write_result

SHARED = Path(__file__).resolve().parents[3] / "shared"
HINGE = [[60, 20], [60, 60]]
DOOR = {"name": "door", "type": "revolute", "range": [20, 40]}


def score(folder: Path, name: str = "a") -> VideoScore:
    clip = next(clip for clip in list_clips(folder / "set") if clip.name == name)
    return score_video(name, clip.kind, clip.drawing, read_found_result(folder / name))


def draw(folder: Path, frames: dict, parts: list | None = None) -> None:
    write_annotation(folder / "set", "a", [DOOR] if parts is None else parts, frames)


def test_a_perfect_answer_is_right(tmp_path: Path) -> None:
    draw(tmp_path, {"10": {"polygons": [[SQUARE]], "axis": [HINGE], "hand": []}})
    write_result(tmp_path / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    found = score(tmp_path)
    (part,) = found.parts
    assert part.mask_iou == 1.0 and part.is_in_range and found.is_right and not found.is_falsely_ok
    assert part.angle_deg == pytest.approx(0, abs=1e-3) and part.distance_percent == pytest.approx(0, abs=1e-3)
    assert part.swing == pytest.approx(np.rad2deg(0.5))


def test_masks_are_summed_over_frames_and_hands_left_out(tmp_path: Path) -> None:
    drawn = {"polygons": [[SQUARE]], "axis": [None], "hand": []}
    hand = [[[10, 10], [29, 10], [29, 19], [10, 19]]]  # The upper half of the part.
    draw(tmp_path, {"0": drawn, "11": {**drawn, "hand": hand}})
    write_result(tmp_path / "a", [square_labels((20, 10, 1))] * 3, [joint("revolute", 1)])
    # Frame 0: 200 of 600 pixels are shared; frame 11: 100 of the 200 drawn and 300 found ones that no hand covers.
    found = score(tmp_path)
    assert found.parts[0].mask_iou == pytest.approx((200 + 100) / (600 + 400))
    assert found.num_frames == 2 and found.parts[0].angle_deg is None


def test_frames_without_a_used_one_near_do_not_count(tmp_path: Path) -> None:
    drawn = {"polygons": [[SQUARE]], "axis": [HINGE], "hand": []}
    draw(tmp_path, {"20": drawn, "27": drawn, "29": {**drawn, "polygons": [[[[50, 50], [60, 50], [60, 60]]]]}})
    write_result(tmp_path / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    found = score(tmp_path)  # 7 frames of 1/30 s are within 0.25 s, 9 are not.
    assert found.num_frames == 2 and found.parts[0].mask_iou == 1.0


@pytest.mark.parametrize(("degrees", "is_right"), [(12.0, True), (18.0, False)])
def test_the_angle_is_the_median_over_frames(tmp_path: Path, degrees: float, is_right: bool) -> None:
    def frame(angle: float) -> dict:
        along = 30 * np.array([np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))])
        return {"polygons": [[SQUARE]], "axis": [[[60, 40], (np.array([60, 40]) + along).tolist()]], "hand": []}

    draw(tmp_path, {"0": frame(0), "10": frame(degrees), "20": frame(-40)})
    write_result(tmp_path / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    found = score(tmp_path)
    assert found.parts[0].angle_deg == pytest.approx(degrees) and found.is_right is is_right
    assert found.is_falsely_ok is not is_right
    # The drawn ends lie 0 and 30 sin(angle) px beside the line.
    expected = 100 * 15 * np.sin(np.deg2rad(degrees)) / np.hypot(100, 80)
    assert found.parts[0].distance_percent == pytest.approx(expected)


def test_a_slide_is_seen_where_the_part_is(tmp_path: Path) -> None:
    part = {"name": "drawer", "type": "prismatic", "range": None}
    toward = np.array([0.0, 0.0, -1.0])  # Its image runs through the image's middle, (50, 40).
    axis = [[19.5, 19.5], [50, 40]]
    draw(tmp_path, {"0": {"polygons": [[SQUARE]], "axis": [axis], "hand": []}}, [part])
    write_result(
        tmp_path / "a", [square_labels((10, 10, 1))] * 3, [joint("prismatic", 1, axis=toward.tolist(), values=[0, 0.1, 0.2])]
    )  # fmt: skip
    (found,) = score(tmp_path).parts
    assert found.angle_deg == pytest.approx(0, abs=1e-3) and found.distance_percent is None
    assert found.is_in_range is None and found.swing == pytest.approx(0.2)


def test_joints_are_matched_by_their_masks_and_sure_others_make_a_clip_wrong(tmp_path: Path) -> None:
    other = {"name": "lid", "type": "prismatic", "range": None}
    lower = (np.array(SQUARE) + [0, 40]).tolist()
    draw(tmp_path, {"0": {"polygons": [[SQUARE], [lower]], "axis": [HINGE, None], "hand": []}}, [DOOR, other])
    labels = [square_labels((10, 50, 1), (10, 10, 2), (70, 10, 3))] * 3
    joints = [joint("prismatic", 1), joint("revolute", 2), joint("revolute", 3, confidence=0.6)]
    write_result(tmp_path / "a", labels, joints)
    found = score(tmp_path)
    assert [part.found_type for part in found.parts] == ["revolute", "prismatic"]
    assert (found.extra_joints, found.sure_extra_joints) == (1, 1) and found.is_falsely_ok
    write_result(tmp_path / "b", labels, [*joints[:2], {**joints[2], "reasons": ["small motion"]}])
    (tmp_path / "b").rename(tmp_path / "c")
    clip = list_clips(tmp_path / "set")[0]
    again = score_video("a", clip.kind, clip.drawing, read_found_result(tmp_path / "c"))
    assert (again.extra_joints, again.sure_extra_joints) == (1, 0) and again.is_right


def test_a_clip_without_a_result_counts_as_missed(tmp_path: Path) -> None:
    draw(tmp_path, {"0": {"polygons": [[SQUARE]], "axis": [HINGE], "hand": []}})
    (clip,) = list_clips(tmp_path / "set")
    found = score_missing("a", clip.kind, clip.drawing, "no room on the disk")
    sums = {each.name: each for each in measure_all([found])}
    assert sums["mask IoU of moving parts"].value == 0 and sums["type right, of all parts"].value == 0
    assert sums["swing inside the drawn range"].value == 0 and sums["clips without a result"].value == 1
    assert not found.is_right and not found.is_falsely_ok


def test_where_no_joint_may_be_any_joint_is_wrong(tmp_path: Path) -> None:
    write_clip(tmp_path / "set", "negative_cups")
    draw(tmp_path, {}, [])  # Drawn as having no part.
    write_annotation(tmp_path / "set", "useless", [], {}, unusable="too dark")
    (tmp_path / "set" / "rgbd_still" / "office").mkdir(parents=True)
    clips = list_clips(tmp_path / "set")
    assert [(clip.name, clip.kind, clip.chain) for clip in clips] == [
        ("a", "negative", "light"), ("negative_cups", "negative", "light"), ("rgbd_still_office", "still", "rgbd"),
    ]  # fmt: skip
    for name, joints in (("a", []), ("negative_cups", [joint("revolute", 1, confidence=0.2)])):
        write_result(tmp_path / name, [square_labels((10, 10, 1))] * 3, joints, status="ambiguous")
    scores = [score(tmp_path, "a"), score(tmp_path, "negative_cups")]
    assert [found.is_right for found in scores] == [True, False]
    sums = {each.name: each for each in measure_all(scores)}
    assert sums["negatives given a joint"].value == 0.5 and sums["negatives given a sure joint"].value == 0
    assert sums["clips right as a whole"].value is None


def test_a_clip_may_lie_beside_the_folder(tmp_path: Path) -> None:
    write_annotation(tmp_path / "set", "x_a", [DOOR], {}, clip="x/a.avi")
    assert list_clips(tmp_path / "set")[0].recording is None
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.avi").write_bytes(b"")
    assert list_clips(tmp_path / "set")[0].recording == tmp_path / "x" / "a.avi"


def test_damage_is_said_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="holds no set of real videos"):
        list_clips(tmp_path)
    draw(tmp_path, {"0": {"polygons": [], "axis": [HINGE]}})
    with pytest.raises(InvalidFileError, match=r"a\.json' is missing or damaged"):
        list_clips(tmp_path / "set")
    write_result(tmp_path / "r", [square_labels()] * 3, [joint("revolute", 1, pivot=None)])
    with pytest.raises(InvalidFileError, match=r"'.*r' is missing or damaged"):
        read_found_result(tmp_path / "r")


def test_scores_come_back_from_json(tmp_path: Path) -> None:
    draw(tmp_path, {"0": {"polygons": [[SQUARE]], "axis": [HINGE], "hand": []}})
    write_result(tmp_path / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    found = score(tmp_path)
    content = json.loads(json.dumps(videos_to_dict([found])))
    assert video_from_dict(content["clips"][0]) == found and content["clips"][0]["is_right"]


@pytest.mark.shared
def test_scores_are_those_of_the_reference_script(tmp_path: Path) -> None:
    """Made-up results for every annotated clip: masks near the drawn ones, cameras and joints by chance."""
    rng = np.random.default_rng(0)
    clips = [clip for clip in list_clips(SHARED / "data" / "real") if clip.drawing is not None]
    for clip in clips:
        _write_chance_result(tmp_path / clip.name, clip, rng)
    script = SHARED / "tools" / "score_real.py"
    words = [sys.executable, str(script), str(SHARED / "data" / "real" / "annotations"), str(tmp_path)]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    scores = [
        score_video(clip.name, clip.kind, clip.drawing, read_found_result(tmp_path / clip.name)) for clip in clips
    ]
    lines = [line for line in printed.splitlines() if line.startswith("    ")]
    parts = [part for found in scores for part in found.parts]
    assert len(lines) == len(parts) > 15
    for line, part in zip(lines, parts, strict=True):
        assert f"part {part.name}, type {part.type}, iou {round(part.mask_iou, 2)}," in line
        assert (
            f"found {part.found_type}, angle {_rounded(part.angle_deg)}, distance {_rounded(part.distance_percent)}"
            in line
        )
    clip_lines = [line for line in printed.splitlines() if re.match(r"\w+ +(ok|ambiguous) ", line)]
    for line, found in zip(clip_lines, scores, strict=True):
        assert f"extra {found.extra_joints} (sure {found.sure_extra_joints})" in line
        assert ("RIGHT" in line) is found.is_right and ("FALSE OK" in line) is found.is_falsely_ok
    reference = json.loads(printed.splitlines()[-1])
    sums = {each.name: each for each in measure_all(scores)}
    assert reference["mask_iou"] == round(sums["mask IoU of moving parts"].value or 0, 3)
    assert reference["type_right"] == round(sums["type right, of all parts"].value or 0, 3)
    assert reference["within_10"] == round(sums["axis within 10 deg, of all parts"].value or 0, 3)
    assert reference["angle_median"] == round(
        sums["axis in the image, deg, median (right type, axis drawn)"].value or 0, 1
    )
    assert reference["sure_extra"] == sums["sure joints that do not exist"].value
    assert reference["right"] == sum(found.is_right for found in scores) > 0
    assert reference["false_ok"] == sums["clips ok and wrong"].value


def _rounded(value: float | None) -> str:
    return "None" if value is None else str(round(value, 2))


def _write_chance_result(folder: Path, clip, rng: np.random.Generator) -> None:
    from sim2art.evaluate.real_video import fill

    drawing = clip.drawing
    frames = tuple(sorted({max(0, frame + int(rng.integers(-4, 5))) for frame in drawing.frames}))
    labels = []
    for frame in frames:
        nearest = min(drawing.frames, key=lambda number: abs(number - frame))
        image = np.zeros(drawing.size[::-1], np.uint8)
        for index, polygons in enumerate(drawing.frames[nearest].polygons):
            shift = rng.normal(0, 0.01 * max(drawing.size), 2)
            image[fill(tuple(polygon + shift for polygon in polygons), drawing.size)] = index + 1
        image[: drawing.size[1] // 10, : drawing.size[0] // 4] = len(drawing.parts) + 1
        labels.append(image[::2, ::2] if rng.random() < 0.3 else image)
    poses = np.broadcast_to(np.eye(4), (len(frames), 4, 4)).copy()
    poses[:, :3, 3] = rng.normal(0, 0.05, (len(frames), 3))
    poses[:, :3, :3] = [rotation_from_rotvec(rng.normal(0, 0.1, 3)) for _ in frames]
    joints = []
    for index in range(len(drawing.parts) + 1):
        own = drawing.parts[index].type if index < len(drawing.parts) else "revolute"
        kind = own if own != "free" and rng.random() < 0.8 else str(rng.choice(["revolute", "prismatic"]))
        axis = rng.normal(0, 1, 3)
        pivot = [*rng.normal(0, 0.3, 2), rng.uniform(-0.5, 2)] if kind == "revolute" else None
        joints.append(
            joint(kind, index + 1, axis=(axis / np.linalg.norm(axis)).tolist(), pivot=pivot, confidence=rng.uniform(0.3, 1),
                  reasons=["doubt"] if rng.random() < 0.4 else [], values=rng.uniform(0, 1, len(frames)).tolist())
        )  # fmt: skip
    rng.shuffle(joints)
    half = (drawing.size[0] // 2, drawing.size[1] // 2)
    write_result(
        folder, labels, joints, status=str(rng.choice(["ok", "ambiguous"])), frames=frames, world_from_camera=poses,
        size=half, focal=float(half[0]), depth=int(rng.integers(500, 3000)),
    )  # fmt: skip
