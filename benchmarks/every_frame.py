"""Joint values over all frames of rendered recordings of quick motions, the whole chain, with states and without.

    python benchmarks/every_frame.py --num 40 --output runs/every_frame
    python benchmarks/every_frame.py --num 40 --output runs/other --against runs/every_frame
    python benchmarks/every_frame.py --num 40 --output runs/states --against runs/other --stages runs/other/stages
    python benchmarks/every_frame.py --num 18 --output runs/colours --colours

Each recording of `procedural-fast` (tune half) is rendered and goes through `reconstruct`; a finished recording's scores are
kept in the output folder and not made again. With `--stages`, frames, parts and joints are those that another run (of other
code, perhaps) left there, so that only the states are found anew. Prints motion error, range error, parts found by size, how true sigmas are and
what was wrongly called ok, with 95 % intervals over recordings; then the same of the used frames' values joined by straight
lines, paired with the states and with the scores in another folder.

With `--colours` the recordings are those of `real-mesh-rgb` (48 frames), seen in colour alone by chain `light`, which guesses the
depth of half of them. Lengths are brought to the truth's by the depth of the object in the used frames.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import sim2art
from sim2art.articulation.joint import JointType
from sim2art.assets.procedural import VALIDATION_FAMILIES
from sim2art.evaluate.every_frame import (
    FrameErrors,
    MotionScore,
    RecordingScore,
    TrueMotion,
    compare,
    score_states,
    summarise,
)
from sim2art.perception.captures.capture import ColorSource, MemoryCapture
from sim2art.perception.components import CHAINS
from sim2art.perception.options import CompleteOptions, ObserveOptions
from sim2art.provenance import collect_provenance
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.sets.evaluation_sets import HALVES, EvaluationSet, SetName
from sim2art.simulate.recordings import FAST_RECORDINGS, RecordingConfig, SimulatedRecording, render_recording
from sim2art.states.recording_states import spread

_LIGHT = CHAINS["light"]
COLOUR_OPTIONS = ReconstructOptions(
    observe=ObserveOptions(
        depth=_LIGHT["depth"], cameras=_LIGHT["cameras"], mask=_LIGHT["mask"], flow=_LIGHT["flow"],
        features=_LIGHT["features"], complete=CompleteOptions(max_frames=24),
    )
)  # fmt: skip
"""Every second frame gets a depth and may be used; the others have states all the same."""


def main(
    *,
    num: int = 40,
    first: int = 0,
    output: Path = Path("runs/every_frame"),
    against: Path | None = None,
    stages: Path | None = None,
    colours: bool = False,
) -> None:
    """Score `num` recordings from the `first` on; compare with those that another run left in `against`.

    With `--num 0` none is made, and all that the folder (and the other one) holds are summed up.
    """
    output.mkdir(parents=True, exist_ok=True)
    name: SetName = "real-mesh-rgb" if colours else "procedural-fast"
    seeds = HALVES[name].seeds("tune")[first : first + num]
    stages = output / "stages" if stages is None else stages
    for seed in seeds:
        kept = output / f"{seed}.json"
        if not kept.is_file():
            start = time.process_time()
            pair = score_recording(seed, stages, colours=colours)
            kept.write_text(json.dumps([dataclasses.asdict(score) for score in pair]))
            print(f"{seed}: {time.process_time() - start:.0f} CPU s, {pair[0]}", flush=True)
            (output / "provenance.json").write_text(json.dumps(collect_provenance(), indent=2, default=str))
    if not num:
        folders = [output] if against is None else [output, against]
        seeds = [
            seed
            for seed in HALVES[name].seeds("tune")
            if all((folder / f"{seed}.json").is_file() for folder in folders)
        ]
    scores, plain = read_scores(output, seeds)
    facts = json.loads((output / "provenance.json").read_text())
    print(f"set {name}, seeds {', '.join(map(str, seeds))}; commit {facts['commit']}; {facts['machine']}")
    makers = sorted({(stages / f"{seed}.txt").read_text() for seed in seeds})
    print(f"frames, parts and joints of commit {', '.join(makers)}")
    print("\nstates of every frame\n" + summarise(scores))
    print("\nvalues of the used frames, joined by straight lines\n" + summarise(plain))
    print("\nstates of every frame, against straight lines: " + compare(plain, scores))
    if against is not None:
        told = json.loads((against / "provenance.json").read_text())
        print(
            f"\nstates of every frame, against commit {told['commit']}: "
            + compare(read_scores(against, seeds)[0], scores)
        )


def read_scores(folder: Path, seeds: Sequence[int]) -> tuple[list[RecordingScore], list[RecordingScore]]:
    """The kept scores, with states and without."""
    pairs = [[score_from_dict(x) for x in json.loads((folder / f"{seed}.json").read_text())] for seed in seeds]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def score_recording(seed: int, stages: Path, *, colours: bool = False) -> tuple[RecordingScore, RecordingScore]:
    """The scores of one recording, with states of every frame, and from the used frames alone.

    Frames, parts and joints are taken from `stages` where they are kept there; beside them stands the commit that made them.
    """
    if colours:
        families = EvaluationSet.choose("real-mesh-rgb").families(seed)
        recording = render_recording(RecordingConfig(families=families), seed)
    else:
        recording = render_recording(dataclasses.replace(FAST_RECORDINGS, families=VALIDATION_FAMILIES), seed)
    maker = stages / f"{seed}.txt"
    if not maker.is_file():
        stages.mkdir(parents=True, exist_ok=True)
        maker.write_text(str(collect_provenance()["commit"]))
    capture = colours_of(recording, maker) if colours else capture_of(recording, maker)
    options = COLOUR_OPTIONS if colours else None
    result = sim2art.reconstruct(capture, options, stage_folder=stages / str(seed), resume=True)
    used = np.array(result.observation.frame_ids)
    truth = true_motion(recording, used)
    count = len(recording.times)
    units = units_of(result, recording) if colours else np.ones(len(result.estimate.joints))
    table = units * result.estimate.trajectory.values
    # Where nothing moves there are no columns.
    joined = np.array([np.interp(np.arange(count), used, column) for column in table.T]).reshape(-1, count).T
    states = result.states
    if states is not None:
        every_frame = np.arange(count)
        states = spread(states, every_frame.tolist(), np.asarray(recording.times))
        states = dataclasses.replace(states, values=units * states.values, sigmas=units * states.sigmas)
    every = joined if states is None else states.values
    if len(every) != count:
        raise SystemExit(f"{seed}: {len(every)} of {count} frames have states.")
    return (
        score_states(result.estimate, result.status, result.labels, every, states, used, truth),
        score_states(result.estimate, result.status, result.labels, joined, None, used, truth),
    )


def capture_of(recording: SimulatedRecording, path: Path = Path("memory")) -> MemoryCapture:
    """What a person would bring; kept stages are known by the path."""
    return MemoryCapture(
        images=recording.images, depths=recording.depths, times=recording.times, intrinsics=recording.intrinsics,
        world_from_camera=recording.world_from_camera, path=path,
    )  # fmt: skip


def colours_of(recording: SimulatedRecording, path: Path) -> ColorSource:
    """Images and times alone."""
    return ColorSource(
        path=path, frame_ids=tuple(range(len(recording.times))), times=recording.times,
        images=lambda index: recording.images[index],
    )  # fmt: skip


def units_of(result: sim2art.Reconstruction, recording: SimulatedRecording) -> np.ndarray:
    """What the values of each joint are multiplied by to be of the truth's lengths."""
    used = np.array(result.observation.frame_ids)
    ratios = recording.stage.depths[used] / np.maximum(result.observation.video.depths, 1e-6)
    length = float(np.median(ratios[recording.object_masks[used]]))
    return np.array([1.0 if x.joint.type is JointType.REVOLUTE else length for x in result.estimate.joints])


