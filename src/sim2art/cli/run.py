"""`sim2art run`: one recording of an object in motion to an articulated model."""

import numpy as np

from sim2art.articulation.estimate import part_name
from sim2art.articulation.joint import JointType
from sim2art.cli.options import options_to_dict, read_options
from sim2art.cli.run_options import RunOptions
from sim2art.errors import InvalidValueError
from sim2art.perception.components import parse_choice, refuse_lacking
from sim2art.reconstruction.reconstruct import reconstruct
from sim2art.reconstruction.reconstruction import Reconstruction
from sim2art.stages import STAGES, StageKeeper, check_output


def run(options: RunOptions) -> None:
    """Run one recording, or the batch that is asked for."""
    if options.batch.batch is None or options.batch.ray is None:  # A cluster's machines may have what this one lacks.
        refuse_lacking({task: parse_choice(task, choice) for task, choice in options.components.items()})
    if options.batch.batch is not None:
        _run_all(options)
        return
    recording, output, overwrite, resume = (
        options.input.recording, options.output.folder, options.output.overwrite, options.output.resume,
    )  # fmt: skip
    if recording is None:
        raise InvalidValueError("No recording was given; name one, or a folder of recordings with --batch.")
    check_output(output, overwrite=overwrite, resume=resume)
    result = reconstruct(recording, options.reconstruct_options(recording), stage_folder=output / STAGES, resume=resume)
    written = result.save(
        output,
        overwrite=overwrite,
        config=options_to_dict(options, schema=RunOptions.SCHEMA),
        timings=result.timings,
    )
    StageKeeper(output / STAGES, resume=True).remove()
    print(describe(result))
    print("\nWritten:")
    for path in written:
        print(f"  {path}{'/' if path.is_dir() else ''}")
    print(f"\nOpen {output / 'report.html'} in a browser.")


def _run_all(options: RunOptions) -> None:
    """The batch that the options describe."""
    from sim2art.cli.batch import default_jobs, run_batch
    from sim2art.workers import LocalWorkers, RayWorkers

    asked, recording = options.batch, options.input.recording
    if recording is not None and options.config is not None:
        from_file = read_options(RunOptions, options.config).input.recording
        recording = None if recording == from_file else recording
    if asked.batch is None or recording is not None or (asked.jobs is not None and asked.jobs < 1):
        raise InvalidValueError("With --batch, give no recording beside it, and --jobs of 1 or more.")
    options.reconstruct_options(asked.batch)  # What has no meaning is refused once, not for each recording.
    run_batch(
        asked.batch,
        options,
        workers=LocalWorkers(asked.jobs or default_jobs()) if asked.ray is None else RayWorkers(asked.ray, asked.jobs),
    )


def describe(result: Reconstruction) -> str:
    """Status, warnings and the table of moving parts, as text."""
    lines = [f"Status: {result.status.value}" + "".join(f"; {reason}" for reason in result.reasons)]
    lines += [f"Warning: {warning}" for warning in result.warnings]
    if result.up.is_guess:
        lines.append(f"{result.up.words.capitalize()} (--up corrects it).")
    if not result.estimate.joints:
        return "\n".join([*lines, "No moving part was found."])
    unit = "m" if result.video.is_metric else "unknown unit"
    rows = [("part", "parent", "type", "axis", f"pivot ({unit})", "motion range", "confidence")]
    for index, found in enumerate(result.estimate.joints):
        joint = found.joint
        pivot = "-" if joint.pivot is None else " ".join(f"{v:.3f}" for v in joint.pivot)
        rows.append(
            (
                part_name(index + 1),
                joint.parent,
                joint.type.value,
                " ".join(f"{v:.3f}" for v in joint.axis),
                pivot,
                _range_words(joint.type, *_span(result, index), is_metric=result.video.is_metric),
                f"{found.confidence:.2f}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", table[0], "-" * len(table[0]), *table[1:]])


def _span(result: Reconstruction, index: int) -> tuple[float, float]:
    """Lowest and highest value of a joint, over all frames where it was followed."""
    span = result.articulated_object.joints[index].observed_range
    return (0.0, 0.0) if span is None else span


def _range_words(kind: JointType, low: float, high: float, *, is_metric: bool) -> str:
    if kind is JointType.REVOLUTE:
        return f"{np.rad2deg(low):.1f} .. {np.rad2deg(high):.1f} deg"
    return f"{100 * low:.1f} .. {100 * high:.1f} cm" if is_metric else f"{low:.3f} .. {high:.3f} units"
