"""The kinds of input that `hostile_inputs.py` damages: how a valid sample is written, and how it is used.

Heavy imports stand inside the functions, as the parent sets its threads first. Samples are those of the tests.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_FRAMES = 6


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of input."""

    name: str
    write: Callable[[Path], object]
    """Write a valid sample at a path, to which it may add an ending."""
    use: Callable[[Path, Path], str | None]
    """Use an input, given a place for output. Raises as the code does; None or words for what is wrong with the outcome."""
    weight: float = 1.0
    """Share of the cases."""


def _scene():
    from tests.perception.sliding_scene import render_scene

    return render_scene(num_frames=_FRAMES, width=96, height=72, camera_shift=0.05)


def _take_in(place: Path, output: Path) -> str | None:
    """Open a recording, check it as a run does, and look at all that was taken in."""
    from sim2art.perception.captures.capture import Capture
    from sim2art.perception.captures.open_capture import open_recording
    from sim2art.perception.frames.intake import IntakeOptions, take_in

    recording = open_recording(place)
    if not isinstance(recording, Capture):
        images = [recording.read_image(index) for index in range(len(recording.frame_ids))]
        times = np.asarray(recording.times)
        fine = np.isfinite(times).all() and np.all(np.diff(times) > 0)
        return None if images and fine else "times that are not finite or do not increase"
    taken = take_in(recording, IntakeOptions())
    parts = {"times": taken.times, "intrinsics": taken.intrinsics, "depth": taken.small_depths}
    if taken.world_from_camera is not None:
        parts["poses"] = taken.world_from_camera
    odd = [name for name, values in parts.items() if not np.isfinite(values).all()]
    if (taken.small_depths < 0).any():
        odd.append("negative depth")
    if not np.all(np.diff(taken.times) > 0):
        odd.append("times that do not increase")
    return f"taken in: {', '.join(odd)}" if odd else None


def _write_tum(folder: Path) -> None:
    from PIL import Image

    scene = _scene()
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    rows: dict[str, list[str]] = {"rgb": [], "depth": [], "groundtruth": []}
    for index, time in enumerate(scene.times):
        Image.fromarray(scene.images[index]).save(folder / "rgb" / f"{index}.png")
        Image.fromarray((scene.depths[index] * 5000).astype(np.uint16)).save(folder / "depth" / f"{index}.png")
        rows["rgb"].append(f"{time:.4f} rgb/{index}.png")
        rows["depth"].append(f"{time:.4f} depth/{index}.png")
        at = " ".join(str(float(x)) for x in scene.world_from_camera[index][:3, 3])
        rows["groundtruth"].append(f"{time:.4f} {at} 0 0 0 1")
    for name, lines in rows.items():
        (folder / f"{name}.txt").write_text("# made by a test\n" + "\n".join(lines) + "\n")
    (folder / "camera.json").write_text(json.dumps({"intrinsics": scene.intrinsics.tolist(), "depth_scale": 0.0002}))


def _write_pictures(folder: Path) -> None:
    from PIL import Image

    folder.mkdir(parents=True)
    for index, image in enumerate(_scene().images):
        Image.fromarray(image).save(folder / f"{index:03d}.jpg")


def _recorded(name: str, ending: str = "") -> Callable[[Path], object]:
    """A writer of the tests, by name."""

    def write(path: Path) -> object:
        from tests.perception import recorded_files

        return getattr(recorded_files, name)(_scene(), path.with_name(path.name + ending))

    return write


def _write_video(path: Path) -> object:
    from tests.perception.recorded_files import write_video

    return write_video(path.with_suffix(".mp4"), _scene().images)


def _write_capture_folder(path: Path) -> object:
    from tests.perception.sliding_scene import write_scene

    return write_scene(_scene(), path)


def write_result(folder: Path) -> None:
    """A whole result folder of a cabinet with a door and a drawer, with few and small pictures in its report."""
    import sim2art.view.report as report
    from sim2art.drafts import save_draft
    from tests.view.drafts import make_draft

    if isinstance(report.ReportConfig, type):  # Rendering is most of a save; once is enough to make it cheap.
        small = report.ReportConfig(num_frames=1, frame_width=60, num_motion=1, num_turntable=1, render_size=(32, 24))
        report.ReportConfig = lambda: small  # pyright: ignore[reportAttributeAccessIssue]
    save_draft(make_draft(num_frames=4, num_points=300), folder, origin=folder.parent)


def _load_result(place: Path, output: Path) -> str | None:
    """Open a result for the viewer."""
    from sim2art.drafts import load_draft

    draft = load_draft(place)
    finite = np.isfinite(draft.estimate.trajectory.values).all() and np.isfinite(draft.motions).all()
    return None if finite else "joint values that are not finite"


def _save_again(place: Path, output: Path) -> str | None:
    """Open a result, change it, and save it elsewhere."""
    from sim2art.drafts import load_draft, save_draft
    from sim2art.view import edits

    draft = edits.rename_part(load_draft(place), 1, "renamed")
    try:
        save_draft(draft, output, origin=place)
    except BaseException:
        if output.exists() and any(output.iterdir()):
            return "half a result was left"
        raise
    return _whole(output)


