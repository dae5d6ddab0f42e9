"""What data sets cost: core-hours and bytes for 1 million and 100 million clips, from throughput measured here.

python benchmarks/data_cost.py [--num 40]
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # Before NumPy loads: one core is what is measured.

import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from sim2art.dataset.shards import write_shard  # noqa: E402
from sim2art.dataset.splits import FIRST_TRAINING_SEED  # noqa: E402
from sim2art.provenance import collect_provenance  # noqa: E402
from sim2art.simulate.generate import generate_clip  # noqa: E402
from sim2art.train.config import PRESETS  # noqa: E402
from sim2art.train.examples import make_judge_example  # noqa: E402

SIZES = (1_000_000, 100_000_000)


def measure(num: int = 40) -> None:
    """Print cost tables for clips of `real` corruption (16 frames, 2048 points).

    Args:
        num: Clips to measure on.
    """
    facts = collect_provenance()
    print(f"{facts['machine']}, Python {facts['python']}, commit {facts['commit']}")
    preset = PRESETS["base"]
    rng = np.random.default_rng(0)
    make_judge_example(generate_clip(preset.clips, FIRST_TRAINING_SEED), preset.examples, rng)  # Compiles.
    start = time.process_time()
    clips = [generate_clip(preset.clips, FIRST_TRAINING_SEED + 1 + i) for i in range(num)]
    clip_seconds = (time.process_time() - start) / num
    start = time.process_time()
    for clip in clips:
        make_judge_example(clip, preset.examples, rng)
    example_seconds = (time.process_time() - start) / num
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.tar"
        start = time.process_time()
        write_shard(path, iter(clips))
        write_seconds = (time.process_time() - start) / num
        size = path.stat().st_size / num
    print(
        f"a clip: {1000 * clip_seconds:.0f} ms to make, {1000 * write_seconds:.0f} ms to write, "
        f"{1000 * example_seconds:.0f} ms to turn into a training example (preset base), {size / 1e6:.2f} MB"
    )
    print(
        f"{'clips':>12}  {'core-hours, shards':>19}  {'64 cores':>9}  {'1024 cores':>10}  {'on disk':>8}  {'core-hours, on the fly':>22}"
    )
    for count in SIZES:
        shards = count * (clip_seconds + write_seconds) / 3600
        fly = count * (clip_seconds + example_seconds) / 3600
        print(
            f"{count:>12,}  {shards:>19,.0f}  {shards / 64:>7,.1f} h  {shards / 1024:>8,.1f} h  "
            f"{count * size / 1e12:>5.1f} TB  {fly:>22,.0f}"
        )


if __name__ == "__main__":
    tyro.cli(measure)
