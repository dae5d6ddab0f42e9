"""Speed of the data engine on one core: clips a second for each corruption, without and with colour, and recordings.

python benchmarks/generator_speed.py [--num 40]
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # Before NumPy loads: one core is what is measured.

import time  # noqa: E402
from collections import Counter  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from sim2art.dataset.splits import FIRST_TRAINING_SEED  # noqa: E402
from sim2art.provenance import collect_provenance  # noqa: E402
from sim2art.simulate.generate import ClipConfig, CorruptionName, generate_clip  # noqa: E402
from sim2art.simulate.recordings import RecordingConfig, render_recording  # noqa: E402

CORRUPTIONS: tuple[CorruptionName, ...] = ("none", "paper", "real")


def measure(num: int = 40, recordings: int = 2) -> None:
    """Print sequences a second a core (16 frames, 2048 points, 256x256), by processor time.

    Args:
        num: Clips per corruption.
        recordings: Rendered recordings (48 frames, 480x360, colour at twice the resolution).
    """
    facts = collect_provenance()
    print(f"{facts['machine']}, Python {facts['python']}, commit {facts['commit']}")
    for corruption in CORRUPTIONS:
        for describe in (None, _look_at_colours):
            config = ClipConfig(corruption=corruption)
            generate_clip(config, FIRST_TRAINING_SEED, describe=describe)  # Compiles.
            attempts, rejections = 0, Counter[str]()
            start = time.process_time()
            for seed in range(FIRST_TRAINING_SEED + 1, FIRST_TRAINING_SEED + 1 + num):
                clip = generate_clip(config, seed, describe=describe)
                attempts += clip.provenance["attempts"]
                rejections.update(clip.provenance["rejections"])
            seconds = (time.process_time() - start) / num
            name = f"{corruption}{'' if describe is None else ' + RGB'}"
            print(
                f"{name:12s} {1 / seconds:5.1f} sequences/s/core  ({1000 * seconds:.0f} ms a clip, "
                f"{attempts / num:.2f} attempts; rejected: {dict(rejections)})"
            )
    if recordings < 1:
        return
    render_recording(RecordingConfig(num_frames=2), FIRST_TRAINING_SEED)
    start = time.process_time()
    for seed in range(recordings):
        render_recording(RecordingConfig(), seed)
    seconds = (time.process_time() - start) / recordings
    print(
        f"recording    {16 / 48 / seconds:5.2f} sequences/s/core of 16 frames at 480x360, colour at 960x720 ({seconds:.1f} s per 48)"
    )


def _look_at_colours(images: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The colours themselves: what costs is to render them."""
    x, y = pixels[..., 0].astype(int), pixels[..., 1].astype(int)
    return images[np.arange(len(images))[:, None], y, x].astype(np.float32)


if __name__ == "__main__":
    tyro.cli(measure)
