"""The report is one file that needs nothing else."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.articulation.verdict import Outcome, SimulationCheck, SimulationVerdict
from sim2art.view.report import Report, ReportConfig, write_report
from tests.scenes import Scene, make_scene

SMALL = ReportConfig(num_frames=3, frame_width=200, num_motion=3, num_turntable=2, render_size=(96, 72))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(size=(200, 150), num_frames=5)


def write(path: Path, scene: Scene, **changes) -> str:
    content = {
        "video": scene.video, "labels": scene.labels, "estimate": scene.estimate, "articulated_object": scene.truth,
        "frame_ids": (0, 10, 20, 30, 40), "status": Status.OK,
    }  # fmt: skip
    write_report(path, Report(**(content | changes)), SMALL)
    return path.read_text(encoding="utf-8")


class TagChecker(HTMLParser):
    """Collects links out of the page and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img", "br", "input", "line", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("line", "circle", "polyline"):
            return
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_asks_for_nothing_outside(tmp_path, scene: Scene) -> None:
    text = write(tmp_path / "report.html", scene)
    checker = TagChecker()
    checker.feed(text)
    assert checker.open == []
    assert len(checker.sources) == 3 + 3 + 2
    assert all(source.startswith("data:image/webp;base64,") for source in checker.sources)
    assert not re.search(r"https?://|@import|url\(", text)
    assert len(text) < 5e6


def test_the_page_says_what_was_found(tmp_path, scene: Scene) -> None:
    text = write(
        tmp_path / "report.html", scene, status=Status.AMBIGUOUS, reasons=["part_2 moved <little>"],
        warnings=["a hand was seen & left out"], timings={"flow": 3.0, "fit": 1.5}, provenance={"commit": "abc123"},
    )  # fmt: skip
    for needle in (
        "Two moving parts: one turns, one slides", "Ambiguous", "part_2 moved &lt;little&gt;",
        "a hand was seen &amp; left out", "93%", "25.0 cm", "85.9°", "axis ±2.5°", "4.5 s", "abc123", "frame 40",
    ):  # fmt: skip
        assert needle in text, needle


def test_a_page_without_joints_or_meshes_is_written(tmp_path, scene: Scene) -> None:
    still = ArticulationEstimate(
        part_probabilities=np.ones((5, 4, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=scene.video.times.copy(), values=np.zeros((5, 0))),
        status=Status.FAILED,
    )
    labels = np.zeros_like(scene.labels)
    text = write(
        tmp_path / "report.html", scene, estimate=still, labels=labels, status=Status.FAILED,
        articulated_object=assemble_object(still, [None]),
    )  # fmt: skip
    assert "No moving part was found" in text
    assert "Reconstruction" not in text


def test_an_unknown_scale_shows_no_centimetres(tmp_path, scene: Scene) -> None:
    text = write(tmp_path / "report.html", scene, video=dataclasses.replace(scene.video, is_metric=False))
    assert " cm" not in text
    assert "scale of the video is unknown" in text


def test_names_limits_and_the_simulation_are_shown(tmp_path, scene: Scene) -> None:
    hinge, slide = scene.truth.joints
    renamed = dataclasses.replace(
        scene.truth,
        links=tuple(
            dataclasses.replace(link, name=name)
            for link, name in zip(scene.truth.links, ("cabinet", "left <door>", "drawer"), strict=True)
        ),
        joints=(
            dataclasses.replace(hinge, parent="cabinet", child="left <door>", limits=(0.0, np.pi / 2)),
            dataclasses.replace(slide, parent="cabinet", child="drawer"),
        ),
    )
    verdict = SimulationVerdict(
        engine="MuJoCo 3.3",
        checks=(
            SimulationCheck(name="settle", outcome=Outcome.PASSED, words="stands still"),
            SimulationCheck(name="reach", joint="joint_2", outcome=Outcome.FAILED, words="stuck at 12 cm"),
        ),
    )
    text = write(tmp_path / "report.html", scene, articulated_object=renamed, simulation=verdict)
    for needle in (
        "left &lt;door&gt;",
        "limits 0.0° to 90.0°",
        "MuJoCo 3.3",
        "reach joint_2",
        "stuck at 12 cm",
        "failed",
        "The model failed its check in MuJoCo 3.3: reach of joint_2.",
    ):
        assert needle in text, needle
    assert "part_1" not in text


def test_without_scripts_all_frames_are_shown(tmp_path, scene: Scene) -> None:
    text = write(tmp_path / "report.html", scene)
    assert "<noscript><style>.film" in text
    assert text.count('data-caption="frame ') == 3
