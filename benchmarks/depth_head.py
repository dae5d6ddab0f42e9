"""Trains and scores the depth head of chain `light`; docs/depth_and_light.md has what it printed.

python benchmarks/depth_head.py cache FOLDER --shards 40          # frames and features, about 0.13 CPU s a frame
python benchmarks/depth_head.py train FOLDER RUN --steps 2400     # goes on where it stopped
python benchmarks/depth_head.py score --head RUN/checkpoint       # on rendered frames of unseen objects
python benchmarks/depth_head.py score --head RUN/checkpoint --rgbd CAPTURE   # on a recording with depth
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from sim2art.dataset.splits import VALIDATION
from sim2art.networks.depth_head_files import DEPTH_HEAD_CHECKPOINT
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.depth.head import HeadDepth
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.train.depth_head import DepthTrainConfig, train_depth_head
from sim2art.train.depth_head_frames import DepthFrameConfig, make_shards, render_frames_of
from sim2art.train.depth_head_losses import DepthScore, score_depth

Frame = tuple[np.ndarray, np.ndarray]
"""Colour and true depth (m, 0 = none)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("cache")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--shards", type=int, default=40)
    verb.add_argument("--workers", type=int, default=1)
    verb = verbs.add_parser("train")
    verb.add_argument("folder", type=Path)
    verb.add_argument("run", type=Path)
    verb.add_argument("--steps", type=int, default=DepthTrainConfig().num_steps)
    verb = verbs.add_parser("score")
    verb.add_argument("--head", type=Path, default=DEPTH_HEAD_CHECKPOINT)
    verb.add_argument("--rgbd", type=Path, help="a recording with depth; by default rendered frames")
    verb.add_argument("--num", type=int, default=48, help="frames of each set")
    verb.add_argument("--long-side", type=int, nargs="+", default=[20], help="patches along the longer side")
    verb.add_argument("--picture", type=Path)
    options = parser.parse_args()
    if options.verb == "cache":
        started = time.monotonic()
        for path in make_shards(DepthFrameConfig(), options.folder, options.shards, workers=options.workers):
            print(f"{time.monotonic() - started:8.0f} s  {path}", flush=True)
    elif options.verb == "train":
        train_depth_head(DepthTrainConfig(num_steps=options.steps), options.folder, options.run)
    else:
        _score(options)


def _score(options: argparse.Namespace) -> None:
    origin = collect_provenance()
    print(
        f"depth head {options.head}, commit {origin['commit']}, {origin['machine']}, {torch.get_num_threads()} threads"
    )
    # "flat" is the same depth everywhere: what a guess must beat. Patches: along the longer side of the image.
    print("set                frames  patches  AbsRel  delta_1  AbsRel, affine  CPU s a frame")
    sets = {"rgbd recording": _recorded(options.rgbd, options.num)} if options.rgbd else {
        "rendered, unseen": _rendered(options.num), "real-mesh renders": _real_mesh(options.num)
    }  # fmt: skip
    for name, frames in sets.items():
        kept = list(frames)
        flat = [score_depth(np.ones_like(true), true) for _, true in kept]
        print(_row(name, "flat", flat, None), flush=True)
        for long_side in options.long_side:
            estimate = HeadDepth(str(options.head), long_side=long_side)
            scores, rows = [], []
            started = time.process_time()
            for index, (image, true) in enumerate(kept):
                found = cv2.resize(estimate(image, index).values, true.shape[::-1], interpolation=cv2.INTER_LINEAR)
                scores.append(score_depth(found, true))
                rows.append((image, true, found))
            print(_row(name, str(long_side), scores, (time.process_time() - started) / len(kept)), flush=True)
            if options.picture:
                path = options.picture.with_stem(
                    f"{options.picture.stem}-{name.split(',')[0].replace(' ', '-')}-{long_side}"
                )
                cv2.imwrite(str(path), _sheet(rows[:: max(1, len(rows) // 8)][:8])[..., ::-1])


def _row(name: str, kind: str, scores: list[DepthScore], seconds: float | None) -> str:
    """A line of the table. The offset of 1/depth is what a fit to COLMAP's points could still mend."""
    means = [np.nanmean([getattr(score, key) for score in scores]) for key in ("abs_rel", "delta_1", "abs_rel_affine")]
    spent = "-" if seconds is None else f"{seconds:.2f}"
    return f"{name:18s} {len(scores):6d}  {kind:>7s}  {means[0]:6.3f}  {means[1]:7.3f}  {means[2]:14.3f}  {spent:>13s}"


def _rendered(num: int) -> Iterator[Frame]:
    """Frames of validation objects, as in training."""
    config = DepthFrameConfig(first_seed=VALIDATION.start, num_frames=2, upright_share=0.0)
    for shard in range(-(-num // (config.num_scenes * config.num_frames))):
        frames = render_frames_of(config, shard)
        pairs = zip(frames.images, frames.depths.astype(np.float32), strict=True)
        yield from list(pairs)[: num - shard * config.num_scenes * config.num_frames]


def _real_mesh(num: int) -> Iterator[Frame]:
    """Frames of the set real-mesh-rgb: two of each of the first recordings, as they are there."""
    cases = EvaluationSet.choose("real-mesh-rgb", num=min(72, -(-num // 2)))
    for seed in cases.seeds:
        recording = render_recording(RecordingConfig(families=cases.families(seed), num_frames=2), seed)
        yield from zip(recording.images, recording.stage.depths, strict=True)


def _recorded(path: Path, num: int) -> Iterator[Frame]:
    """Frames of a recording with depth, evenly spread."""
    capture = open_capture(path)
    for index in np.unique(np.linspace(0, len(capture.frame_ids) - 1, num).astype(int)):
        image, depth = capture.read_image(int(index)), capture.read_depth(int(index))
        yield image, cv2.resize(depth, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _sheet(rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
    """Colour, true and found inverse depth side by side."""
    lines = []
    for image, true, found in rows:
        known = true > 0
        level = np.median((true / found)[known]) if known.any() else 1.0
        top = np.quantile(1 / true[known], 0.98) if known.any() else 1.0
        maps = [np.where(d > 0, np.clip(1 / np.maximum(d, 1e-3) / top, 0, 1), 0) for d in (true, found * level)]
        colored = [cv2.applyColorMap((255 * m).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1] for m in maps]
        tiles = [cv2.resize(tile, (320, 240), interpolation=cv2.INTER_AREA) for tile in (image, *colored)]
        lines.append(np.hstack(tiles))
    return np.vstack(lines)


if __name__ == "__main__":
    main()
