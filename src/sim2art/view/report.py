"""`report.html`: one self-contained page about a result, for a screen, a phone or an e-mail.

It asks for nothing outside itself (a content policy in the page forbids it), reads without scripts, and shows degrees
and centimetres. Here its words and pictures are put together; how they are laid out is in `report.html.j2`.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jinja2
import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup
from PIL import Image

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.verdict import Outcome, SimulationVerdict
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.view.charts import Curve, draw_motion_chart
from sim2art.view.joint_table import joint_rows, part_css, pivot_label
from sim2art.view.overlays import draw_frames, pick_frames
from sim2art.view.turntable import render_motion, render_turntable
from sim2art.view.words import display_unit, make_headline, status_name, status_sentence

_CONTENT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_METRES = "Lengths are metres as the depth sensor measured them."
_NO_SCALE = "The scale of the video is unknown: lengths are in one unknown unit, angles are true."


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """How much a report shows."""

    num_frames: int = 12
    """Frames of the video, at most."""
    frame_width: int = 640
    """px."""
    num_motion: int = 9
    """Pictures of the reconstruction through its motion."""
    num_turntable: int = 7
    """Pictures of the reconstruction from its sides."""
    render_size: tuple[int, int] = (520, 390)
    """px."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report tells of."""

    video: RgbdVideo
    """The used frames."""
    labels: UInt8[np.ndarray, "frame height width"]
    """Part of each pixel, 255 where no known part is seen."""
    estimate: ArticulationEstimate
    """Joints and motion."""
    articulated_object: ArticulatedObject
    """The same joints with meshes; parts without one are left out of the renders."""
    states: FrameStates | None = None
    """Joint values of every frame; None shows those of the used frames."""
    frame_ids: Sequence[int]
    """Ids of the used frames in the recording."""
    status: Status
    """How far the answer may be trusted."""
    reasons: Sequence[str] = ()
    """Why it is not ok."""
    warnings: Sequence[str] = ()
    """What else a reader should know."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage, in order."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, command, files."""
    simulation: SimulationVerdict | None = None
    """What became of the object in a simulator; None when it was not tried."""


@dataclass(frozen=True, kw_only=True)
class _Pictures:
    """Pictures behind one slider."""

    title: str
    sources: list[str]
    """Data URIs."""
    captions: list[str]
    start: int
    """The one shown first."""
    width: int
    height: int
    kind: Literal["film", "render"] = "render"


def write_report(path: Path, report: Report, config: ReportConfig | None = None) -> None:
    """Write the page."""
    config = ReportConfig() if config is None else config
    resources, video, estimate = files("sim2art.view"), report.video, report.estimate
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((resources / "report.html.j2").read_text(encoding="utf-8"))
    frame_ids = report.frame_ids
    page = template.render(
        content_policy=_CONTENT_POLICY,
        style=(resources / "report_style.css").read_text(encoding="utf-8"),
        script=(resources / "report_script.js").read_text(encoding="utf-8"),
        headline=make_headline(estimate, report.status),
        num_frames=len(video.times),
        span=f"frames {frame_ids[0]} to {frame_ids[-1]}" if len(frame_ids) else "no frames",
        seconds=f"{float(video.times[-1] - video.times[0]) if len(video.times) else 0.0:.1f}",
        status={
            "css": report.status.value,
            "name": status_name(report.status),
            "sentence": status_sentence(report.status),
        },
        reasons=list(report.reasons),
        warnings=[*report.warnings, *_failures(report.simulation)],
        film=_film(report, config),
        joints=joint_rows(estimate, report.articulated_object.joints, is_metric=video.is_metric)
        if estimate.joints
        else [],
        pivot_label=pivot_label(is_metric=video.is_metric),
        charts=_motion_charts(report),
        has_states=report.states is not None,
        renders=_renders(report, config),
        simulation=report.simulation,
        scale=_METRES if video.is_metric else _NO_SCALE,
        timings=_time_taken(report.timings),
        provenance={key: _shown(value) for key, value in report.provenance.items()},
    )
    path.write_text(page, encoding="utf-8")


