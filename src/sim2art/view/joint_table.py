"""The table of joints in a report: type, range, confidence, axis and pivot with their doubt."""

import html
from collections.abc import Sequence

import numpy as np

from sim2art.articulation.assembly import part_color
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import Joint
from sim2art.view.words import NOTHING, motion_name, show_doubt, show_number, show_value


def draw_joint_table(estimate: ArticulationEstimate, joints: Sequence[Joint], *, is_metric: bool) -> str:
    """The section with one row a joint; empty without joints.

    Args:
        estimate: What was found.
        joints: The same joints by people's names for the parts, with limits where they are known.
        is_metric: Whether lengths are metres.
    """
    if not estimate.joints:
        return ""
    factor, unit = (100.0, "cm") if is_metric else (1.0, "units")
    rows = []
    for index, (joint_estimate, joint) in enumerate(zip(estimate.joints, joints, strict=True)):
        values = estimate.trajectory.values[:, index]
        seen = joint.observed_range or (values.min(), values.max())  # Of all frames, where these are known.
        low, high = (show_value(x, joint.type, is_metric=is_metric) for x in seen)
        shares = ", ".join(f"{kind.value} {share:.0%}" for kind, share in joint_estimate.type_probabilities.items())
        share = f"{joint_estimate.confidence:.0%}"
        confidence = f'<span class="meter"><i style="width:{share}"></i></span>{share}'
        doubt = "" if joint_estimate.status is Status.OK else f"{joint_estimate.status.value}: "
        doubt = (
            f"<br><span class='soft'>{html.escape(doubt + '; '.join(joint_estimate.reasons))}</span>" if doubt else ""
        )
        vector = ' class="vector"'
        cells = (
            (
                "Moves",
                f"{html.escape(motion_name(joint.type))}<br><span class='soft'>{html.escape(shares)}</span>{doubt}",
            ),
            ("On", html.escape(joint.parent)),
            ("Range seen", f"{low} to {high}{_limits(joint, is_metric=is_metric)}"),
            ("Confidence", confidence),
            ("Axis", _vector(joint.axis, 3)),
            (
                f"Pivot, {unit}",
                NOTHING if joint.pivot is None else _vector(joint.pivot * factor, 1 if is_metric else 3),
            ),
            ("Off by, 95 %", "<br>".join(html.escape(x) for x in show_doubt(joint_estimate, is_metric=is_metric))),
        )
        rows.append(
            f'<tr><td class="name"><span class="swatch" style="background:{part_css(index + 1)}"></span>'
            f"{html.escape(joint.child)}</td>"
            + "".join(
                f'<td data-label="{label}"{vector if content.startswith("(") else ""}><span>{content}</span></td>'
                for label, content in cells
            )
            + "</tr>"
        )
    labels = ("Part", "Moves", "On", "Range seen", "Confidence", "Axis", f"Pivot, {unit}", "Off by, 95 %")
    head = "".join(f"<th>{label}</th>" for label in labels)
    return (
        "<h2>Joints</h2><p class='soft'>Axis and pivot are in the first used camera's frame (x right, y down, z forward) "
        "at the first frame. The last column says how far off they may be (95 %, as fitted on simulated clips).</p>"
        f"<div class='table'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _limits(joint: Joint, *, is_metric: bool) -> str:
    """What a person said about how far the joint goes."""
    if joint.limits is None:
        return ""
    low, high = (show_value(x, joint.type, is_metric=is_metric) for x in joint.limits)
    return f"<br><span class='soft'>limits {low} to {high}, given by a person</span>"


def part_css(part: int) -> str:
    """The CSS colour of a part."""
    return "#{:02x}{:02x}{:02x}".format(*part_color(part))


def _vector(values: np.ndarray, digits: int) -> str:
    return "(" + ", ".join(show_number(float(value), digits) for value in values) + ")"
