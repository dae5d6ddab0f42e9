"""`report.html`: one self-contained page about a result, for a screen, a phone or an e-mail.

It asks for nothing outside itself (a content policy in the page forbids it), reads without scripts, and shows degrees
and centimetres. The pieces are made in the modules beside this one; here they are put in order.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint
from sim2art.articulation.verdict import Outcome, SimulationVerdict
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.view.charts import Curve, draw_motion_chart
from sim2art.view.joint_table import draw_joint_table, part_css
from sim2art.view.overlays import draw_frames, pick_frames
from sim2art.view.turntable import render_motion, render_turntable
from sim2art.view.words import display_unit, make_headline, status_name, status_sentence

_ALL_PICTURES = (
    ".film .stage { aspect-ratio: auto !important; display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); "
    "gap: 8px; } .film .stage img { display: block; position: static; }"
)
"""Where nothing can be scrubbed: no scripts, or paper."""
_CONTENT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


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


def write_report(
    path: Path,
    *,
    video: RgbdVideo,
    labels: UInt8[np.ndarray, "frame height width"],
    estimate: ArticulationEstimate,
    articulated_object: ArticulatedObject,
    states: FrameStates | None = None,
    frame_ids: Sequence[int],
    status: Status,
    reasons: Sequence[str] = (),
    warnings: Sequence[str] = (),
    timings: Mapping[str, float] | None = None,
    provenance: Mapping[str, Any] | None = None,
    simulation: SimulationVerdict | None = None,
    config: ReportConfig | None = None,
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        video: The used frames.
        labels: Part of each pixel, 255 where no known part is seen.
        estimate: Joints and motion.
        articulated_object: The same joints with meshes; parts without one are left out of the renders.
        states: Joint values of every frame; None shows those of the used frames.
        frame_ids: Ids of the used frames in the recording.
        status: How far the answer may be trusted.
        reasons: Why it is not ok.
        warnings: What else a reader should know.
        timings: Seconds by stage, in order.
        provenance: Versions, command, files.
        simulation: What became of the object in a simulator; None when it was not tried.
        config: How much to show.
    """
    config = ReportConfig() if config is None else config
    headline = make_headline(estimate, status)
    sections = [
        _header(headline, video, frame_ids, status, list(reasons), [*warnings, *_failures(simulation)]),
        _film(video, labels, estimate, frame_ids, config),
        draw_joint_table(estimate, articulated_object.joints, is_metric=video.is_metric),
        _motion_charts(estimate, articulated_object.joints, states, is_metric=video.is_metric),
        _reconstruction(articulated_object, estimate, config),
        _simulation(simulation),
        _background(timings or {}, provenance or {}, is_metric=video.is_metric),
    ]
    resources = files("sim2art.view")
    page = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT_POLICY}">',
        f"<title>{html.escape(headline)}</title>",
        f"<style>{(resources / 'report_style.css').read_text(encoding='utf-8')}</style>",
        f"<noscript><style>{_ALL_PICTURES}</style></noscript></head>",
        "<body><main>",
        *sections,
        "</main>",
        f"<script>{(resources / 'report_script.js').read_text(encoding='utf-8')}</script>",
        "</body></html>",
    ]
    path.write_text("\n".join(page), encoding="utf-8")


def _header(
    headline: str,
    video: RgbdVideo,
    frame_ids: Sequence[int],
    status: Status,
    reasons: list[str],
    warnings: list[str],
) -> str:
    seconds = float(video.times[-1] - video.times[0]) if len(video.times) else 0.0
    span = f"frames {frame_ids[0]} to {frame_ids[-1]}" if len(frame_ids) else "no frames"
    lines = [
        "<header>",
        f'<p class="brand">sim2art report · {len(video.times)} frames used ({span}), {seconds:.1f} s</p>',
        f"<h1>{html.escape(headline)}</h1>",
        f'<p><span class="status {status.value}">{status_name(status)}</span> '
        f"{html.escape(status_sentence(status))}</p>",
        _bullets(reasons),
    ]
    if warnings:
        lines += ["<h3>Warnings</h3>", _bullets(warnings)]
    return "\n".join([*lines, "</header>"])


def _bullets(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(x)}</li>" for x in sentences) + "</ul>" if sentences else ""


