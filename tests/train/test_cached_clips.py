"""Cached clips: passes over them keep the truth, whatever the view; a cache that is not what it should be is told."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.observation.normalization import normalize_box
from sim2art.simulate.generate import ClipConfig
from sim2art.train import clip_cache
from sim2art.train.cached_examples import NO_AUGMENTATION, make_cached_example
from sim2art.train.clip_cache import ClipCache, grow_cache, make_record
from tests.point_clips import make_chain_clip, make_point_clip

FRAMES, POINTS, BASELINES = 10, 128, (1, 3, 8)
CONFIG = ClipConfig(corruption="none", num_frames=FRAMES, num_points=POINTS, baselines=BASELINES)
SMALL = ClipConfig(families=("laptop",), corruption="none", num_frames=4, num_points=32, image_size=48, baselines=(1,))
KNOWN = [
    (1.0, 0.3203, 0.407, 2.5615, -0.5261, -0.6482, 0.5505),
    (1.0, 0.0, 0.428, 0.0, 0.0, 0.0, 0.0),
    (1.0, 0.1875, 0.439, 2.5779, -0.9525, -0.2395, 0.1879),
]
"""Of SMALL, seeds from 7: share of valid points, mean part, mean coordinate, sum of the joint's values, its axis."""


def _record(clip):
    clip.provenance["seed"] = 1
    return make_record(clip, CONFIG)


def _pass(record, seed, baselines=BASELINES, noise="none", **augmentation):
    return make_cached_example(
        record,
        np.random.default_rng(seed),
        num_points=64,
        kept_baselines=BASELINES,
        baselines=baselines,
        noise=noise,
        augmentation=dataclasses.replace(NO_AUGMENTATION, **augmentation),
    )


def _flow_of_joint(example, part, frame, baseline, points):
    axis = example.part_axes[part].astype(float)
    change = float(example.part_motions[frame + baseline, part] - example.part_motions[frame, part])
    if example.part_types[part] == 2:
        return np.broadcast_to(axis * change, points.shape)
    arms = points - example.part_pivots[part]
    return arms @ rotation_from_rotvec(axis * change).T - arms


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from([JointType.REVOLUTE, JointType.PRISMATIC]),
    seed=st.integers(0, 1000),
    mirrored=st.sampled_from([0.0, 1.0]),
    is_reversed=st.sampled_from([0.0, 1.0]),
)
def test_flow_is_what_the_joint_does_in_every_view(kind, seed, mirrored, is_reversed):
    record = _record(make_point_clip(kind, seed=seed, num_frames=FRAMES, num_points=POINTS, noise=0.0))
    example = _pass(record, seed, yaw=0.5, tilt=0.3, mirrored=mirrored, reversed=is_reversed)
    assert example.part_motions[np.argmax(np.abs(example.part_motions[:, 1])), 1] > 0
    num_seen = 0
    for index, baseline in enumerate(BASELINES):
        flow, measured = example.features[..., 4 * index : 4 * index + 3], example.features[..., 4 * index + 3] > 0
        for frame in range(FRAMES - baseline):
            mine = measured[frame] & (example.part_ids[frame] == 1)
            told = _flow_of_joint(example, 1, frame, baseline, example.points[frame][mine].astype(float))
            np.testing.assert_allclose(flow[frame][mine], told, atol=2e-4)
            np.testing.assert_allclose(flow[frame][measured[frame] & (example.part_ids[frame] == 0)], 0.0, atol=1e-6)
            num_seen += mine.sum()
    assert num_seen > 50


def test_a_chain_played_backwards_rests_where_its_parent_ended():
    clip = make_chain_clip(num_frames=FRAMES, num_points=POINTS)
    record = _record(clip)
    plain, back = _pass(record, 0), _pass(record, 0, reversed=1.0)
    child = next(p for p in range(1, 3) if record["parents"][p - 1] != clip_cache.BASE)
    parent_motion = record["motions"][record["parents"][child - 1], -1, :, :3]
    sign = np.sign(back.part_axes[child] @ parent_motion @ plain.part_axes[child])
    np.testing.assert_allclose(back.part_axes[child], sign * parent_motion @ plain.part_axes[child], atol=1e-5)


def test_a_pass_may_show_some_of_the_flows_only():
    record = _record(make_point_clip(JointType.REVOLUTE, num_frames=FRAMES, num_points=POINTS, noise=0.0))
    every, some = _pass(record, 3), _pass(record, 3, baselines=(3,))
    np.testing.assert_array_equal(some.features, every.features[..., 4:8])
    np.testing.assert_array_equal(some.points, every.points)


