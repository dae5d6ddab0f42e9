import dataclasses

import numpy as np
import pytest

from sim2art.articulation.kinematics import link_motions
from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import inverse
from sim2art.observation.normalization import fit_normalization
from sim2art.simulate.generate import ClipConfig, generate_clip, iterate_clips

CLEAN = ClipConfig(num_frames=6, num_points=256, image_size=96, corruption="none")
REAL = dataclasses.replace(CLEAN, corruption="real")
PAPER = dataclasses.replace(CLEAN, corruption="paper")


def clip_bytes(clip):
    video = clip.video
    arrays = (video.times, video.points_world, video.valid, video.flow_world, video.flow_valid, video.pixels)
    return [np.asarray(x).tobytes() for x in (*arrays, video.world_from_camera, clip.part_ids, clip.trajectory.values)]


@pytest.mark.parametrize("config", [CLEAN, PAPER, REAL])
def test_same_seed_gives_the_same_bytes(config):
    assert clip_bytes(generate_clip(config, 7)) == clip_bytes(generate_clip(config, 7))
    assert clip_bytes(generate_clip(config, 8)) != clip_bytes(generate_clip(config, 7))


@pytest.mark.parametrize("seed", range(12))
def test_truth_carries_every_point_along_its_flow(seed):
    clip = generate_clip(CLEAN, seed)
    if not clip.truth.joints:
        pytest.skip("A static clip may tremble below what counts as motion.")
    motions = link_motions(clip.truth, clip.trajectory.values)
    for index, baseline in enumerate(clip.video.baselines):
        for frame in range(clip.video.num_frames - baseline):
            ok = clip.video.flow_valid[index, frame]
            moves = (motions[frame + baseline] @ inverse(motions[frame]))[clip.part_ids[frame][ok]]
            points = clip.video.points_world[frame][ok]
            carried = (moves[:, :3, :3] @ points[..., None])[..., 0] + moves[:, :3, 3]
            np.testing.assert_allclose(carried - points, clip.video.flow_world[index, frame][ok], atol=2e-5)


def test_trajectory_starts_at_zero_and_world_is_the_first_camera():
    clip = generate_clip(CLEAN, 3)
    np.testing.assert_array_equal(clip.trajectory.values[0], 0)
    np.testing.assert_allclose(clip.video.world_from_camera[0], np.eye(4), atol=2e-8)
    assert all(link.mesh is None for link in clip.truth.links)


def test_every_moving_part_is_seen():
    for clip in iterate_clips(CLEAN, range(20, 32)):
        seen = np.unique(clip.part_ids[clip.video.valid])
        if not clip.provenance["is_cropped"]:
            assert set(range(1, len(clip.truth.links))) <= set(seen.tolist())


def test_static_points_do_not_flow_when_clean_and_do_when_corrupted():
    clean, real = generate_clip(CLEAN, 5), generate_clip(REAL, 5)
    still = clean.video.flow_valid & (clean.part_ids == 0)
    assert np.abs(clean.video.flow_world[still]).max() < 2e-5
    still = real.video.flow_valid & (real.part_ids == 0)
    assert 1e-4 < np.median(np.linalg.norm(real.video.flow_world[still], axis=-1)) < 0.2


def test_corruption_leaves_truth_alone():
    # Seed 5 has no hand under `real`, so that nothing but the sensors differs.
    clean, paper, real = (generate_clip(config, 5) for config in (CLEAN, PAPER, REAL))
    for other in (paper, real):
        assert other.provenance["family"] == clean.provenance["family"]
        np.testing.assert_array_equal(other.trajectory.values, clean.trajectory.values)
        for ours, theirs in zip(clean.truth.joints, other.truth.joints, strict=True):
            np.testing.assert_array_equal(ours.axis, theirs.axis)


def test_paper_noise_has_the_stated_size():
    clean, paper = generate_clip(CLEAN, 11), generate_clip(PAPER, 11)
    scale = fit_normalization(clean.video).scale
    np.testing.assert_array_equal(clean.video.pixels, paper.video.pixels)
    points = (paper.video.points_world - clean.video.points_world)[clean.video.valid] / scale
    flows = (paper.video.flow_world - clean.video.flow_world)[clean.video.flow_valid] / scale
    assert 0.0048 < points.std() < 0.021
    assert 0.0019 < flows.std() < 0.0105


def test_real_corruption_loses_flow_of_some_points():
    shares = []
    for clip in iterate_clips(dataclasses.replace(REAL, num_frames=16, image_size=256), range(40, 50)):
        possible = clip.video.valid[:-1]
        shares.append(1 - clip.video.flow_valid[0, :-1].sum() / possible.sum())
    assert 0.01 < min(shares) and max(shares) < 0.7
    assert 0.08 < np.median(shares) < 0.4


def test_rooms_are_cropped_and_objects_are_masked():
    cropped = generate_clip(dataclasses.replace(CLEAN, room_share=1.0), 1)
    masked = generate_clip(dataclasses.replace(CLEAN, room_share=0.0), 1)
    assert cropped.provenance["is_cropped"] and not masked.provenance["is_cropped"]
    assert cropped.video.valid.any() and masked.video.valid.any()


def test_unknown_family_is_refused_with_the_known_ones():
    with pytest.raises(InvalidValueError, match=r"Unknown families \['spaceship'\]; known: .*laptop"):
        generate_clip(dataclasses.replace(CLEAN, families=("spaceship",)), 0)


def test_points_carry_what_a_describer_says_of_their_pixels():
    config = ClipConfig(families=("laptop",), num_frames=3, num_points=64, image_size=96, baselines=(1,))
    seen = []

    def describe(images, pixels):
        seen.append(images)
        x, y = pixels[..., 0].astype(int), pixels[..., 1].astype(int)
        return images[np.arange(len(images))[:, None], y, x] / 255.0

    plain, described = generate_clip(config, 8), generate_clip(config, 8, describe=describe)
    assert plain.video.features is None
    assert described.video.features is not None and described.video.features.shape == (3, 64, 3)
    assert len(seen) == 1 and seen[0].shape == (3, 96, 96, 3) and seen[0].std() > 10
    np.testing.assert_array_equal(plain.video.points_world, described.video.points_world)