def _call(place: Path, output: Path, words: list[str]) -> str | None:
    """A whole verb, by its exit code and what it leaves."""
    from sim2art.cli.main import main

    code = main(words)
    if code not in (0, 2):
        return f"exit code {code}"
    left = [path.name for path in output.iterdir() if path.name != ".stages"] if output.is_dir() else []
    if code == 2:
        return f"half a result was left: {left}" if left else "refused"
    return _whole(output)


def _whole(folder: Path) -> str | None:
    from sim2art.drafts import load_draft

    load_draft(folder)
    expected = ("report.html", "provenance.json", "config.json", "object.urdf", "object.glb", "points.npz")
    missing = [name for name in expected if not (folder / name).is_file()]
    return f"missing in the result: {missing}" if missing else None


def _run(place: Path, output: Path) -> str | None:
    options = ["--frames", "4", "--mask", "motion", "--method", "flow_clustering", "--no-refine"]
    return _call(place, output, ["run", str(place), "-o", str(output), *options])


def _export(place: Path, output: Path) -> str | None:
    """Export a copy of a result, since that is written into."""
    shutil.copytree(place, output, symlinks=True)
    before = {path.name for path in output.iterdir()}
    from sim2art.cli.main import main

    code = main(["export", str(output), "--to", "urdf", "mjcf", "glb", "--no-check", "--hulls"])
    if code == 2:
        return "refused" if {path.name for path in output.iterdir()} == before else "half an export was left"
    return None if code == 0 and (output / "object.xml").is_file() else f"exit code {code}, or no model was written"


def _write_checkpoint(folder: Path) -> None:
    from sim2art.networks import CHECKPOINTS

    shutil.copytree(CHECKPOINTS / "masks", folder)


def _load_checkpoint(place: Path, output: Path) -> str | None:
    from sim2art.inference.checkpoint import load_checkpoint

    load_checkpoint(place)
    return None


def _write_urdf(path: Path) -> None:
    from tests.assets.files import box_link, joint, write_box

    path.mkdir(parents=True)
    write_box(path / "meshes" / "box.obj", (0.5, 0.4, 0.3))
    links = box_link("base", "meshes/box.obj") + box_link("door", "meshes/box.obj", '<origin xyz="0 0 1"/>')
    hinge = joint("hinge", "revolute", "base", "door", limit="0 1.5", origin='xyz="0.2 0 0"')
    (path / "model.urdf").write_text(f'<robot name="cabinet">\n{links}\n{hinge}\n</robot>')


def _write_mjcf(path: Path) -> None:
    from tests.assets.test_mjcf import CABINET

    path.mkdir(parents=True)
    (path / "model.xml").write_text(CABINET)


def _read_models(place: Path, output: Path) -> str | None:
    from sim2art.assets.collection import find_models, read_model

    for path in find_models(place):
        found = read_model(path)
        meshes = [link.mesh for link in found.links if link.mesh is not None]
        if not all(np.isfinite(mesh.vertices).all() for mesh in meshes):
            return "vertices that are not finite"
    return None


def _write_shard(folder: Path) -> None:
    from sim2art.dataset.shards import shard_path, write_index, write_shard
    from tests.hand_made import make_clip

    folder.mkdir(parents=True)
    entry = write_shard(shard_path(folder, 0), [make_clip(num_frames=3, num_points=30)])
    write_index(folder, {"schema": "sim2art.shards/1", "num_clips": 1, "files": [entry]})


def _read_shards(place: Path, output: Path) -> str | None:
    from sim2art.dataset.shards import read_clips, read_index

    read_index(place, check_hashes=True)
    for clip in read_clips(place):
        if not np.isfinite(clip.video.points_world).all():
            return "points that are not finite"
    return None


def _write_estimate(folder: Path) -> None:
    from sim2art.evaluate.predictions import Answer, write_answer
    from tests.hand_made import make_clip, truth_as_estimate

    folder.mkdir(parents=True)
    clip = make_clip(num_frames=3, num_points=30)
    write_answer(folder / "answer.npz", Answer(estimate=truth_as_estimate(clip), seconds=1.0))


def _read_estimate(place: Path, output: Path) -> str | None:
    from sim2art.evaluate.predictions import read_answer

    answer = read_answer(place / "answer.npz")
    return None if np.isfinite(answer.estimate.part_probabilities).all() else "probabilities that are not finite"


def _write_batch(folder: Path) -> None:
    from sim2art.cli.batch import BATCH_SCHEMA

    folder.mkdir(parents=True)
    entry = {"name": "a", "recording": "/recordings/a", "status": "done", "attempts": 1, "seconds": 2.0, "error": ""}
    entry["result"] = {"status": "ok", "reasons": [], "joints": ["revolute"]}
    content = {"schema": BATCH_SCHEMA, "source": str(Path("/recordings")), "options": {}, "entries": [entry]}
    (folder / "manifest.json").write_text(json.dumps(content))
    (folder / "a").mkdir()
    (folder / "a" / "result.json").write_text("{}")