def test_noise_has_the_size_that_the_paper_preset_states():
    record = _record(make_point_clip(JointType.REVOLUTE, num_frames=FRAMES, num_points=POINTS, noise=0.0))
    sizes = []
    for seed in range(40):
        noisy = make_cached_example(
            record,
            np.random.default_rng(seed),
            num_points=64,
            kept_baselines=BASELINES,
            baselines=BASELINES,
            augmentation=NO_AUGMENTATION,
        )
        still = (noisy.part_ids == 0) & (noisy.features[..., 3] > 0)
        sizes.append(noisy.features[..., :3][still].std())
    assert 0.0018 < min(sizes) < max(sizes) < 0.011
    assert max(sizes) > 2 * min(sizes)


def test_each_pass_draws_other_points():
    record = _record(make_point_clip(JointType.REVOLUTE, num_frames=FRAMES, num_points=POINTS, noise=0.0))
    assert not np.array_equal(_pass(record, 0).points, _pass(record, 1).points)
    np.testing.assert_array_equal(_pass(record, 0).points, _pass(record, 0).points)


def test_a_cache_grows_and_its_clips_keep_their_numbers(tmp_path):
    assert grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2) == 2
    cache = ClipCache(tmp_path, SMALL, shard_clips=2)
    first = cache[1].copy()
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=4, shard_clips=2)
    assert (len(cache), cache.refresh()) == (2, 4)
    assert cache[1] == first
    assert [int(cache[i]["seed"]) % clip_cache.SHARD_CLIPS for i in range(4)] == [7, 8, 9, 10]


def test_a_cache_of_another_version_or_other_clips_is_refused(tmp_path, monkeypatch):
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2)
    with pytest.raises(SchemaError, match="was made with clips"):
        ClipCache(tmp_path, dataclasses.replace(SMALL, num_points=33), shard_clips=2)
    with pytest.raises(SchemaError, match="first_seed 7; this run needs 8"):
        grow_cache(tmp_path, SMALL, first_seed=8, num_clips=2, shard_clips=2)
    for version, told in (("GENERATOR_VERSION", "made with generator 1"), ("CACHE_VERSION", "made with cache 1")):
        with monkeypatch.context() as patch:
            patch.setattr(clip_cache, version, getattr(clip_cache, version) + 1)
            with pytest.raises(SchemaError, match=told):
                ClipCache(tmp_path, SMALL, shard_clips=2)
            with pytest.raises(SchemaError, match=told):
                grow_cache(tmp_path, SMALL, first_seed=7, num_clips=4, shard_clips=2)
    (tmp_path / "cache.json").write_text("{")
    with pytest.raises(InvalidFileError, match="is not valid JSON"):
        ClipCache(tmp_path, SMALL, shard_clips=2)


def test_clips_of_these_versions_stay_the_same(tmp_path):
    # Code that makes other clips or records raises GENERATOR_VERSION or CACHE_VERSION, or old caches pass for new ones.
    assert (clip_cache.GENERATOR_VERSION, clip_cache.CACHE_VERSION) == (1, 1)
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=3, shard_clips=3)
    cache = ClipCache(tmp_path, SMALL, shard_clips=3)
    told = [
        (
            float(record["valid"].mean()),
            float(record["part_ids"].mean()),
            float(np.abs(record["points"]).mean()) * clip_cache.POINT_STEP,
            float(np.abs(record["values"]).sum()),
            *record["axes"][0].tolist(),
        )
        for record in (cache[index] for index in range(3))
    ]
    np.testing.assert_allclose(told, KNOWN, atol=5e-3)


def test_what_a_killed_process_left_is_written_over(tmp_path):
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2)
    whole = (tmp_path / "clips_00000.npy").read_bytes()
    (tmp_path / "clips_00000.npy").unlink()
    (tmp_path / "clips_00000.part").write_bytes(whole[:100])
    with pytest.raises(InvalidFileError, match="no whole shard"):
        ClipCache(tmp_path, SMALL, shard_clips=2)
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2)
    assert sorted(x.name for x in tmp_path.iterdir()) == ["cache.json", "clips_00000.npy"]
    assert (tmp_path / "clips_00000.npy").read_bytes() == whole


