"""Two recordings of one object, filmed apart: each alone, and merged, against the truth.

    python benchmarks/merge_takes.py --work runs/merge_takes --objects real:drawer real:hinge_cabinet

Renders two recordings of each object, with cameras and motions of their own, runs the whole chain of `sim2art run` on each
and `sim2art merge` on both results. Joints and ranges are compared with the truth in the world of the first recording. What
is finished is kept in the work folder. Prints a table.
"""

import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import tyro

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.io import read_kinematics
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import rebased
from sim2art.export.result import Result, read_result
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance
from sim2art.geometry.transforms import inverse
from sim2art.provenance import collect_provenance
from sim2art.simulate.recording_files import write_recording
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.simulate.seeds import named_rng

SEED = 990_000
"""Of no evaluation set."""


def main(
    *, work: Path = Path("runs/merge_takes"), objects: tuple[str, ...] = ("real:drawer", "real:hinge_cabinet")
) -> None:
    """Render, run, merge, compare; print the table."""
    print(
        "| object | joint | from | type | axis error | line off by | range | true range |\n|---|---|---|---|---|---|---|---|"
    )
    for number, name in enumerate(objects):
        folder = work / name.removeprefix("real:")
        takes = [_take(name, SEED + number, take, folder / f"take_{take + 1}") for take in (0, 1)]
        merged = folder / "merged"
        if not (merged / "result.json").is_file():
            failure = _call("merge", *(str(take / "result") for take in takes), "-o", str(merged), "--overwrite")
            if failure is not None:
                print(f"| {name} | | merged | {failure} | | | | |", flush=True)
                continue
        _compare(name, takes, merged)
    facts = collect_provenance()
    print(f"\n{facts['machine']}; commit {facts['commit']}.")


def _take(name: str, seed: int, take: int, folder: Path) -> Path:
    """One recording and its result: object and colours of the seed, camera and motion of the take."""

    def rng_of(*key: object) -> np.random.Generator:
        own = take and key[-1] in ("camera", "motion")
        return named_rng(seed + 1000 * take if own else seed, *key[1:])

    if not (folder / "recording").is_dir():
        with mock.patch("sim2art.simulate.scenario.named_rng", rng_of):
            recording = render_recording(RecordingConfig(families=(name,), hand_share=0.0), seed)
        write_recording(recording, folder / "recording.part")
        moved = recording.scenario.trajectory  # Its zero is the object's own, that of the truth the first frame.
        start = dict(zip(moved.joint_names, moved.values[0].tolist(), strict=True))
        (folder / "recording.part" / "start.json").write_text(json.dumps(start))
        (folder / "recording.part").rename(folder / "recording")
    if not (folder / "result" / "result.json").is_file():
        failure = _call("run", str(folder / "recording"), "-o", str(folder / "result"), "--overwrite")
        if failure is not None:
            raise SystemExit(f"{name}, take {take + 1}: {failure}")
    return folder


def _call(*words: str) -> str | None:
    """Run `sim2art`; what it said when it failed."""
    done = subprocess.run([sys.executable, "-m", "sim2art", *words], capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["failed without a word"])[-1]


def _compare(name: str, takes: list[Path], merged: Path) -> None:
    """Rows of one object."""
    truths = [_Truth(take / "recording", read_result(take / "result" / "result.json")) for take in takes]
    for words, truth, folder in (
        ("take 1", truths[0], takes[0] / "result"),
        ("take 2", truths[1], takes[1] / "result"),
        ("both", truths[0], merged),
    ):
        known = truth.spans if words != "both" else truths[0].together_with(truths[1])
        for found in read_result(folder / "result.json").joints:
            joint = found.joint
            true = truth.nearest(joint)
            if true is None and words == "both":  # A joint that moved in the second take only stands in its world.
                print(
                    f"| {name} | {joint.name} | both | {joint.type.value} | moved in take 2 only | | {_span(joint, joint.observed_range)} | |"
                )
                continue
            if true is None:
                print(f"| {name} | {joint.name} | {words} | {joint.type.value} | no such joint | | | |")
                continue
            sign = 1.0 if joint.axis @ true.axis > 0 else -1.0
            low, high = sorted(sign * x for x in known[true.name])
            beside = "-"
            if joint.pivot is not None and true.pivot is not None:
                beside = f"{100 * line_distance(joint.axis, joint.pivot, true.axis, true.pivot):.1f} cm"
            angle = np.rad2deg(float(line_angle(joint.axis, true.axis)))
            print(
                f"| {name} | {joint.name} | {words} | {joint.type.value} | {angle:.1f} deg | {beside} | "
                f"{_span(joint, joint.observed_range)} | {_span(true, (low, high))} |",
                flush=True,
            )


class _Truth:
    """What moved in a recording, in the terms of its result: world and zero of the first used frame."""

    def __init__(self, recording: Path, result: Result) -> None:
        described, trajectory = read_kinematics(recording / "truth.json")
        poses = np.array(json.loads((recording / "camera.json").read_text())["world_from_camera"])
        used = list(result.frame_ids)
        assert trajectory is not None
        own_zero = json.loads((recording / "start.json").read_text())
        values = trajectory.values + np.array([own_zero[name] for name in trajectory.joint_names])
        self.start = dict(zip(trajectory.joint_names, values[used[0]], strict=True))
        self.absolute = {
            joint: (float(column.min()), float(column.max()))
            for joint, column in zip(trajectory.joint_names, values[used].T, strict=True)
        }
        self.object: ArticulatedObject = rebased(described, trajectory.values[used[0]]).moved(inverse(poses[used[0]]))

    @property
    def spans(self) -> dict[str, tuple[float, float]]:
        """Of the joints over the used frames, against the first."""
        return {name: (low - self.start[name], high - self.start[name]) for name, (low, high) in self.absolute.items()}

    def together_with(self, other: "_Truth") -> dict[str, tuple[float, float]]:
        """Of both recordings, against this one's first used frame."""
        both = dict(self.spans)
        for name in both:
            if name in other.absolute:
                low, high = (x - self.start[name] for x in other.absolute[name])
                both[name] = (min(both[name][0], low), max(both[name][1], high))
        return both

    def nearest(self, joint: Joint) -> Joint | None:
        """The true joint of the same type whose line is nearest."""

        def distance(other: Joint) -> float:
            beside = 0.0
            if joint.pivot is not None and other.pivot is not None:
                beside = line_distance(joint.axis, joint.pivot, other.axis, other.pivot)
            return float(line_angle(joint.axis, other.axis)) + 5.0 * beside

        alike = [other for other in self.object.joints if other.type is joint.type and distance(other) < 1.0]
        return min(alike, key=distance, default=None)


def _span(joint: Joint, span: tuple[float, float] | None) -> str:
    low, high = span or (0.0, 0.0)
    if joint.type is JointType.REVOLUTE:
        return f"{np.rad2deg(low):.0f} to {np.rad2deg(high):.0f} deg"
    return f"{100 * low:.1f} to {100 * high:.1f} cm"


if __name__ == "__main__":
    tyro.cli(main)
