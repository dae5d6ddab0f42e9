"""Time and memory of the whole chain on a long video of high resolution, with depth from files.

    python benchmarks/long_video.py [--minutes 5] [--width 3840] [--limit 4]

The clip is made here: a board that slides forth and back before a wall, one pass encoded and its packets repeated, so the
file stays small while every frame must be decoded as that of a real video. Frames are chosen as for a depth that is guessed.
Ends with an error when more than `--limit` GB were used.
"""

import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np
import tyro
from jaxtyping import Int

from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.completion import CompleteOptions
from sim2art.perception.frames.thinning import thin_out
from sim2art.perception.pipeline import ObserveOptions
from sim2art.provenance import collect_provenance
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct

_FPS = 30
_PASS = 4 * _FPS
"""Frames of one pass forth and back."""


def main(*, minutes: float = 5.0, width: int = 3840, limit: float = 4.0) -> None:
    """Print frames, seconds and peak memory.

    Args:
        minutes: Length of the clip.
        width: px; the height is 9/16 of it.
        limit: GB.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "long.mp4"
        count = write_clip(video, width, max(2, round(minutes * 60 * _FPS / _PASS)))
        size = video.stat().st_size / 1e6
        made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        observe = ObserveOptions(
            depth=f"file:{folder}", cameras="static", mask="motion", complete=CompleteOptions(fov_deg=60)
        )
        wall, cpu = time.perf_counter(), time.process_time()
        chosen = thin_out(open_recording(video), observe.complete.max_frames)  # What a guessed depth would begin with.
        looked = time.perf_counter() - wall
        write_depths(Path(folder) / "depth", chosen)
        result = reconstruct(video, ReconstructOptions(observe=observe))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = collect_provenance()
    print(f"commit {found['commit']}, {found['machine']}")
    print(f"{count} frames of {width}x{width * 9 // 16} px, {minutes:.1f} minutes, {size:.0f} MB")
    print(f"wall {wall:.0f} s ({looked:.0f} s to choose frames), CPU {cpu:.0f} s")
    print(f"peak memory {peak:.2f} GB (making the clip took {made:.2f} GB)")
    print(f"status {result.status.value}, {len(result.estimate.joints)} joint(s), {len(result.frame_ids)} used frames")
    if peak > limit:
        sys.exit(f"More than {limit} GB.")


def board_at(frame: int) -> float:
    """Where the board is, as a share of the image's width."""
    return 0.3 + 0.2 * float(0.5 - 0.5 * np.cos(2 * np.pi * frame / _PASS))


def write_clip(path: Path, width: int, passes: int) -> int:
    """Write the clip; returns its number of frames."""
    height = width * 9 // 16
    rng = np.random.default_rng(0)
    wall, board = (_texture(rng, width, height), _texture(rng, width // 4, height // 3))
    first = path.with_name("pass.mp4")
    with av.open(str(first), "w") as container:
        stream = container.add_stream("libx264", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "30", "g": str(_FPS)}
        for frame in range(_PASS):
            image = wall.copy()
            x, y = int(board_at(frame) * width), height // 3
            image[y : y + board.shape[0], x : x + board.shape[1]] = board
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    with av.open(str(first)) as source, av.open(str(path), "w") as target:
        inner = source.streams.video[0]
        outer = target.add_stream_from_template(inner)
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(inner)]
        tick = inner.time_base
        assert tick is not None, "The encoder sets it."
        step = round(_PASS / _FPS / float(tick))
        for index in range(passes):
            for content, pts, dts, is_key in packets:
                if pts is None or dts is None:
                    continue  # The one that ends the stream.
                packet = av.Packet(content)
                packet.pts, packet.dts, packet.time_base = pts + index * step, dts + index * step, tick
                packet.is_keyframe, packet.stream = is_key, outer
                target.mux(packet)
    return passes * _PASS


def write_depths(folder: Path, frames: Int[np.ndarray, "frame"]) -> None:
    """Depth (mm) of some frames, at 480x270 px."""
    folder.mkdir()
    for frame in frames:
        depth = np.full((270, 480), 2000, np.uint16)
        x = int(board_at(int(frame)) * 480)
        depth[90:180, x : x + 120] = 1700
        cv2.imwrite(str(folder / f"{frame:06d}.png"), depth)


def _texture(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    coarse = rng.uniform(30, 220, (max(2, height // 60), max(2, width // 60), 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    tyro.cli(main)
