"""Real models, the demo and recordings of yours through every export: do foreign readers and MuJoCo agree with us?

    python benchmarks/export_gate.py --work runs/export_gate --recordings demo=examples/demo_recording

Renders recordings of the objects of the set `real-mesh-rgbd` (one an object, other people's meshes and joints), runs the
whole chain of `sim2art run` on each, exports all formats, reopens them with yourdfpy, PyBullet,
MuJoCo, usd-core, trimesh and Drake, compares their link frames with ours, and simulates. What is finished is kept in the work
folder: started again, it goes on. Prints a table.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from foreign_readers import (
    Kinematics,
    kinematics_error,
    open_with_drake,
    open_with_mujoco,
    open_with_pybullet,
    open_with_trimesh,
    open_with_usd,
    open_with_yourdfpy,
)

from sim2art.articulation.verdict import Outcome
from sim2art.export.physics import joint_limits
from sim2art.export.saved import SavedResult, load_result
from sim2art.export.targets import FILE_NAMES, Format
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet
from sim2art.simulate.recording_files import write_recording
from sim2art.simulate.recordings import RecordingConfig, render_recording

READERS: dict[str, tuple[Format, Callable[[Path, list[str]], Kinematics]]] = {
    "yourdfpy": (Format.URDF, open_with_yourdfpy),
    "PyBullet": (Format.URDF, open_with_pybullet),
    "MuJoCo": (Format.MJCF, open_with_mujoco),
    "usd-core": (Format.USD, open_with_usd),
    "trimesh": (Format.GLB, open_with_trimesh),
    "Drake": (Format.SDF, open_with_drake),
    "ROS 2 URDF": (Format.ROS2, open_with_yourdfpy),
}
INSIDE = {Format.SDF: "model.sdf", Format.ROS2: "urdf/object.urdf"}
"""What to open in the formats that are folders."""
SAMPLES = 5
"""Random poses that frames are compared in."""
TOLERANCE = 1e-6
LARGEST_ERROR = {"PyBullet": 2e-6, "trimesh": 2e-6}
"""Of readers or files in single precision; m, and entries of rotations."""


def main(
    *,
    work: Path = Path("runs/export_gate"),
    num: int = 18,
    recordings: tuple[str, ...] = (),
    again: bool = False,
    finished: bool = False,
) -> None:
    """Run, export, reopen, simulate; print the table.

    Args:
        work: Keeps recordings, results and rows.
        num: Objects of the set, one recording each; 0 for none.
        recordings: Others, as NAME=FOLDER.
        again: Export and check once more where that was done; recordings and results are kept.
        finished: Only print the table of what is finished.
    """
    if finished:
        _print_table([json.loads(path.read_text()) for path in sorted(work.glob("*/row.json"))])
        return
    sources = (_rendered(work, num) if num else {}) | {
        name: Path(path) for name, _, path in (word.partition("=") for word in recordings)
    }
    rows = []
    for name, recording in sources.items():
        row_path = work / name / "row.json"
        if again or not row_path.is_file():
            row = _row(name, recording, work / name / "result")
            row_path.parent.mkdir(parents=True, exist_ok=True)
            row_path.write_text(json.dumps(row, indent=1))
        rows.append(json.loads(row_path.read_text()))
        print(f"{name}: {rows[-1]['gate']}", file=sys.stderr, flush=True)
    _print_table(rows)


def _print_table(rows: list[dict[str, Any]]) -> None:
    print("| recording | parts | status | readers | worst frame error | gate | found |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            "| "
            + " | ".join(str(row[key]) for key in ("name", "parts", "status", "readers", "error", "gate", "words"))
            + " |"
        )
    passed = sum(row["gate"] == Outcome.PASSED.value for row in rows)
    facts = collect_provenance()
    print(f"\n{passed} of {len(rows)} pass. {facts['machine']}; commit {facts['commit']}.")


def _rendered(work: Path, num: int) -> dict[str, Path]:
    """Recordings of the real-mesh set by name, rendered where they are not there yet."""
    found = {}
    wanted = EvaluationSet.choose("real-mesh-rgbd", num=num)
    for seed in wanted.seeds:
        families = wanted.families(seed)
        name = f"{families[0].removeprefix('real:')}-{seed}"
        folder = work / name / "recording"
        if not folder.is_dir():
            partial = folder.with_name("recording.part")
            write_recording(render_recording(RecordingConfig(families=families), seed), partial)
            partial.rename(folder)
        found[name] = folder
    return found


def _row(name: str, recording: Path, result: Path) -> dict[str, Any]:
    """One line of the table."""
    row: dict[str, Any] = {"name": name, "parts": "-", "status": "-", "readers": "-", "error": "-", "gate": "no result"}
    if not (result / "result.json").is_file():
        failure = _call("run", str(recording), "-o", str(result), "--overwrite")
        if failure is not None:
            return row | {"words": failure}
    failure = _call("export", str(result), "--to", *(kind.value for kind in Format))
    saved = load_result(result)
    row |= {"parts": len(saved.result.part_names), "status": saved.result.status.value}
    if failure is not None:
        return row | {"gate": "no export", "words": failure}
    errors = {reader: _error(saved, reader) for reader in READERS}
    fine = [
        reader
        for reader, error in errors.items()
        if isinstance(error, float) and error <= LARGEST_ERROR.get(reader, TOLERANCE)
    ]
    others = [f"{reader}: {error}" for reader, error in errors.items() if reader not in fine]
    numbers = [error for error in errors.values() if isinstance(error, float)]
    verdict = saved.result.simulation
    assert verdict is not None
    told = [check for check in verdict.checks if check.outcome is not Outcome.PASSED]
    words = [
        f"{check.name}{'' if check.joint is None else ' ' + check.joint} {check.outcome.value}: {check.words}"
        for check in told
    ]
    return row | {
        "readers": f"{len(fine)} of {len(READERS)}",
        "error": f"{max(numbers):.0e}" if numbers else "-",
        "gate": verdict.outcome.value,
        "words": "; ".join(others + words),
    }


def _call(*words: str) -> str | None:
    """Run `sim2art`; what it said when it failed."""
    done = subprocess.run([sys.executable, "-m", "sim2art", *words], capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["failed without a word"])[-1]


def _error(saved: SavedResult, reader: str) -> float | str:
    """Largest difference of link frames, or why there is none."""
    kind, read = READERS[reader]
    described = saved.articulated_object
    limits = np.array([joint_limits(joint)[0] for joint in described.joints]).reshape(-1, 2)
    values = np.random.default_rng(0).uniform(limits[:, 0], limits[:, 1], (SAMPLES, len(limits)))
    if reader == "trimesh":
        values = np.zeros((1, len(limits)))
    try:
        frames = read(saved.folder / FILE_NAMES[kind] / INSIDE.get(kind, ""), [link.name for link in described.links])
        return kinematics_error(
            described, frames, values, None if saved.result.up is None else saved.result.up.direction
        )
    except Exception as error:  # Whatever a reader says of a file belongs into the table.
        return f"{type(error).__name__} {error}"


if __name__ == "__main__":
    tyro.cli(main)