def true_motion(recording: SimulatedRecording, used: np.ndarray) -> TrueMotion:
    """The truth of all frames, at rest in the first used one and in the world of its camera."""
    first = int(used[0])
    order = [first, *(frame for frame in range(len(recording.times)) if frame != first)]
    truth = recording.truth_of(order)
    values = np.empty_like(truth.trajectory.values)
    values[order] = truth.trajectory.values
    images = np.append(truth.part_of_link, [0, 0, 0])[recording.stage.bodies]
    return TrueMotion(
        joints=truth.articulated_object.joints,
        values=values,
        part_images=images[used],
        shares=tuple(
            float((images == part).mean(axis=(1, 2)).max()) for part in range(1, len(truth.articulated_object.links))
        ),
    )


def score_from_dict(values: dict[str, Any]) -> RecordingScore:
    """The score that was written with `asdict`."""
    joints = []
    for joint in values["joints"]:
        frames = None if joint["frames"] is None else FrameErrors(**{k: tuple(v) for k, v in joint["frames"].items()})
        joints.append(MotionScore(**{**joint, "type": JointType(joint["type"]), "frames": frames}))
    return RecordingScore(joints=tuple(joints), num_invented=values["num_invented"], is_ok=values["is_ok"])


if __name__ == "__main__":
    tyro.cli(main)
