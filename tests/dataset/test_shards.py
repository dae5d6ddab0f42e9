import numpy as np
import pytest

from sim2art.dataset.shards import (
    ShardShare,
    is_shard_done,
    parse_share,
    read_clips,
    read_index,
    read_shard,
    read_usable_clips,
    shard_path,
    write_index,
    write_shard,
)
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.simulate.generate import ClipConfig, generate_clip

CONFIG = ClipConfig(num_frames=4, num_points=64, image_size=64)


@pytest.fixture(scope="module")
def clips():
    return [generate_clip(CONFIG, seed) for seed in range(3)]


def test_shards_round_trip(clips, tmp_path):
    path = shard_path(tmp_path, 0)
    entry = write_shard(path, clips)
    assert entry["clips"] == 3 and is_shard_done(path)
    for ours, theirs in zip(clips, read_shard(path), strict=True):
        np.testing.assert_allclose(theirs.video.points_world, ours.video.points_world, atol=6e-6)
        np.testing.assert_allclose(theirs.video.flow_world, ours.video.flow_world, rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(theirs.video.flow_valid, ours.video.flow_valid)
        np.testing.assert_array_equal(theirs.part_ids, ours.part_ids)
        np.testing.assert_allclose(theirs.trajectory.values, ours.trajectory.values, atol=1e-9)
        assert theirs.video.baselines == ours.video.baselines
        assert theirs.provenance == ours.provenance
        for a, b in zip(theirs.truth.joints, ours.truth.joints, strict=True):
            assert (a.name, a.type, a.parent, a.child) == (b.name, b.type, b.parent, b.child)
            np.testing.assert_allclose(a.axis, b.axis, atol=1e-8)


def test_same_clips_give_the_same_bytes(clips, tmp_path):
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    assert write_shard(first, clips)["sha256"] == write_shard(second, iter(clips))["sha256"]
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_cut_shard_is_refused_by_name(clips, tmp_path, share):
    path = shard_path(tmp_path, 7)
    write_shard(path, clips)
    content = path.read_bytes()
    data = len(content.rstrip(b"\0"))  # Cutting the padding at the end loses nothing.
    path.write_bytes(content[: int(data * share)])
    assert not is_shard_done(path)
    with pytest.raises(InvalidFileError, match=r"clips-000007\.tar.*damaged"):
        list(read_shard(path))


def test_a_cut_between_two_members_is_noticed(clips, tmp_path):
    path = tmp_path / "clips.tar"
    write_shard(path, clips[:1])
    end = len(path.read_bytes().rstrip(b"\0")) // 512 * 512 + 512
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(InvalidFileError):
        list(read_shard(path))


def test_a_failed_write_leaves_no_shard(clips, tmp_path):
    def failing():
        yield clips[0]
        raise RuntimeError

    path = shard_path(tmp_path, 0)
    with pytest.raises(RuntimeError):
        write_shard(path, failing())
    assert not path.exists() and not is_shard_done(path)


def test_index_names_every_file_and_notices_damage(clips, tmp_path):
    write_shard(shard_path(tmp_path, 0), clips[:2])
    write_shard(shard_path(tmp_path, 1), clips[2:])
    write_index(tmp_path, {"config": {}})
    assert read_index(tmp_path, check_hashes=True)["clips"] == 3
    assert len(list(read_clips(tmp_path))) == 3
    path = shard_path(tmp_path, 1)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidFileError, match=r"clips-000001.tar.*sha256"):
        read_index(tmp_path, check_hashes=True)
    path.unlink()
    with pytest.raises(InvalidFileError, match=r"clips-000001.tar.*missing"):
        read_index(tmp_path)


def test_damaged_files_are_left_out_and_counted(clips, tmp_path, caplog):
    for number in range(4):
        write_shard(shard_path(tmp_path, number), clips[:2])
    write_index(tmp_path, {})
    cut, gone, spoilt = (shard_path(tmp_path, number) for number in (0, 1, 3))
    cut.write_bytes(cut.read_bytes()[:5000])
    gone.unlink()
    content = bytearray(spoilt.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    spoilt.write_bytes(content)
    left_out = []
    found = list(read_usable_clips(tmp_path, left_out))
    assert 2 <= len(found) <= 3, "those of the whole file, and what comes before the damage in another"
    assert [error.path for error in left_out] == [cut, gone, spoilt]
    assert "3 files of" in caplog.text and "clips-000000.tar' has 5000 bytes" in caplog.text
    with pytest.raises(InvalidFileError, match=r"clips-000000\.tar"):
        list(read_clips(tmp_path))
    shard_path(tmp_path, 2).unlink()
    spoilt.unlink()
    with pytest.raises(InvalidFileError, match="4 files of"):
        list(read_usable_clips(tmp_path, []))


def test_shares_split_the_files():
    owners = [[share for share in range(3) if ShardShare(index=share, count=3).owns(file)] for file in range(7)]
    assert owners == [[0], [1], [2], [0], [1], [2], [0]]
    assert parse_share("3/64") == ShardShare(index=3, count=64)


@pytest.mark.parametrize("text", ["1", "2/2", "a/b", "-1/2", "1/0", "1/2/3"])
def test_wrong_shares_are_refused(text):
    with pytest.raises(InvalidValueError, match="Shard"):
        parse_share(text)
