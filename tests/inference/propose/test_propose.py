import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import line_angle
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.propose import from_flow as propose_module
from sim2art.inference.propose.from_flow import ProposalConfig, flow_floor, propose
from sim2art.observation.normalization import fit_normalization, normalize
from tests.point_clips import make_point_clip


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_pool_contains_true_joint(kind):
    clip = make_point_clip(kind)
    video = normalize(clip.video, fit_normalization(clip.video))
    pool = propose(smooth_flow(video), ProposalConfig(), np.random.default_rng(0))
    same = pool.is_revolute == (kind is JointType.REVOLUTE)
    angles = line_angle(pool.axes[same].astype(float), clip.truth.joints[0].axis[None])
    assert np.rad2deg(angles.min()) < 3.0
    if kind is JointType.REVOLUTE:
        best = np.flatnonzero(same)[np.argmin(angles)]
        assert abs(abs(pool.values[best, -1]) - 1.2) < 0.15


def test_same_random_state_gives_same_pool():
    clip = make_point_clip(JointType.REVOLUTE)
    video = smooth_flow(normalize(clip.video, fit_normalization(clip.video)))
    first, second = (propose(video, ProposalConfig(), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_values_are_zero_at_frame_0():
    clip = make_point_clip(JointType.REVOLUTE)
    video = smooth_flow(normalize(clip.video, fit_normalization(clip.video)))
    pool = propose(video, ProposalConfig(), np.random.default_rng(0))
    assert len(pool) > 0
    assert np.all(pool.values[:, 0] == 0)
    assert len(pool) <= ProposalConfig().num_hypotheses


class AlmostOne(np.random.Generator):
    """A random state whose uniform draws are the largest below 1, which single precision rounds to 1."""

    def random(self, size=None, dtype=np.float64, out=None):
        return np.full(size, 1 - 2.0**-53)


def test_draws_that_round_to_one_stay_inside_a_seed():
    """They picked one past its last point: memory that is not there, and now and then a crash."""
    clip = make_point_clip(JointType.REVOLUTE)
    video = smooth_flow(normalize(clip.video, fit_normalization(clip.video)))
    given = []
    grow = propose_module._grow_all

    def spy(*arguments):
        given.append(arguments[6])
        return grow(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(propose_module, "_grow_all", spy)
        pool = propose(video, ProposalConfig(), AlmostOne(np.random.PCG64(0)))
    assert given[0].dtype == np.float32 and given[0].max() < 1
    assert len(pool) and np.isfinite(pool.values).all()


def test_nothing_moving_gives_no_hypothesis():
    clip = make_point_clip(JointType.REVOLUTE)
    video = normalize(clip.video, fit_normalization(clip.video))
    still = smooth_flow(video)
    still.flow_world.flags.writeable = True
    still.flow_world[:] = 0.0
    assert len(propose(still, ProposalConfig(), np.random.default_rng(0))) == 0


def test_floor_stays_within_bounds():
    flows = np.zeros((1, 2, 5, 3))
    valid = np.ones((1, 2, 5), dtype=bool)
    assert flow_floor(flows, valid, 0.01) == 0.01
    assert flow_floor(flows + 1.0, valid, 0.01) == pytest.approx(0.05)
    assert flow_floor(flows, np.zeros_like(valid), 0.01) == 0.01


def test_smoothing_shrinks_noise_and_keeps_borders():
    clip = make_point_clip(JointType.PRISMATIC, noise=0.02, num_points=768)
    video = normalize(clip.video, fit_normalization(clip.video))
    smoothed = smooth_flow(video)
    still = (clip.part_ids == 0) & video.flow_valid[0]
    before = np.median(np.linalg.norm(video.flow_world[0][still], axis=-1))
    after = np.median(np.linalg.norm(smoothed.flow_world[0][still], axis=-1))
    assert after < 0.8 * before
    moving = (clip.part_ids == 1) & video.flow_valid[2]
    along = smoothed.flow_world[2][moving] @ clip.truth.joints[0].axis
    truth = video.flow_world[2][moving] @ clip.truth.joints[0].axis
    assert abs(np.median(along) - np.median(truth)) < 0.1 * abs(np.median(truth))


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_seeds_try_the_given_directions_too(kind):
    clip = make_point_clip(kind, noise=0.02)
    video = smooth_flow(normalize(clip.video, fit_normalization(clip.video)))
    directions = np.eye(3)[[1, 2, 0]]
    pools = [propose(video, ProposalConfig(), np.random.default_rng(0), along) for along in (None, directions)]
    same = [pool.axes[pool.is_revolute == (kind is JointType.REVOLUTE)] for pool in pools]
    free, given = (line_angle(axes.astype(float), clip.truth.joints[0].axis[None]).min() for axes in same)
    assert given < 1e-6 < free
