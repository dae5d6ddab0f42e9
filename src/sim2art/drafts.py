"""Result folders as drafts that can be changed, and drafts as result folders."""

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate
from sim2art.errors import InvalidFileError, InvalidValueError, Sim2ArtError
from sim2art.export.package import DEFAULT_EXPORTS, export_result, exports_in, options_from_dict
from sim2art.export.saved import load_result
from sim2art.export.targets import Export, all_exports, file_name_for
from sim2art.export.up import estimate_up, up_from_dict
from sim2art.observation.densify import resize_labels
from sim2art.observation.video_files import read_points, read_video
from sim2art.stages import PARTIAL, check_output, finish_move, move_in
from sim2art.view.draft import Draft, joints_by_part, noted
from sim2art.view.refit import needed_points

if TYPE_CHECKING:
    from sim2art.reconstruction.reconstruction import Reconstruction

VIDEO, POINTS = "video", "points.npz"


def load_draft(folder: Path) -> Draft:
    """A result folder as a draft; without its `video/` or `points.npz` it can be looked at, not changed.

    Raises:
        InvalidFileError: When the folder holds no result, or a damaged one.
        SchemaError: When another version wrote it in a form that this one does not read.
    """
    saved = load_result(folder)
    result = saved.result
    video = read_video(folder / VIDEO) if (folder / VIDEO).is_dir() else None
    points, probabilities = read_points(folder / POINTS) if (folder / POINTS).is_file() else (None, None)
    labels = saved.labels
    if labels is not None and video is not None:
        labels = resize_labels(labels, (video.depths.shape[2], video.depths.shape[1]))
    for name, count, wanted in (
        ("frames", len(result.frame_ids) if video is None else len(video.times), len(result.frame_ids)),
        ("parts", len(result.part_names) if probabilities is None else probabilities.shape[2], len(result.part_names)),
    ):
        if count != wanted:
            raise InvalidFileError(
                f"'{folder}': result.json speaks of {wanted} {name}, the files beside it of {count}; they are of different "
                "runs. Run the recording again.",
                path=folder,
            )
    names = tuple(link.name for link in saved.articulated_object.links)
    edits = tuple(result.provenance.get("edits", ()))
    return Draft(
        name=saved.articulated_object.name,
        estimate=ArticulationEstimate(
            part_probabilities=probabilities
            if probabilities is not None
            else np.zeros((len(result.trajectory.times), 0, len(names))),
            joints=joints_by_part(result.joints, names),
            trajectory=result.trajectory,
            status=result.status,
            reasons=result.reasons,
        ),
        part_names=names,
        meshes=tuple(link.mesh for link in saved.articulated_object.links),
        labels=labels,
        video=video,
        points=points,
        frame_ids=result.frame_ids,
        is_metric=result.is_metric,
        warnings=result.warnings,
        edits=edits,
        all_states=result.states,
        edits_before_states=len(edits),
    )


@dataclass(frozen=True, kw_only=True)
class SavedDraft:
    """What `save_draft` did."""

    written: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    """What became of the exports that were there, in sentences."""


def save_draft(draft: Draft, output: Path, *, origin: Path, overwrite: bool = False) -> SavedDraft:
    """Write a draft as a result folder, whole or not at all.

    Exports in the folder told of the result as it was: they are written anew with the options that wrote them, or removed
    where that fails.

    Args:
        draft: Needs its video and points.
        output: The folder; it may be the one that the draft came from.
        origin: Result folder whose recording, settings and provenance go along.
        overwrite: Replace an earlier result in the folder.

    Raises:
        InvalidValueError: When the draft has no video or points.
        OutputExistsError: When the folder holds files and `overwrite` is not set.
    """
    if draft.video is None or draft.points is None or draft.labels is None:
        raise InvalidValueError(
            f"'{origin}' keeps no used frames, points or labels (video/, points.npz, labels/), so a changed result cannot be "
            "written. Run the recording again with this version."
        )
    result, facts = _as_reconstruction(draft, origin)
    finish_move(output)
    extras = tuple(export for export in exports_in(output) if export not in DEFAULT_EXPORTS)
    options = _read_json(output / "result.json").get("export")
    config, notes = _read_json(origin / "config.json"), ()
    if not extras and options is None:
        return SavedDraft(written=tuple(result.save(output, overwrite=overwrite, config=config, **facts)))
    # Result and exports go in together: they would not fit each other if the machine stopped in between.
    check_output(output, overwrite=overwrite, resume=True)
    partial = output / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    try:
        result.save(partial, config=config, **facts)
        notes = _export_again(partial, extras, options or {})
        written = move_in(partial, output, stale=(file_name_for(export) for export in all_exports()))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return SavedDraft(written=tuple(written), notes=notes)