def test_clips_with_white_noise_are_not_cached(tmp_path):
    with pytest.raises(InvalidValueError, match="which each pass adds anew"):
        grow_cache(tmp_path, dataclasses.replace(SMALL, corruption="paper"), first_seed=0, num_clips=1)


@pytest.mark.parametrize("mirrored", [0.0, 1.0])
def test_measured_flow_is_kept_and_turned_with_the_view_but_never_played_backwards(mirrored):
    clip = make_point_clip(JointType.REVOLUTE, num_frames=FRAMES, num_points=POINTS, noise=0.0)
    video = clip.video
    wrong = dataclasses.replace(video, flow_world=video.flow_world + 0.03 * video.flow_valid[..., None])
    clip = dataclasses.replace(clip, video=wrong, provenance={**clip.provenance, "seed": 1})
    record = make_record(clip, dataclasses.replace(CONFIG, corruption="real"))
    view = {"yaw": 0.5, "tilt": 0.3, "mirrored": mirrored, "reversed": 1.0}
    example, exact = _pass(record, 4, noise="real", **view), _pass(record, 4, **(view | {"reversed": 0.0}))
    np.testing.assert_array_equal(example.points, exact.points)
    for index in range(len(BASELINES)):
        measured = example.features[..., 4 * index + 3] > 0
        errors = (example.features - exact.features)[..., 4 * index : 4 * index + 3][measured]
        np.testing.assert_allclose(errors, np.broadcast_to(errors[:1], errors.shape), atol=1e-3)
        # Each pass scales by the box of its own points.
        scale = normalize_box(video.points_world[video.valid]).scale
        assert np.linalg.norm(errors[0]) == pytest.approx(0.03 * 3**0.5 / scale, rel=0.3)


def test_flow_that_lands_out_of_range_counts_as_not_measured():
    clip = make_point_clip(JointType.REVOLUTE, num_frames=FRAMES, num_points=POINTS, noise=0.0)
    far = np.zeros_like(clip.video.flow_world)
    far[0, 0] = 1e3
    video = dataclasses.replace(clip.video, flow_world=far * clip.video.flow_valid[..., None])
    clip = dataclasses.replace(clip, video=video, provenance={**clip.provenance, "seed": 1})
    record = make_record(clip, dataclasses.replace(CONFIG, corruption="real"))
    assert not record["flow_valid"][0, 0].any()
    np.testing.assert_array_equal(record["flow_valid"][0, 1:], clip.video.flow_valid[0, 1:])


def test_semantics_are_kept_and_shown_or_hidden(tmp_path):
    def describe(images, pixels):
        return np.stack([pixels[..., 0], np.full(pixels.shape[:2], 2.0)], axis=-1)

    with pytest.raises(InvalidValueError, match="nothing that gives 2 semantic channels"):
        grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2, num_semantics=2)
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2, num_semantics=2, describe=describe)
    with pytest.raises(SchemaError, match="made with semantics 2; this run needs None"):
        ClipCache(tmp_path, SMALL, shard_clips=2)
    record = ClipCache(tmp_path, SMALL, shard_clips=2, num_semantics=2)[1]
    told = {"num_points": 16, "kept_baselines": (1,), "baselines": (1,)}
    shown, hidden = (
        make_cached_example(record, np.random.default_rng(3), num_semantics=count, **told) for count in (2, 0)
    )
    np.testing.assert_array_equal(shown.features[..., :4], hidden.features)
    assert np.all(shown.features[..., 5] == 2)
    assert len(np.unique(shown.features[..., 4])) > 5


def test_a_damaged_shard_is_left_out(tmp_path, caplog):
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=6, shard_clips=2)
    whole = (tmp_path / "clips_00001.npy").read_bytes()
    (tmp_path / "clips_00001.npy").write_bytes(whole[: len(whole) // 2])
    assert len(ClipCache(tmp_path, SMALL, shard_clips=2)) == 4
    assert "clips_00001.npy' is damaged and left out" in caplog.text


def test_a_full_disk_is_told_and_leaves_whole_shards(tmp_path, monkeypatch):
    grow_cache(tmp_path, SMALL, first_seed=7, num_clips=2, shard_clips=2)

    def fail(file, records):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(InvalidFileError, match="No space left on device"):
        grow_cache(tmp_path, SMALL, first_seed=7, num_clips=4, shard_clips=2)
    assert sorted(x.name for x in tmp_path.iterdir()) == ["cache.json", "clips_00000.npy"]
    assert json.loads((tmp_path / "cache.json").read_text())["first_seed"] == 7
