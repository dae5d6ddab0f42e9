"""Numbers as people read them: degrees and centimetres, and a headline. Only pictures and pages use these."""

import numpy as np

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import JointType

NOTHING = "\N{EN DASH}"
"""Shown where there is no value."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def display_unit(kind: JointType, *, is_metric: bool) -> tuple[float, str]:
    """Factor and name of the unit that shows a joint's values: degrees; centimetres, or "units" without a scale."""
    match kind:
        case JointType.REVOLUTE:
            return float(np.rad2deg(1.0)), "°"
        case JointType.PRISMATIC | JointType.FIXED:
            return (100.0, "cm") if is_metric else (1.0, "units")


def show_value(value: float, kind: JointType, *, is_metric: bool) -> str:
    """A joint value with its unit."""
    factor, unit = display_unit(kind, is_metric=is_metric)
    digits = 3 if unit == "units" else 1
    return show_number(value * factor, digits) + ("" if unit == "°" else " ") + unit


def show_number(value: float, digits: int) -> str:
    """A number with a true minus sign, and no minus before zero."""
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.removeprefix("-")
    return shown.replace("-", "\N{MINUS SIGN}")


def motion_name(kind: JointType) -> str:
    """What a joint does, as an adjective and in plain words."""
    return {
        JointType.REVOLUTE: "revolute (turns)",
        JointType.PRISMATIC: "prismatic (slides)",
        JointType.FIXED: "fixed",
    }[kind]


def make_headline(estimate: ArticulationEstimate, status: Status) -> str:
    """One sentence that says what was found."""
    count = len(estimate.joints)
    if count == 0:
        return "No moving part was found"
    if status is Status.FAILED:
        return "No usable answer"
    kinds = [joint.joint.type for joint in estimate.joints]
    turning, sliding = kinds.count(JointType.REVOLUTE), kinds.count(JointType.PRISMATIC)
    if count == 1:
        return "One moving part that " + {1: "turns", 0: "slides"}[turning] if turning + sliding else "One fixed part"
    verbs = [
        f"{'all' if number == count else _count(number)} {verb if number > 1 else verb + 's'}"
        for number, verb in ((turning, "turn"), (sliding, "slide"))
        if number
    ]
    return f"{_count(count).capitalize()} moving parts: {', '.join(verbs)}"


def status_name(status: Status) -> str:
    """The status as a title."""
    return "OK" if status is Status.OK else status.value.capitalize()


def status_sentence(status: Status) -> str:
    """How far the answer may be trusted."""
    return {
        Status.OK: "No doubt was raised by the checks.",
        Status.AMBIGUOUS: "Use with care: more than one answer fits what was seen.",
        Status.FAILED: "Do not use these joints: the video gave no sound answer.",
    }[status]


def show_doubt(estimate: JointEstimate, *, is_metric: bool) -> list[str]:
    """How far off axis and pivot may be (95 %), as far as known; a dash when neither is."""
    parts = []
    within = error_radius(0.95)
    if estimate.axis_sigma is not None:
        parts.append(f"axis ±{np.rad2deg(within * estimate.axis_sigma):.1f}°")
    if estimate.pivot_sigma is not None:
        factor, unit = (100.0, "cm") if is_metric else (1.0, "units")
        parts.append(f"pivot ±{within * estimate.pivot_sigma * factor:.2g} {unit}")
    return parts or [NOTHING]


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)
