import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.cli.generate import GenerateOptions, generate
from sim2art.dataset.clip_set import ClipSet
from sim2art.dataset.shards import shard_path, write_index, write_shard
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.weights import find_weight
from tests.point_clips import make_point_clip


def _clip(seed, *, features=None):
    clip = make_point_clip(JointType.REVOLUTE, seed=seed, num_frames=4, num_points=32)
    video = dataclasses.replace(clip.video, features=features)
    return dataclasses.replace(clip, video=video, provenance={"seed": seed})


@pytest.fixture
def folder(tmp_path):
    write_shard(shard_path(tmp_path, 0), [_clip(0), _clip(1)])
    write_shard(shard_path(tmp_path, 1), [_clip(2)])
    write_index(tmp_path, {})
    return tmp_path


def test_clips_come_by_number_in_any_order(folder):
    clips = ClipSet(folder)
    assert len(clips) == 3
    assert [clips[i].provenance["seed"] for i in (2, 0, 1, -1)] == [2, 0, 1, 2]
    assert [clip.provenance["seed"] for clip in clips[1:]] == [1, 2]
    np.testing.assert_allclose(clips[1].video.points_world, _clip(1).video.points_world, atol=1e-5)


def test_a_lost_file_is_left_out_and_told(folder, caplog):
    shard_path(folder, 1).unlink()
    assert [clip.provenance["seed"] for clip in ClipSet(folder)] == [0, 1]
    assert "1 files of" in caplog.text and "is missing" in caplog.text


def test_a_set_without_a_whole_file_is_refused(folder, tmp_path):
    for number in (0, 1):
        shard_path(folder, number).write_bytes(b"cut")
    with pytest.raises(InvalidFileError, match=r"2 files of .* were left out, the first because: .*has 3 bytes"):
        ClipSet(folder)
    (tmp_path / "empty").mkdir()
    write_index(tmp_path / "empty", {})
    with pytest.raises(InvalidValueError, match="sim2art generate"):
        ClipSet(tmp_path / "empty")


def test_features_of_some_frames_survive_the_disk(tmp_path):
    features = np.zeros((4, 32, 60), np.float32)
    features[[0, 3]] = np.random.default_rng(0).normal(size=(2, 32, 60))
    clip = _clip(7, features=features)
    entry = write_shard(shard_path(tmp_path, 0), [clip])
    dense = write_shard(shard_path(tmp_path, 1), [_clip(7, features=np.ones((4, 32, 60), np.float32))])
    write_index(tmp_path, {})
    assert entry["bytes"] < dense["bytes"]
    loaded = ClipSet(tmp_path)[0].video.features
    assert loaded is not None
    np.testing.assert_allclose(loaded, features, atol=4e-3)


@pytest.mark.skipif(find_weight("dinov2-small") is None, reason="run: sim2art weights fetch dinov2-small")
def test_a_generated_set_holds_features_of_keyframes_only(tmp_path):
    generate(
        GenerateOptions(
            output=tmp_path / "set",
            num=1,
            num_frames=5,
            num_points=64,
            corruption="none",
            features="dinov2",
            keyframes=2,
        )
    )
    clips = ClipSet(tmp_path / "set")
    features = clips[0].video.features
    assert len(clips) == 1 and features is not None and features.shape == (5, 64, 384)
    np.testing.assert_array_equal(features.any(axis=(1, 2)), [True, False, False, False, True])
    assert features[0][clips[0].video.valid[0]].any(axis=1).all()
