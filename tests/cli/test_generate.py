import pytest

from sim2art.cli.generate import generate
from sim2art.dataset.shards import read_clips, read_index
from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidValueError, OutputExistsError

SMALL = {"num": 5, "num_frames": 3, "num_points": 32, "clips_per_file": 2, "corruption": "none"}


def tars(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def test_shares_together_write_what_one_job_writes(tmp_path):
    generate(tmp_path / "whole", **SMALL)
    for share in ("0/2", "1/2"):
        generate(tmp_path / "split", shard=share, **SMALL)
    assert tars(tmp_path / "whole") == tars(tmp_path / "split") and len(tars(tmp_path / "whole")) == 3
    assert read_index(tmp_path / "split", check_hashes=True)["clips"] == 5
    seeds = [clip.provenance["seed"] for clip in read_clips(tmp_path / "whole")]
    assert seeds == list(range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + 5))


def test_a_killed_job_goes_on_where_it_stopped(tmp_path):
    folder = tmp_path / "set"
    generate(folder, **SMALL)
    before = tars(folder)
    kept = folder / "clips-000000.tar"
    stamp = kept.stat().st_mtime_ns
    (folder / "clips-000001.tar").unlink()
    (folder / "clips-000002.tar.partial").write_bytes(b"half")
    generate(folder, **SMALL)
    assert tars(folder) == before and kept.stat().st_mtime_ns == stamp


def test_folders_of_others_are_refused(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not empty"):
        generate(tmp_path, **SMALL)
    generate(tmp_path / "set", **SMALL)
    with pytest.raises(OutputExistsError, match=r"another command.*'seed'"):
        generate(tmp_path / "set", seed=100, **SMALL)


def test_wrong_numbers_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="--num is 0"):
        generate(tmp_path / "set", num=0)
    with pytest.raises(InvalidValueError, match="K/N"):
        generate(tmp_path / "set", num=1, shard="5")