def _film(report: Report, config: ReportConfig) -> _Pictures:
    """The frames; without scripts, and on paper, they stand side by side."""
    video = report.video
    frames = pick_frames(len(video.times), config.num_frames)
    width = min(config.frame_width, video.images.shape[2])
    pictures = draw_frames(video, report.labels, report.estimate, frames, width=width)
    captions = [f"frame {report.frame_ids[frame]}, {video.times[frame] - video.times[0]:.2f} s" for frame in frames]
    title = "Used frames with parts and axes"
    return _pictures(pictures, title, start=len(pictures) // 2, captions=captions, kind="film")


def _renders(report: Report, config: ReportConfig) -> list[_Pictures]:
    """The reconstruction through its motion and from its sides; none without meshes."""
    articulated_object, trajectory, size = report.articulated_object, report.estimate.trajectory, config.render_size
    if all(link.mesh is None or len(link.mesh.faces) == 0 for link in articulated_object.links):
        return []
    sides = render_turntable(articulated_object, trajectory, steps=config.num_turntable, size=size)
    renders = [_pictures(sides, "Parts at their far end, from the left to the right side", start=len(sides) // 2)]
    if report.estimate.joints:
        motion = render_motion(articulated_object, trajectory, steps=config.num_motion, size=size)
        renders.insert(0, _pictures(motion, "The observed motion, first frame to last", start=len(motion) - 1))
    return renders


def _pictures(
    pictures: Sequence[UInt8[np.ndarray, "height width channel"]],
    title: str,
    *,
    start: int,
    captions: list[str] | None = None,
    kind: Literal["film", "render"] = "render",
) -> _Pictures:
    height, width = pictures[0].shape[:2]
    return _Pictures(
        title=title, sources=[encode_webp(picture) for picture in pictures], start=start, width=width, height=height,
        captions=captions or [title] * len(pictures), kind=kind,
    )  # fmt: skip


def _motion_charts(report: Report) -> list[tuple[str, Markup]]:
    """Part and chart of each joint."""
    estimate, states, is_metric = report.estimate, report.states, report.video.is_metric
    trajectory = estimate.trajectory
    if not estimate.joints or len(trajectory.times) < 2:
        return []
    charts = []
    for index, joint in enumerate(report.articulated_object.joints):
        factor, unit = display_unit(joint.type, is_metric=is_metric)
        curve = None
        if states is not None and states.followed[index]:
            curve = Curve(
                times=states.times - trajectory.times[0],
                values=states.values[:, index] * factor,
                sigmas=states.sigmas[:, index] * factor,
                visible=states.visible[:, index],
            )
        chart = draw_motion_chart(
            trajectory.times - trajectory.times[0],
            trajectory.values[:, index] * factor,
            color=part_css(index + 1),
            unit=unit if unit == "°" else f" {unit}",
            title=html.escape(f"Motion of {joint.child} over time"),
            curve=curve,
        )
        charts.append((joint.child, Markup(chart)))
    return charts


def _failures(verdict: SimulationVerdict | None) -> list[str]:
    """A warning for the top of the page when the model does not simulate: a sound answer would."""
    if verdict is None or verdict.outcome is not Outcome.FAILED:
        return []
    names = [check.name + (f" of {check.joint}" if check.joint else "") for check in verdict.checks]
    failed = [name for name, check in zip(names, verdict.checks, strict=True) if check.outcome is Outcome.FAILED]
    return [f"The model failed its check{f' in {verdict.engine}' if verdict.engine else ''}: {', '.join(failed)}."]


def _time_taken(timings: Mapping[str, float]) -> dict[str, str]:
    if not timings:
        return {}
    return {stage: f"{seconds:.1f} s" for stage, seconds in (*timings.items(), ("total", sum(timings.values())))}


def _shown(value: Any) -> str:
    return " ".join(str(x) for x in value) if isinstance(value, list | tuple) else str(value)


def encode_webp(picture: UInt8[np.ndarray, "height width channel"]) -> str:
    """An RGB or RGBA picture as a data URI."""
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, format="WEBP", quality=80, method=2)
    return "data:image/webp;base64," + base64.b64encode(memory.getvalue()).decode("ascii")