def _as_reconstruction(draft: Draft, origin: Path) -> "tuple[Reconstruction, dict[str, Any]]":
    """A draft with video and points as what `reconstruct` gives, and what its provenance says of the edits."""
    # Here, since a viewer that only shows does without them: they load OpenCV and more.
    from sim2art.perception.observed import Observation
    from sim2art.reconstruction.reconstruction import Reconstruction

    assert draft.video is not None and draft.points is not None and draft.labels is not None
    provenance = _read_json(origin / "provenance.json")
    before = provenance.get("edited_from", {k: v for k, v in provenance.items() if k not in ("edits", "edited_from")})
    observation = Observation(
        video=draft.video,
        points=draft.points,
        frame_ids=draft.frame_ids,
        indices=np.arange(len(draft.frame_ids)),
        input_size=_input_size(origin, draft),
        moves=bool(draft.estimate.joints),
        warnings=draft.warnings,
        reasons=(),
        known_indices=np.arange(len(draft.frame_ids)),
        known_world_from_camera=draft.video.world_from_camera,
    )
    result = Reconstruction(
        recording=Path(str(provenance.get("recording", origin))),
        observation=observation,
        estimate=draft.estimate,
        labels=draft.labels,
        articulated_object=draft.articulated_object,
        up=up_from_dict(_read_json(origin / "result.json").get("up")) or estimate_up(draft.articulated_object),
        status=draft.estimate.status,
        reasons=draft.estimate.reasons,
        warnings=draft.warnings,
        timings={},
        states=draft.states,
        video_folder=origin / "video",
    )
    return result, {"edits": list(draft.edits), "edited_from": before} if draft.edits else {}


def _export_again(folder: Path, extras: tuple[Export, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """Write the exports of a changed result anew; returns what to tell."""
    names = ", ".join(file_name_for(export) for export in (*DEFAULT_EXPORTS, *extras))
    try:
        done = export_result(load_result(folder), options_from_dict(options, (*DEFAULT_EXPORTS, *extras)))
    except (Sim2ArtError, OSError, TypeError) as error:
        gone = ", ".join(file_name_for(export) for export in extras) or "collision pieces"
        return (f"Not written anew, so removed: {gone}. {error}",)
    notes = [f"Written anew: {names}."]
    if done.result.simulation is not None:
        rewrite_report(folder)
        notes.append(f"The check in simulation: {done.result.simulation.outcome.value}.")
    return (*notes, *done.warnings)


def refine_draft(draft: Draft) -> Draft:
    """All parts and joints fitted together by the refiner, which may change types but here not the number of parts.

    Raises:
        InvalidValueError: When the draft has no points, or the refiner finds another number of parts.
    """
    # Here, since it compiles: a viewer that only shows does without.
    from sim2art.inference.refine.refine import RefineConfig, refine

    # Whoever drew the parts knows that they are there.
    settings = RefineConfig(min_existence=0.0, min_carried_existence=0.0, min_confidence=0.0)
    refined = refine(needed_points(draft), draft.estimate, settings)
    if len(refined.joints) != len(draft.estimate.joints):
        raise InvalidValueError(
            f"The refiner finds {len(refined.joints)} moving parts in place of {len(draft.estimate.joints)}, so names and "
            "meshes would not fit. Merge or split parts by hand, then refine again."
        )
    joints = tuple(
        dataclasses.replace(
            found, joint=dataclasses.replace(found.joint, name=old.joint.name, limits=_kept_limits(old, found))
        )
        for old, found in zip(draft.estimate.joints, refined.joints, strict=True)
    )
    trajectory = dataclasses.replace(refined.trajectory, joint_names=draft.estimate.trajectory.joint_names)
    estimate = dataclasses.replace(refined, joints=joints, trajectory=trajectory)
    return noted(dataclasses.replace(draft, estimate=estimate), "all parts and joints refined together")


def _kept_limits(old: JointEstimate, found: JointEstimate) -> tuple[float, float] | None:
    """What a person said of the limits, while the type is the same."""
    return old.joint.limits if old.joint.type is found.joint.type else None


def rewrite_report(folder: Path) -> None:
    """Write a result's `report.html` anew, with the verdict of the simulation that `result.json` holds by now.

    A folder that keeps no frames keeps its report too.
    """
    from sim2art.view.report import Report, write_report

    draft, verdict = load_draft(folder), load_result(folder).result.simulation
    if draft.video is None or draft.labels is None:
        return
    provenance = _read_json(folder / "provenance.json")
    unfinished = folder / "report.html.part"
    report = Report(
        video=draft.video,
        labels=draft.labels,
        estimate=draft.estimate,
        articulated_object=draft.articulated_object,
        frame_ids=draft.frame_ids,
        status=draft.estimate.status,
        reasons=draft.estimate.reasons,
        warnings=draft.warnings,
        timings=provenance.get("timings") or {},
        provenance=provenance,
        simulation=verdict,
    )
    write_report(unfinished, report)
    unfinished.replace(folder / "report.html")


def _input_size(folder: Path, draft: Draft) -> tuple[int, int]:
    """Width and height (px) of the recording's images, as the label images have it."""
    from PIL import Image

    assert draft.video is not None
    paths = sorted((folder / "labels").glob("*.png"))
    if not paths:
        return draft.video.depths.shape[2], draft.video.depths.shape[1]
    with Image.open(paths[0]) as image:
        return image.size


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
