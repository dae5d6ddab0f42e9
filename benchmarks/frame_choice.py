"""How much of each joint's true range the used frames hold, of rendered recordings of quick motions.

    python benchmarks/frame_choice.py --num 40

Frames are chosen as `sim2art run` does; nothing else of the chain runs. Where nearly all of the range lies between used frames,
a second choice of frames, after a first estimate, could not widen it. Set `procedural-fast`, tune half; 95 % intervals over
recordings.
"""

import dataclasses

import numpy as np
import tyro
from every_frame import capture_of

from sim2art.assets.procedural import VALIDATION_FAMILIES
from sim2art.dataset.splits import FAST
from sim2art.evaluate.bootstrap import ClipValues, interval
from sim2art.perception.cameras.klt_pnp import track_camera
from sim2art.perception.cameras.poses import find_poses
from sim2art.perception.frames.intake import take_in
from sim2art.perception.options import ObserveOptions
from sim2art.perception.prepare import prepare
from sim2art.perception.used_frames import pick_frames
from sim2art.provenance import collect_provenance
from sim2art.simulate.recordings import FAST_RECORDINGS, render_recording

WIDE = 0.97


def main(*, num: int = 40) -> None:
    """Print the shares of `num` recordings."""
    shares = [measure(seed) for seed in FAST.seeds("tune")[:num]]
    every, wide = ClipValues.gather(shares), ClipValues.gather([[float(x >= WIDE) for x in one] for one in shares])
    facts = collect_provenance()
    print(f"{len(shares)} recordings, {len(every.values)} joints; commit {facts['commit']}; {facts['machine']}")
    for name, values in (("true range between used frames", every), (f"joints with {100 * WIDE:.0f} % of it", wide)):
        low, high = interval(values, "mean") or (np.nan, np.nan)
        print(f"{name:<34}{values.measure('mean'):.3f} [{low:.3f} {high:.3f}]")
    print(f"least: {min(every.values):.3f}")


def measure(seed: int) -> list[float]:
    """Of each joint of a recording."""
    recording = render_recording(dataclasses.replace(FAST_RECORDINGS, families=VALIDATION_FAMILIES), seed)
    options = ObserveOptions()
    taken = take_in(prepare(capture_of(recording), options), options.intake)
    frames, _ = pick_frames(find_poses(taken, track_camera, options.choice("cameras").name), options)
    values = recording.truth.trajectory.values
    shares = np.ptp(values[taken.indices[frames]], axis=0) / np.ptp(values, axis=0)
    print(f"{seed} {recording.scenario.family}: {np.round(shares, 3).tolist()}", flush=True)
    return shares.tolist()


if __name__ == "__main__":
    tyro.cli(main)
