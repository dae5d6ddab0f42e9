"""Plain videos, decoded by PyAV (BSD; FFmpeg inside, LGPL) when a frame is asked for, so that long ones fit in memory.

Opening reads the packets' times only. Frames are turned upright as the rotation flag says, pixels that are not square
are stretched, and high dynamic range (PQ and HLG) is brought to what a screen shows, each of which is said.
"""

import threading
from collections.abc import Iterator
from os import cpu_count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.errors import InvalidFileError
from sim2art.optional import require
from sim2art.perception.captures.capture import ColorSource

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mts", ".3gp", ".wmv", ".mpg", ".mpeg")
_PQ, _HLG = 16, 18
"""Transfer characteristics of ITU-T H.273: SMPTE ST 2084 and ARIB STD-B67."""
_COVER = 0x0400
"""FFmpeg's flag of a stream that is a cover picture."""
_MAX_THREADS = 8
_MAX_BACK = 3
"""Keyframes that are tried, one before the other, when a frame does not come out after a seek."""


def is_video(path: Path) -> bool:
    """Whether a path looks like a video file."""
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def read_video(path: Path) -> ColorSource:
    """Open a video as a recording of colour.

    Raises:
        InvalidFileError: When it cannot be opened or holds no frames.
        MissingPackageError: When PyAV is not installed.
    """
    video = VideoFile(path)
    return ColorSource(
        path=path,
        frame_ids=tuple(range(video.num_frames)),
        times=video.times,
        images=video.read,
        warnings=video.warnings,
    )


