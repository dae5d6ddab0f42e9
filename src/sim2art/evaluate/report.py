"""A benchmark's result as a text table for people and as JSON for programs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from sim2art.evaluate.benchmark import BenchmarkResult
from sim2art.evaluate.flow_metrics import FlowScore
from sim2art.evaluate.measures import format_interval
from sim2art.evaluate.summary import Spread, Summary

REPORT_SCHEMA = "sim2art.evaluation/1"
MAX_LISTED_FAILURES = 10


def format_report(result: BenchmarkResult) -> str:
    """The header, one table of all methods, one of families for each method, and the failures."""
    blocks = [format_header(result.facts), _format_methods(result.summaries())]
    if result.flow:
        blocks.append(_format_flow(result.flow))
    blocks += [_format_families(method, families) for method, families in result.family_summaries().items()]
    blocks += [_format_failures(method, failures) for method, failures in result.failures.items() if failures]
    return "\n\n".join(blocks)


def report_to_dict(result: BenchmarkResult) -> dict[str, Any]:
    """Everything as JSON values: facts, summaries over all and by family, and the score of each clip."""
    return {
        "schema": REPORT_SCHEMA,
        "facts": result.facts,
        "summaries": {method: dataclasses.asdict(summary) for method, summary in result.summaries().items()},
        "flow": [dataclasses.asdict(score) for score in result.flow],
        "families": {
            method: {family: dataclasses.asdict(summary) for family, summary in families.items()}
            for method, families in result.family_summaries().items()
        },
        "clips": {method: [dataclasses.asdict(score) for score in scores] for method, scores in result.scores.items()},
    }


def write_report(result: BenchmarkResult, path: Path) -> None:
    """Write `report_to_dict` as a JSON file."""
    path.write_text(json.dumps(report_to_dict(result), indent=1, default=str))


def format_header(facts: dict[str, Any]) -> str:
    """What was run, a fact a line."""
    return "\n".join(f"{name + ':':<12} {value}" for name, value in facts.items() if value is not None)


def _format_methods(summaries: dict[str, Summary]) -> str:
    """Metrics down, methods across: a new metric is a new line."""
    rows: list[list[str]] = [["", *summaries]]

    def add(name: str, cells: list[str]) -> None:
        if any(cell.strip("- |") for cell in cells):  # A metric that nobody could measure is no line.
            rows.append([name, *cells])

    def add_spread(name: str, spreads: list[Spread]) -> None:
        add(name, [_spread(x) for x in spreads])
        add("    95 %", [_spread_ends(x) for x in spreads])

    every = list(summaries.values())
    add("clips (failed)", [f"{x.num_clips} ({x.num_failures})" for x in every])
    add("moving parts", [str(x.num_joints) for x in every])
    add("mIoU", [_mean_with_ends(x.mean_iou, 3) for x in every])
    add("mIoU, moving parts only", [_mean_with_ends(x.moving_iou, 3) for x in every])
    add("moving parts found (IoU > 0.5)", [_with_ends(x, "found_share", x.found_share) for x in every])
    add("part count error", [format_number(x.count_error, 2) + _ends(x, "count_error", 2, 1) for x in every])
    add("part precision", [_with_ends(x, "precision", x.precision) for x in every])
    add("part recall", [_with_ends(x, "recall", x.recall) for x in every])
    add("still clips given a joint", [_still(x) for x in every])
    add("type accuracy", [_with_ends(x, "type_accuracy", x.type_accuracy) for x in every])
    add("  slides called turns | arcs called slides | open", [_mistakes(x) for x in every])
    add_spread("axis, deg           mean | median | p90", [x.axis_deg for x in every])
    add_spread("  axis, right type only", [x.axis_deg_type_right for x in every])
    add_spread("  axis, missed = 90", [x.axis_deg_penalised for x in every])
    add_spread("axis position, cm", [x.position_cm for x in every])
    add_spread("  position, missed = 100", [x.position_cm_penalised for x in every])
    add_spread("  position, line to line (peers)", [x.line_cm for x in every])
    add_spread("motion, deg", [x.motion_deg for x in every])
    add_spread("motion, cm", [x.motion_cm for x in every])
    add_spread("tangent, deg", [x.tangent_deg for x in every])
    for bound in every[0].success if every else ():
        add(f"success within {bound}", [_with_ends(x, f"success {bound}", x.success[bound]) for x in every])
    risks = [x.risk_coverage for x in every]
    add(
        "claims wrong, surest 25 | 50 | 75 | 90 | 100 %",
        [" | ".join(f"{100 * w:.0f}" for w in x.wrong) or "-" for x in risks],
    )
    add(
        "  their area | calibration error",
        [f"{format_number(x.area, 3)} | {format_number(x.calibration_error, 3)}" for x in risks],
    )
    for interval in every[0].inside_intervals if every else ():
        inside = [_with_ends(x, f"inside {interval}", x.inside_intervals[interval]) for x in every]
        add(f"truths inside {interval}", inside)
    add_spread("seconds a clip", [x.seconds for x in every])
    return format_table(rows)


def _format_families(method: str, families: dict[str, Summary]) -> str:
    """One line a family."""
    rows = [
        [
            method,
            "clips",
            "failed",
            "mIoU",
            "moving",
            "found",
            "type",
            "95 %",
            "axis med",
            "axis pen.",
            "pos. med",
            "succ. 10",
            "95 %",
        ]
    ]
    for family, x in families.items():
        rows.append(
            [
                family,
                str(x.num_clips),
                str(x.num_failures),
                format_number(x.mean_iou.mean, 3),
                format_number(x.moving_iou.mean, 3),
                "-" if x.found_share is None else f"{round(x.found_share * x.num_joints)}/{x.num_joints}",
                _share(x.type_accuracy),
                _ends(x, "type_accuracy", 0, 100).strip() or "-",
                format_number(x.axis_deg.median, 1),
                format_number(x.axis_deg_penalised.mean, 1),
                format_number(x.position_cm.median, 1),
                _share(next(iter(x.success.values()), None)),
                _ends(x, f"success {next(iter(x.success))}", 0, 100).strip() or "-",
            ]
        )
    return format_table(rows)


def _format_flow(flow: tuple[FlowScore, ...]) -> str:
    """One line a baseline: what every method was given."""
    rows = [["observed flow, frames ahead", "measured", "still cm", "moving cm", "median", "AccS", "AccR", "outliers",
             "1 % size", "2 %", "5 %"]]  # fmt: skip
    for x in flow:
        errors = [format_number(value, 2) for value in (x.still_cm, x.moving_cm, x.moving_median_cm)]
        shares = [_share(value) for value in (x.strict, x.relaxed, x.outliers, *(x.within_size or (None, None, None)))]
        rows.append([str(x.baseline), _share(x.measured), *errors, *shares])
    return format_table(rows)


def _format_failures(method: str, failures: list[tuple[str, str]]) -> str:
    lines = [f"{method} failed on {len(failures)} clips:"]
    lines += [f"  {clip}: {reason}" for clip, reason in failures[:MAX_LISTED_FAILURES]]
    if len(failures) > MAX_LISTED_FAILURES:
        lines.append(f"  and {len(failures) - MAX_LISTED_FAILURES} more (all are in the JSON file)")
    return "\n".join(lines)


def format_table(rows: list[list[str]]) -> str:
    """Rows as aligned columns, a rule below the first row; the first column is left-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0].rstrip(), "-" * len(lines[0]), *(line.rstrip() for line in lines[1:])])


