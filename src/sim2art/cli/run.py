"""`sim2art run`: one recording of an object in motion to an articulated model."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from sim2art.articulation.estimate import part_name
from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.export.up import parse_up
from sim2art.file_names import model_name
from sim2art.methods import MethodName
from sim2art.perception.components import choose_components, parse_choice, refuse_lacking
from sim2art.perception.options import CompleteOptions, IntakeOptions, ObserveOptions
from sim2art.reconstruct import Reconstruction, ReconstructOptions, reconstruct
from sim2art.stages import STAGES, StageKeeper, check_output


def run(
    recording: tyro.conf.Positional[Path | None] = None,
    *,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    frames: int = 16,
    chain: Literal["auto", "rgbd", "full", "light"] = "auto",
    depth: str | None = None,
    cameras: str | None = None,
    mask: str | None = None,
    people: str | None = None,
    flow: str | None = None,
    features: str | None = None,
    box: str | None = None,
    fov: float | None = None,
    known_length: str | None = None,
    marker: float | None = None,
    up: str | None = None,
    start: float | None = None,
    end: float | None = None,
    keep_room: bool = False,
    name: str | None = None,
    method: MethodName = "network",
    checkpoint: Path | None = None,
    refine: bool = True,
    labels: Literal["used", "all"] = "used",
    seed: int = 0,
    overwrite: bool = False,
    resume: bool = False,
    batch: Path | None = None,
    jobs: int | None = None,
    ray: str | None = None,
    time_limit: float | None = None,
) -> None:
    """Turn one recording of an object in motion into an articulated model, or each of a folder of recordings.

    Args:
        recording: A video, a folder of pictures, or a recording of Record3D, Stray Scanner, Polycam, RealSense, TUM, ViPE
            or our capture folder (rgb/, depth/, camera.json). Without depth in it, a chain or a depth component is needed.
        output: Folder for the result.
        frames: How many frames to use; they are chosen by motion.
        chain: Components that go together: rgbd (recorded depth), light (colour only, CPU), full (colour only, CUDA GPU).
        depth: auto (recorded), head, da2, depthpro, vipe, file. Components are NAME or NAME:FOLDER with your own model or files;
            sim2art doctor says which can run here.
        cameras: auto (recorded, else found), static (it stood still), klt, colmap, vipe, file.
        mask: What counts as the object: auto, motion (around what moves), u2net (salient), sam2, file, whole.
        people: Hands and arms are left out: auto (by networks if they are at hand, else by rules), hands, skin, sam2, file, none.
        flow: dis, gmsf (from depth alone, for what has no texture), gmflow (with weights of yours), file.
        features: none, dinov2, dinov3, file.
        box: x,y,width,height of the object in the first used frame, px; overrides the mask, or prompts sam2.
        fov: Field of view of the image's longer side, deg, where the recording does not say it.
        known_length: x1,y1,x2,y2=METRES, the distance between what two pixels of the first frame show; makes lengths exact.
        marker: Side (m) of a printed ArUco or AprilTag marker that is seen; makes lengths exact.
        up: Which way is up in the first used picture, where the recording does not know gravity: top, left, right, bottom,
            or a direction x,y,z in its axes (x right, y down, z forward), such as --up=-y.
        start: Seconds of the recording at which to begin, such as before the door is touched.
        end: Seconds of the recording at which to stop.
        keep_room: Keep floor and walls beyond the object in the base's mesh.
        name: Which video, for a folder that holds ViPE's results of several.
        method: The network, or one of the methods that it is compared with.
        checkpoint: Folder of other network weights than those that ship.
        refine: Fit the joints again to flow and surfaces, with sigmas; --no-refine leaves the method's answer as it is.
        labels: Frames whose pixels are labelled: the used ones, or all (these at a smaller size).
        seed: Of the sampled points.
        overwrite: Replace an earlier result in the output folder.
        resume: Go on from the stages that a stopped run left in the output folder.
        batch: Folder of recordings, in place of one recording; each gets a folder in the output, all the same options.
            A batch that was stopped goes on when it is started again.
        jobs: Recordings at a time, in a batch.
        ray: Address of a Ray cluster that works on a batch, such as auto.
        time_limit: Seconds after which a recording of a batch is given up.
    """
    given = dict(locals())
    chosen = choose_components(
        chain, depth=depth, cameras=cameras, mask=mask, people=people, flow=flow, features=features
    )
    if batch is not None:
        if ray is None:  # A cluster's machines may have what this one lacks.
            refuse_lacking({task: parse_choice(task, choice) for task, choice in chosen.items()})
        _run_all(given, batch, output)
        return
    if recording is None:
        raise InvalidValueError("No recording was given; name one, or a folder of recordings with --batch.")
    check_output(output, overwrite=overwrite, resume=resume)
    options = ReconstructOptions(
        observe=ObserveOptions(
            num_frames=frames,
            depth=chosen["depth"],
            cameras=chosen["cameras"],
            mask=chosen["mask"],
            people=chosen["people"],
            flow=chosen["flow"],
            features=chosen["features"],
            box=parse_box(box),
            complete=CompleteOptions(fov_deg=fov),
            known_length=known_length,
            marker=marker,
            seed=seed,
            intake=IntakeOptions(start=start, end=end),
        ),
        method=method,
        checkpoint=checkpoint,
        refine=refine,
        label_all=labels == "all",
        up=None if up is None else parse_up(up),
        keep_room=keep_room,
        name=name or model_name(recording),
        recording_name=name,
    )
    result = reconstruct(recording, options, stage_folder=output / STAGES, resume=resume)
    written = result.save(output, overwrite=overwrite, config=dataclasses.asdict(options), timings=result.timings)
    StageKeeper(output / STAGES, resume=True).remove()
    print(describe(result))
    print("\nWritten:")
    for path in written:
        print(f"  {path}{'/' if path.is_dir() else ''}")


def _run_all(given: dict[str, Any], folder: Path, output: Path) -> None:
    """The batch that the options of `run` describe."""
    from sim2art.cli.batch import default_jobs, flags_of, run_batch
    from sim2art.workers import LocalWorkers, RayWorkers

    jobs, ray = given["jobs"], given["ray"]
    if given["recording"] is not None or (jobs is not None and jobs < 1):
        raise InvalidValueError("With --batch, give no recording beside it, and --jobs of 1 or more.")
    own = ("output", "overwrite", "resume", "batch", "jobs", "ray", "time_limit")
    run_batch(
        folder,
        output,
        flags=flags_of(run, given, without=own),
        workers=LocalWorkers(jobs or default_jobs()) if ray is None else RayWorkers(ray, jobs),
        overwrite=given["overwrite"],
        time_limit=given["time_limit"],
    )


def parse_box(text: str | None) -> tuple[int, int, int, int] | None:
    """Four integers from "x,y,width,height".

    Raises:
        InvalidValueError: When the text is not four integers.
    """
    if text is None:
        return None
    words = text.replace(" ", "").split(",")
    if len(words) != 4 or not all(word.lstrip("-").isdecimal() for word in words):
        raise InvalidValueError(
            f"--box is '{text}'; four integers x,y,width,height are needed, such as 120,40,300,260."
        )
    x, y, width, height = (int(word) for word in words)
    return x, y, width, height


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
