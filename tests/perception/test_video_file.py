"""Videos give their frames by number and by their own times, upright, whatever the file is like."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.captures.video_file import VideoFile
from tests.perception.recorded_files import write_sound, write_video


def _frames(count: int = 12, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames of even grey, each brighter than the one before, with a red corner at the top left."""
    images = np.zeros((count, height, width, 3), np.uint8)
    images[:] = (40 + 12 * np.arange(count))[:, None, None, None]
    images[:, : height // 3, : width // 3] = (220, 20, 20)
    return images


def _number(image: np.ndarray) -> int:
    """Which frame an image is, by its brightness."""
    return round((float(np.median(image[image.shape[0] // 2 :, image.shape[1] // 2 :])) - 40) / 12)


def test_frames_come_by_number_in_any_order(tmp_path: Path) -> None:
    video = VideoFile(write_video(tmp_path / "a.mp4", _frames()))
    assert video.num_frames == 12
    np.testing.assert_allclose(video.times, np.arange(12) / 10)
    for index in (0, 1, 2, 7, 11, 3, 3, 0, 10):
        assert _number(video.read(index)) == index


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".avi", "mpeg4"), (".mkv", "libx264"), (".webm", "libvpx-vp9"), (".mov", "libx265")]
)
def test_other_containers_and_codecs_are_read(tmp_path: Path, suffix: str, codec: str) -> None:
    video = open_recording(write_video(tmp_path / f"a{suffix}", _frames(), codec=codec))
    assert not isinstance(video, Capture)
    assert [_number(video.read_image(index)) for index in (0, 5, 11)] == [0, 5, 11]


def test_a_portrait_video_is_turned_upright(tmp_path: Path) -> None:
    for rotation, corner in ((90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))):
        image = VideoFile(write_video(tmp_path / f"{rotation}.mp4", _frames(3), rotation=rotation)).read(1)
        assert image.shape == ((64, 48, 3) if rotation != 180 else (48, 64, 3))
        assert image[corner][0] > 180 > 90 > image[corner][1]


def test_each_frame_has_its_own_time(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 0.5, 0.6, 1.2, 1.3]
    video = VideoFile(write_video(tmp_path / "a.mp4", _frames(7), times=times))
    np.testing.assert_allclose(video.times, times, atol=2e-3)
    assert any("frame rate varies" in warning for warning in video.warnings)
    assert _number(video.read(5)) == 5


def test_odd_sizes_are_read(tmp_path: Path) -> None:
    video = VideoFile(write_video(tmp_path / "a.avi", _frames(3, height=47, width=63), codec="mpeg4"))
    assert video.read(1).shape == (47, 63, 3)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_brought_down_and_said(tmp_path: Path, transfer: int, name: str) -> None:
    video = VideoFile(write_video(tmp_path / "a.mp4", _frames(), transfer=transfer))
    assert any(name in warning for warning in video.warnings)
    means = [float(video.read(index)[40].mean()) for index in range(12)]
    assert np.all(np.diff(means) > 0)  # Brighter stays brighter.
    assert means[-1] > 150


def test_a_video_that_is_cut_off_gives_what_is_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 255, (30, 48, 64, 3)).astype(np.uint8)
    path = write_video(tmp_path / "a.mkv", noisy)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = VideoFile(path)
    assert 5 < video.num_frames < 25
    assert video.read(3).shape == (48, 64, 3)


def test_damage_in_the_middle_costs_some_frames_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write_video(tmp_path / "a.mp4", rng.integers(0, 255, (40, 48, 64, 3)).astype(np.uint8), group=5)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(bytes(content))
    video = VideoFile(path)
    good = 0
    for index in range(video.num_frames):
        try:
            good += video.read(index).shape == (48, 64, 3)
        except InvalidFileError as error:
            assert "cannot be decoded" in str(error)
    assert good > 25


def test_what_is_no_video_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"0000" * 50)
    with pytest.raises(InvalidFileError, match=r"200 bytes\) cannot be opened as a video"):
        VideoFile(path)
    path.write_bytes(b"")
    with pytest.raises(InvalidFileError, match="cannot be opened"):
        VideoFile(path)
    whole = write_video(tmp_path / "b.mp4", _frames())
    whole.write_bytes(whole.read_bytes()[:300])  # The index lies at the end of the file.
    with pytest.raises(InvalidFileError, match="cut off"):
        VideoFile(whole)


def test_sound_alone_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no video stream, only: audio"):
        VideoFile(write_sound(tmp_path / "a.m4a"))


def test_a_frame_past_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no frame 12"):
        VideoFile(write_video(tmp_path / "a.mp4", _frames())).read(12)


def _write_with_thumbnail(path: Path, images: np.ndarray) -> Path:
    """A video whose first stream is a small picture, as some cameras write."""
    with av.open(str(path), "w") as container:
        thumbnail, film = container.add_stream("mjpeg", rate=10), container.add_stream("libx264", rate=10)
        thumbnail.width, thumbnail.height, thumbnail.pix_fmt = 64, 64, "yuvj420p"
        film.height, film.width = images.shape[1:3]
        film.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        container.mux(thumbnail.encode(picture))
        container.mux(thumbnail.encode())
        for image in images:
            container.mux(film.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(film.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_thumbnail_that_comes_first_is_not_the_video(tmp_path: Path, suffix: str) -> None:
    video = VideoFile(_write_with_thumbnail(tmp_path / f"a{suffix}", _frames(height=96, width=128)))
    assert video.num_frames == 12
    assert video.size == (128, 96)
    assert [_number(video.read(index)) for index in (0, 7, 11)] == [0, 7, 11]


def _trim(path: Path, *, start: int, length: int) -> None:
    """Let an mp4 file's edit list show `length` frames from frame `start` on (at 10 a second), as a phone's trim does."""
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 4
    assert content[at] == 0, "An edit list of version 0 is written here."
    assert struct.unpack_from(">I", content, at + 4) == (1,)
    media_scale = struct.unpack_from(">I", content, content.index(b"mdhd") + 16)[0]
    movie_scale = struct.unpack_from(">I", content, content.index(b"mvhd") + 16)[0]
    shown_first = struct.unpack_from(">i", content, at + 12)[0]
    struct.pack_into(">Ii", content, at + 8, length * movie_scale // 10, shown_first + start * media_scale // 10)
    path.write_bytes(bytes(content))


def test_a_trimmed_clip_is_not_called_cut_off(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", _frames(20))
    _trim(path, start=4, length=10)
    video = VideoFile(path)
    assert 9 <= video.num_frames <= 11
    assert _number(video.read(0)) == 4
    assert not any("cut off" in warning for warning in video.warnings)


def test_a_portrait_video_that_was_trimmed_is_upright_and_begins_where_it_was_cut(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", _frames(20), rotation=90)
    _trim(path, start=4, length=10)
    video = VideoFile(path)
    assert video.read(0).shape == (64, 48, 3)
    assert 9 <= video.num_frames <= 11
    assert _number(VideoFile(path, upright=False).read(0)) == 4


def test_a_clip_whose_end_was_lost_is_called_cut_off(tmp_path: Path) -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3)).astype(np.uint8)
    whole = write_video(tmp_path / "a.mp4", noisy)
    early = tmp_path / "b.mp4"  # With the index at the beginning, as phones and web pages send it.
    with av.open(str(whole)) as source, av.open(str(early), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert VideoFile(early).warnings == ()
    early.write_bytes(early.read_bytes()[: early.stat().st_size // 2])
    video = VideoFile(early)
    assert 5 < video.num_frames < 25
    assert any("promises 30 frames" in warning and "cut off" in warning for warning in video.warnings)