def format_number(value: float | None, digits: int) -> str:
    """A number as tables show it; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _mean_with_ends(values: Spread, digits: int) -> str:
    return format_number(values.mean, digits) + format_interval(values.mean_95, digits)


def _with_ends(summary: Summary, name: str, value: float | None) -> str:
    """A share and its 95 % interval."""
    return "-" if value is None else _share(value) + _ends(summary, name, 1, 100)


def _ends(summary: Summary, name: str, digits: int, factor: float) -> str:
    return format_interval(summary.intervals_95[name], digits, factor)


def _still(summary: Summary) -> str:
    if summary.still_right is None:
        return "-"
    ends = summary.intervals_95["still_right"]
    wrong = None if ends is None else (1 - ends[1], 1 - ends[0])
    count = round((1 - summary.still_right) * summary.still_clips)
    return f"{count} of {summary.still_clips}" + ("" if wrong is None else f"{format_interval(wrong, 1, 100)} %")


def _spread(values: Spread) -> str:
    if not values.count:
        return "-"
    return " | ".join(format_number(value, 2) for value in (values.mean, values.median, values.p90))


def _spread_ends(values: Spread) -> str:
    return " | ".join(
        format_interval(ends, 2).strip() or "-" for ends in (values.mean_95, values.median_95, values.p90_95)
    )


def _mistakes(summary: Summary) -> str:
    mistakes = summary.type_mistakes
    return " | ".join(
        _share(value) for value in (mistakes.slides_called_turns, mistakes.turns_called_slides, mistakes.open)
    )