def _take_up_batch(place: Path, output: Path) -> str | None:
    from sim2art.cli.batch import describe_batch, take_up

    entries = take_up({"a": Path("/recordings/a")}, place, {}, folder=Path("/recordings"), overwrite=False)
    describe_batch(list(entries.values()))
    json.dumps([vars(entry) for entry in entries.values()])
    return None


def _write_options(folder: Path) -> None:
    from sim2art.cli.options import options_to_dict, parse_options
    from sim2art.cli.run_options import RunOptions

    folder.mkdir(parents=True)
    words = [
        "/clips/a",
        "-o",
        "/out",
        "--frames",
        "8",
        "--end",
        "2.5",
        "--depth",
        "head",
        "--labels",
        "all",
        "--no-refine",
    ]
    options = parse_options(RunOptions, words, prog="sim2art run")
    (folder / "config.json").write_text(json.dumps(options_to_dict(options, schema=RunOptions.SCHEMA)))


def _read_options(place: Path, output: Path) -> str | None:
    from sim2art.cli.options import read_options
    from sim2art.cli.run_options import RunOptions

    read_options(RunOptions, place / "config.json").reconstruct_options(Path("/clips/a"))
    return None


def _write_edits(folder: Path) -> None:
    folder.mkdir(parents=True)
    calls = [
        ["set_axis", [1, [0.0, 0.0, 1.0]]], ["set_pivot", [1, [0.5, 0.0, 0.0]]], ["set_limits", [1, [0.0, 1.5]]],
        ["set_parent", [2, 1]], ["rename_part", [1, "door"]], ["merge_parts", [1, 2]],
    ]  # fmt: skip
    (folder / "edits.json").write_text(json.dumps(calls))


def _apply_edits(place: Path, output: Path) -> str | None:
    """What a person's hand in the viewer may give: numbers of no size, names of no letters, parts that are not there."""
    from sim2art.errors import Sim2ArtError
    from sim2art.view import edits
    from tests.view.drafts import make_chain

    draft = make_chain()
    try:
        calls = [
            (str(name), [int(part), value]) for name, (part, value) in json.loads((place / "edits.json").read_text())
        ]
    except (ValueError, TypeError, OSError, RecursionError, OverflowError):
        return "refused"  # The viewer's widgets give a part's number and a value; the rest cannot be said with them.
    for name, (part, value) in calls:
        vector = isinstance(value, list) and len(value) == 3 and all(isinstance(x, int | float) for x in value)
        pair = isinstance(value, list) and len(value) == 2 and all(isinstance(x, int | float) for x in value)
        fits = {
            "set_axis": vector, "set_pivot": vector, "set_limits": pair or value is None, "set_parent": type(value) is int,
            "rename_part": isinstance(value, str), "merge_parts": type(value) is int,
        }  # fmt: skip
        if not fits.get(name, False):
            continue
        given = np.array(value, dtype=np.float64) if vector else tuple(map(float, value)) if pair else value
        try:
            draft = getattr(edits, name)(draft, part, given)
        except Sim2ArtError:
            continue
        if not all(np.isfinite(found.joint.axis).all() for found in draft.estimate.joints):
            return f"an axis that is not finite after {name}"
    return None


KINDS: tuple[Kind, ...] = (
    Kind(name="capture folder", write=_write_capture_folder, use=_take_in, weight=4),
    Kind(name="Record3D", write=_recorded("write_record3d", ".r3d"), use=_take_in, weight=4),
    Kind(name="Stray Scanner", write=_recorded("write_stray_scanner"), use=_take_in, weight=4),
    Kind(name="Polycam", write=_recorded("write_polycam"), use=_take_in, weight=4),
    Kind(name="ViPE output", write=_recorded("write_vipe_output"), use=_take_in, weight=4),
    Kind(name="TUM", write=_write_tum, use=_take_in, weight=4),
    Kind(name="RealSense", write=_recorded("write_realsense"), use=_take_in, weight=3),
    Kind(name="video", write=_write_video, use=_take_in, weight=3),
    Kind(name="pictures", write=_write_pictures, use=_take_in, weight=2),
    Kind(name="result", write=write_result, use=_load_result, weight=7),
    Kind(name="result, saved again", write=write_result, use=_save_again, weight=1),
    Kind(name="result, exported", write=write_result, use=_export, weight=1),
    Kind(name="checkpoint", write=_write_checkpoint, use=_load_checkpoint, weight=3),
    Kind(name="URDF", write=_write_urdf, use=_read_models, weight=4),
    Kind(name="MJCF", write=_write_mjcf, use=_read_models, weight=2),
    Kind(name="clips", write=_write_shard, use=_read_shards, weight=3),
    Kind(name="kept estimate", write=_write_estimate, use=_read_estimate, weight=2),
    Kind(name="batch manifest", write=_write_batch, use=_take_up_batch, weight=2),
    Kind(name="run options", write=_write_options, use=_read_options, weight=2),
    Kind(name="edits", write=_write_edits, use=_apply_edits, weight=2),
    Kind(name="whole run", write=_write_capture_folder, use=_run, weight=1),
)
"""Every kind; a new reader gets a line here."""
