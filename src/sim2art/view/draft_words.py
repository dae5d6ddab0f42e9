"""A draft in words for the viewer's panel (Markdown), and the span of its sliders."""

import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.view.draft import Draft
from sim2art.view.words import make_headline, motion_name, show_doubt, show_value, status_name, status_sentence


def slider_span(draft: Draft, part: int) -> tuple[float, float]:
    """Lowest and highest value (rad or m) that a slider offers: the limits, else what the video showed."""
    joint = draft.estimate.joints[part - 1].joint
    values = draft.estimate.trajectory.values[:, part - 1]
    low, high = joint.limits or (float(values.min()), float(values.max()))
    # A part that was hardly seen to move can still be tried a little.
    least = np.deg2rad(5.0) if joint.type is JointType.REVOLUTE else 0.02
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return low, high


def describe_draft(draft: Draft, *, is_changed: bool) -> str:
    """Headline, status with reasons, and one line a joint, as Markdown."""
    estimate = draft.estimate
    lines = [f"### {make_headline(estimate, estimate.status)}"]
    lines.append(f"**{status_name(estimate.status)}.** {status_sentence(estimate.status)}")
    lines += [f"- {reason}" for reason in estimate.reasons]
    lines += [f"- *Warning:* {warning}" for warning in draft.warnings]
    if is_changed:
        lines.append("\n*Not saved yet.*")
    return "\n".join(lines)


def describe_joint(draft: Draft, part: int) -> str:
    """What is known about the joint of a part, as Markdown."""
    found = draft.estimate.joints[part - 1]
    joint, values = found.joint, draft.estimate.trajectory.values[:, part - 1]
    low, high = (show_value(x, joint.type, is_metric=draft.is_metric) for x in (values.min(), values.max()))
    lines = [
        f"{motion_name(joint.type).capitalize()} on *{draft.part_names[draft.parent_of(part)]}*, "
        f"confidence {found.confidence:.0%}",
        f"Seen from {low} to {high}",
        "Off by (95 %): " + ", ".join(show_doubt(found, is_metric=draft.is_metric)),
    ]
    if joint.limits is not None:
        lowest, highest = (show_value(x, joint.type, is_metric=draft.is_metric) for x in joint.limits)
        lines.append(f"Limits {lowest} to {highest}")
    if found.reasons:
        lines.append(f"{found.status.value.capitalize()}: {'; '.join(found.reasons)}")
    return "  \n".join(lines)
