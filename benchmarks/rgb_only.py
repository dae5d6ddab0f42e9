"""Plain videos through chain `light`: what was found in each, and a picture of it; docs/depth_and_light.md has the output.

    python benchmarks/rgb_only.py VIDEO... --pictures FOLDER [--head CHECKPOINT]
    python benchmarks/rgb_only.py door.mp4 --hinge-truth marker_truth.json

The RBO clips are those of "The RBO Dataset of Articulated Objects and Interactions" (Martin-Martin, Eppner, Brock, 2018;
CC BY 4.0), videos of a camera that stands still.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from sim2art.cli.run import describe
from sim2art.errors import Sim2ArtError
from sim2art.evaluate.door import format_hinge_score, read_hinge_truth, score_hinge
from sim2art.perception.completion import CompleteOptions
from sim2art.perception.components import choose_components
from sim2art.perception.pipeline import ObserveOptions
from sim2art.provenance import collect_provenance
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct
from sim2art.reconstruction.reconstruction import Reconstruction
from sim2art.view.overlays import draw_overview, pick_frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--head", type=Path, help="checkpoint of the depth head; by default the shipped one")
    parser.add_argument("--fov", type=float)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--hinge-truth", type=Path)
    options = parser.parse_args()
    origin = collect_provenance()
    print(
        f"chain light, head {options.head or 'shipped'}, commit {origin['commit']}, {origin['machine']}, {origin['time']}"
    )
    chosen = choose_components("light", depth=None if options.head is None else f"head:{options.head}")
    observe = ObserveOptions(complete=CompleteOptions(fov_deg=options.fov), **chosen)
    for video in options.videos:
        started = time.process_time()
        try:
            result = reconstruct(video, ReconstructOptions(observe=observe, name=video.stem))
        except Sim2ArtError as error:
            print(f"\n== {video.name}: refused: {error}", flush=True)
            continue
        spent = time.process_time() - started
        shares = ", ".join(f"{name} {seconds:.0f}" for name, seconds in result.timings.items())
        print(f"\n== {video.name}: {spent:.0f} CPU s (wall seconds: {shares})\n{describe(result)}", flush=True)
        if options.hinge_truth is not None:
            _print_hinge(result, options.hinge_truth)
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(
                str(options.pictures / f"{video.stem}.jpg"), _draw(result)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82]
            )


def _print_hinge(result: Reconstruction, truth_path: Path) -> None:
    """Every joint against the true hinge; lengths are of no known unit, so only angles mean something."""
    for score in score_hinge(result.estimate, result.points, result.frame_ids, read_hinge_truth(truth_path)):
        print(f"  {format_hinge_score(score)}")


def _draw(result: Reconstruction) -> np.ndarray:
    """Parts and axes on a few frames, and the depth that was guessed below them."""
    video = result.video
    count, width, gap = 4, 360, 6
    top = draw_overview(video, result.labels, result.estimate, count=count, width=width, gap=gap)
    height = round(video.images.shape[1] * width / video.images.shape[2])
    bottom = np.full((height, top.shape[1], 3), 255, np.uint8)
    known = video.depths[video.depths > 0]
    high = float(np.quantile(1 / known, 0.98))
    for index, frame in enumerate(pick_frames(len(video.times), count)):
        depth = video.depths[frame]
        shade = np.where(depth > 0, np.clip(1 / np.maximum(depth, 1e-6) / high, 0, 1), 0)
        colored = cv2.applyColorMap((255 * shade).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
        bottom[:, index * (width + gap) : index * (width + gap) + width] = cv2.resize(colored, (width, height))
    return np.vstack([top, np.full((gap, top.shape[1], 3), 255, np.uint8), bottom])


if __name__ == "__main__":
    main()