class VideoFile:
    """Frames of a video by number, counted in the order they are shown."""

    def __init__(self, path: Path, *, upright: bool = True, stream: int | None = None) -> None:
        """Open a video; its frames come as they are shown, or without `upright` as they are stored.

        `stream` is the index of a stream in the file; None takes the largest video stream.
        """
        self.path = path
        self._upright = upright
        self._turns: int | None = None
        self._av: Any = require("av", extra="video")
        self._container = self._open()
        self._stream = _main_stream(self._container) if stream is None else self._container.streams[stream]
        self._stream.thread_type = "AUTO"
        # Every thread holds frames of its own, which add up for large ones on machines with many cores.
        self._stream.codec_context.thread_count = min(_MAX_THREADS, cpu_count() or 1)
        self._lock = threading.Lock()
        self._stamps, self._is_key = self._index()
        self.times: Float[np.ndarray, frame] = (self._stamps - self._stamps[0]) * float(self._stream.time_base)
        """s since the first frame."""
        self.first_time = float(self._stamps[0] * self._stream.time_base)
        """s of the first frame by the file's clock."""
        self._frames: Iterator[Any] = iter(())
        self._next = len(self._stamps)
        """Number of the frame that decoding on would give; past the end before the first seek."""
        self._curve, self.warnings = self._look_at_format()

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self._stamps)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the stored frames, px."""
        return self._stream.width, self._stream.height

    @property
    def turns(self) -> int:
        """Quarter turns, counter-clockwise, that bring the stored frames upright; the first frame says it."""
        if self._turns is None:
            self.read(0)
        return self._turns or 0

    def read(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame, upright.

        Raises:
            InvalidFileError: When the frame cannot be decoded.
        """
        with self._lock:
            image = self._decode(index)
        return image if self._curve is None else self._curve[image]

    def _open(self) -> Any:
        try:
            container = self._av.open(str(self.path))
        except (OSError, ValueError) as error:
            size = self.path.stat().st_size if self.path.is_file() else 0
            raise InvalidFileError(
                f"{self.path} ({size} bytes) cannot be opened as a video: {_words(error)}. It is damaged, cut off or another "
                "kind of file; copy it again, or convert it with: ffmpeg -i IN -c:v libx264 OUT.mp4",
                path=self.path,
            ) from error
        if not container.streams.video:
            kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
            raise InvalidFileError(f"{self.path} holds no video stream, only: {kinds}.", path=self.path)
        return container

    def _index(self) -> tuple[np.ndarray, Bool[np.ndarray, "frame"]]:
        """Stamps of all frames in the order of showing, and which are keyframes; nothing is decoded."""
        keys: dict[int, bool] = {}
        self._num_trimmed = 0
        try:
            for packet in self._container.demux(self._stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if packet.is_discard:
                    self._num_trimmed += 1
                elif stamp is not None and packet.size:
                    keys[stamp] = packet.is_keyframe
        except (OSError, ValueError):
            pass  # What was read until here counts; the missing rest is said below.
        if not keys:
            raise InvalidFileError(
                f"{self.path} holds no frames: it is empty or cut off before the first one.", path=self.path
            )
        stamps = np.array(sorted(keys), dtype=np.int64)
        return stamps, np.array([keys[int(stamp)] for stamp in stamps])

    def _look_at_format(self) -> tuple[UInt8[np.ndarray, "256"] | None, tuple[str, ...]]:
        """The curve for high dynamic range, if any, and what a person should know."""
        told = []
        promised = self._stream.frames
        if promised > self.num_frames + self._num_trimmed + 1 and not self._lasts_as_said():
            told.append(
                f"The video promises {promised} frames and holds {self.num_frames}: it is cut off; what is there is used."
            )
        steps = np.diff(self.times)
        if len(steps) > 2 and np.quantile(steps, 0.95) > 1.5 * np.median(steps):
            told.append("The frame rate varies: each frame's own time is used.")
        kind = self._stream.codec_context.color_trc
        curve = _tone_curve(kind)
        if curve is not None:
            name = "PQ" if kind == _PQ else "HLG"
            told.append(f"The video has high dynamic range ({name}): it was brought to standard range.")
        return curve, tuple(told)

    def _lasts_as_said(self) -> bool:
        """Whether the frames reach the end that the file names; then missing ones were trimmed away by its edit list."""
        if not self._stream.duration:
            return False
        steps = np.diff(self._stamps)
        step = float(np.median(steps)) if len(steps) else 0.0
        begin = self._stream.start_time or 0
        return float(self._stamps[-1] - begin) > self._stream.duration - 2.5 * step

    def _decode(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        if not 0 <= index < self.num_frames:
            raise InvalidFileError(
                f"{self.path} has {self.num_frames} frames; there is no frame {index}.", path=self.path
            )
        keyframes = np.flatnonzero(self._is_key[: index + 1])[::-1]
        starts = [int(key) for key in keyframes[:_MAX_BACK]] or [0]
        if starts[0] <= self._next <= index:
            image = self._decode_on(index)  # Going on is no more work than starting from the keyframe.
            if image is not None:
                return image
        for start in starts:
            try:
                self._container.seek(int(self._stamps[start]), stream=self._stream, backward=True)
            except (OSError, ValueError):
                continue
            self._frames = self._container.decode(self._stream)
            image = self._decode_on(index)
            if image is not None:
                return image
        raise InvalidFileError(
            f"{self.path}: frame {index} cannot be decoded; the video is damaged there.", path=self.path
        )

    def _decode_on(self, index: int) -> UInt8[np.ndarray, "height width 3"] | None:
        """The frame with this number, decoding onwards; None when it does not come."""
        wanted = int(self._stamps[index])
        try:
            for frame in self._frames:
                stamp = frame.pts if frame.pts is not None else frame.dts
                if stamp is None or stamp < wanted:
                    continue
                self._next = int(np.searchsorted(self._stamps, stamp)) + 1
                return self._to_image(frame) if stamp == wanted else None
        except (OSError, ValueError):
            pass  # A damaged stretch: the caller tries an earlier keyframe.
        self._next = self.num_frames
        return None

    def _to_image(self, frame: Any) -> UInt8[np.ndarray, "height width 3"]:
        image = frame.to_ndarray(format="rgb24")
        ratio = self._stream.sample_aspect_ratio
        if ratio and abs(float(ratio) - 1.0) > 0.01:
            width = max(1, round(image.shape[1] * float(ratio)))
            image = cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_AREA)
        turns = self._turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, k=turns)) if self._upright else image


def _tone_curve(transfer: int) -> UInt8[np.ndarray, "256"] | None:
    """8-bit table from a high-dynamic-range signal to a standard one, or None when it is one already.

    Reference white (203 cd/m2, ITU-R BT.2408) stays bright, highlights are compressed (Reinhard 2002, Eq. 4). The wider
    colours are left as they are, a little pale.
    """
    signal = np.arange(256) / 255.0
    if transfer == _PQ:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = signal ** (1 / m2)
        light = 10_000 / 203 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    elif transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        light = (scene / 0.265) ** 1.2
    else:
        return None
    white = 4.9
    mapped = np.clip(light * (1 + light / white**2) / (1 + light), 0, 1)
    shown = np.where(mapped <= 0.0031308, 12.92 * mapped, 1.055 * mapped ** (1 / 2.4) - 0.055)
    return np.rint(255 * shown).astype(np.uint8)


def _main_stream(container: Any) -> Any:
    """The largest video stream: thumbnails and cover pictures are streams too, and may come first."""
    streams = container.streams.video
    films = [stream for stream in streams if not stream.disposition & _COVER] or list(streams)
    return max(films, key=lambda stream: stream.width * stream.height)  # The first one of equals.


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