def _reconstruction(articulated_object: ArticulatedObject, estimate: ArticulationEstimate, config: ReportConfig) -> str:
    if all(link.mesh is None or len(link.mesh.faces) == 0 for link in articulated_object.links):
        return ""
    size, trajectory = config.render_size, estimate.trajectory
    sides = render_turntable(articulated_object, trajectory, steps=config.num_turntable, size=size)
    figures = [_scrub(sides, "Parts at their far end, from the left to the right side", start=len(sides) // 2)]
    if estimate.joints:
        motion = render_motion(articulated_object, trajectory, steps=config.num_motion, size=size)
        figures.insert(0, _scrub(motion, "The observed motion, first frame to last", start=len(motion) - 1))
    return (
        "<h2>Reconstruction</h2><p class='soft'>Meshes fused from the depth of all used frames. "
        f"Sides that were never seen are holes.</p><div class='pair'>{''.join(figures)}</div>"
    )


def _scrub(
    pictures: list[np.ndarray], caption: str, *, start: int, captions: Sequence[str] = (), kind: str = "render"
) -> str:
    """Pictures behind one slider, with a caption for all or one for each."""
    classes = {True: "on", False: "off"}
    images = "".join(
        f'<img class="{classes[index == start]}" src="{encode_webp(picture)}" data-caption="{html.escape(own)}" '
        f'alt="{html.escape(caption)}, {index + 1} of {len(pictures)}">'
        for index, (picture, own) in enumerate(zip(pictures, captions or [caption] * len(pictures), strict=True))
    )
    slider = f'<input type="range" min="0" max="{len(pictures) - 1}" value="{start}" aria-label="{html.escape(caption)}" hidden>'
    shape = ""
    if kind == "film" and pictures:
        height, width = pictures[0].shape[:2]
        shape = f' style="aspect-ratio:{width}/{height}"'
    return (
        f'<figure class="scrub {kind}"><div class="stage"{shape}>{images}</div>{slider}'
        f"<figcaption>{html.escape(captions[start] if captions else caption)}</figcaption></figure>"
    )


def _motion_charts(
    estimate: ArticulationEstimate, joints: Sequence[Joint], states: FrameStates | None, *, is_metric: bool
) -> str:
    trajectory = estimate.trajectory
    if not estimate.joints or len(trajectory.times) < 2:
        return ""
    charts = []
    for index, joint in enumerate(joints):
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
        charts.append(f"<div><h3>{html.escape(joint.child)}</h3>{chart}</div>")
    every = ", the line goes through every frame, dashed where the part is out of view" if states is not None else ""
    return (
        f"<h2>Motion</h2><p class='soft'>Joint values against the first used frame; a dot is a used frame{every}.</p>"
        f"<div class='charts'>{''.join(charts)}</div>"
    )


def _film(
    video: RgbdVideo, labels: np.ndarray, estimate: ArticulationEstimate, frame_ids: Sequence[int], config: ReportConfig
) -> str:
    """The frames behind one slider; without scripts, and on paper, they stand side by side."""
    frames = pick_frames(len(video.times), config.num_frames)
    width = min(config.frame_width, video.images.shape[2])
    pictures = draw_frames(video, labels, estimate, frames, width=width)
    captions = [f"frame {frame_ids[frame]}, {video.times[frame] - video.times[0]:.2f} s" for frame in frames]
    return (
        "<h2>What the video showed</h2><p class='soft'>Moving parts in their colours. A line with a ring is a turning "
        "axis, the ring's arrow the positive turn; a single arrow is a slide.</p>"
        + _scrub(pictures, "Used frames with parts and axes", start=len(pictures) // 2, captions=captions, kind="film")
    )


def _failures(verdict: SimulationVerdict | None) -> list[str]:
    """A warning for the top of the page when the model does not simulate: a sound answer would."""
    if verdict is None or verdict.outcome is not Outcome.FAILED:
        return []
    names = [check.name + (f" of {check.joint}" if check.joint else "") for check in verdict.checks]
    failed = [name for name, check in zip(names, verdict.checks, strict=True) if check.outcome is Outcome.FAILED]
    return [f"The model failed its check{f' in {verdict.engine}' if verdict.engine else ''}: {', '.join(failed)}."]


def _simulation(verdict: SimulationVerdict | None) -> str:
    if verdict is None:
        return ""
    rows = "".join(
        f"<tr><td class='name'>{html.escape(check.name if check.joint is None else f'{check.name} {check.joint}')}</td>"
        f"<td data-label='Outcome'><span>{html.escape(check.outcome.value)}</span></td>"
        f"<td data-label='Found'><span>{html.escape(check.words)}</span></td></tr>"
        for check in verdict.checks
    )
    engine = f" in {html.escape(verdict.engine)}" if verdict.engine else ""
    return (
        f"<h2>Simulation</h2><p>The object was tried{engine}: <strong>{html.escape(verdict.outcome.value)}</strong>.</p>"
        "<div class='table'><table><thead><tr><th>Check</th><th>Outcome</th><th>Found</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _background(timings: Mapping[str, float], provenance: Mapping[str, Any], *, is_metric: bool) -> str:
    scale = (
        "Lengths are metres as the depth sensor measured them."
        if is_metric
        else "The scale of the video is unknown: lengths are in one unknown unit, angles are true."
    )
    lines = [f"<h2>Background</h2><p class='soft'>{scale}</p>"]
    if timings:
        shown = {stage: f"{seconds:.1f} s" for stage, seconds in timings.items()}
        shown["total"] = f"{sum(timings.values()):.1f} s"
        lines.append(f"<details><summary>Time taken</summary>{_pairs(shown)}</details>")
    if provenance:
        lines.append(f"<details><summary>Provenance</summary>{_pairs(provenance)}</details>")
    return "\n".join(lines)


def _pairs(entries: Mapping[str, Any]) -> str:
    def show(value: Any) -> str:
        return " ".join(str(x) for x in value) if isinstance(value, list | tuple) else str(value)

    return (
        "<dl>"
        + "".join(
            f"<dt>{html.escape(str(key))}</dt><dd>{html.escape(show(value))}</dd>" for key, value in entries.items()
        )
        + "</dl>"
    )


def encode_webp(picture: UInt8[np.ndarray, "height width channel"], *, quality: int = 80) -> str:
    """An RGB or RGBA picture as a data URI."""
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, format="WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(memory.getvalue()).decode("ascii")
