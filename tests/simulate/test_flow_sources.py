import numpy as np
import pytest

from sim2art.geometry.cameras import intrinsics_from_fov, project
from sim2art.geometry.meshes import make_box
from sim2art.geometry.rasterizer import body_ids, collect_bodies, render_frames
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.simulate.corruption import FlowNoise
from sim2art.simulate.flow_kernels import read_depths
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.measured_flow import FlowErrors, MeasuredFlow, sample_flow_errors

SIZE = 96
INTRINSICS = intrinsics_from_fov(SIZE, SIZE, np.deg2rad(60))
NO_ERRORS = FlowErrors(
    smooth=0.0,
    growth=0.0,
    smear=0.0,
    blur=0.0,
    textureless=1e-4,
    slide=0.0,
    outliers=0.0,
    missed=0.0,
    dropped=0.0,
    damping=0.0,
    refused=0.0,
)


def shift(x, y, z):
    return make_transform(np.eye(3), np.array([x, y, z], dtype=float))


@pytest.fixture(scope="module")
def sliding_plate():
    """A wall, and a plate that slides sideways in front of it while the camera moves a little."""
    wall = make_box(np.array([20.0, 20.0, 0.1]), np.array([0.0, 0.0, 3.05]))
    plate = make_box(np.array([0.6, 0.6, 0.05]), np.array([-0.4, 0.0, 2.0]))
    bodies = collect_bodies([wall, plate])
    stage_from_body = np.stack([np.stack([np.eye(4), shift(0.15 * t, 0.0, 0.0)]) for t in range(4)])
    world_from_camera = np.stack([shift(0.01 * t, 0.005 * t, 0.0) for t in range(4)])
    camera_from_body = inverse(world_from_camera)[:, None] @ stage_from_body
    rendered = render_frames(bodies, camera_from_body, INTRINSICS, width=SIZE, height=SIZE)
    return ExactFlow(
        depths=rendered.depths,
        bodies=body_ids(bodies, rendered.face_ids),
        camera_from_body=camera_from_body,
        body_from_camera=inverse(camera_from_body),
        world_from_camera=world_from_camera,
        intrinsics=INTRINSICS,
    )


def all_pixels():
    return np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).reshape(-1, 2)


@pytest.mark.parametrize("baseline", [1, 3])
def test_flow_is_the_motion_of_the_body(sliding_plate, baseline):
    pixels = all_pixels()
    flow, measured = sliding_plate(0, baseline, pixels, np.zeros((len(pixels), 3)))
    on_plate = sliding_plate.bodies[0].reshape(-1) == 1
    assert on_plate.sum() > 300
    np.testing.assert_allclose(flow[~on_plate], 0.0, atol=1e-6)
    np.testing.assert_allclose(flow[on_plate], np.tile([0.15 * baseline, 0, 0], (on_plate.sum(), 1)), atol=1e-6)
    assert measured[on_plate].all()


def test_flow_and_next_depth_agree(sliding_plate):
    pixels = all_pixels()
    _, end = sliding_plate.carry(0, 2, pixels)
    seen = sliding_plate.is_seen(2, end)
    depths, found = read_depths(sliding_plate.depths[2], project(INTRINSICS, end[seen]), np.float32(1e-3))
    assert found.mean() > 0.9
    np.testing.assert_allclose(depths[found], end[seen][found, 2], rtol=2e-4)


def test_points_that_become_hidden_or_leave_are_invalid(sliding_plate):
    pixels = all_pixels()
    start, end = sliding_plate.carry(0, 3, pixels)
    _, measured = sliding_plate(0, 3, pixels, start)
    target = project(INTRINSICS, end)
    # The plate of frame 3 in pixels, shrunk by a pixel: the wall behind it is hidden.
    rows, columns = np.nonzero(sliding_plate.bodies[3] == 1)
    hidden = (
        (sliding_plate.bodies[0].reshape(-1) == 0)
        & (target[:, 0] > columns.min() + 1) & (target[:, 0] < columns.max() - 1)
        & (target[:, 1] > rows.min() + 1) & (target[:, 1] < rows.max() - 1)
    )  # fmt: skip
    assert hidden.sum() > 100
    assert not measured[hidden].any()
    outside = (target < -0.6).any(axis=1) | (target > SIZE - 0.4).any(axis=1)
    assert outside.any() and not measured[outside].any()


def test_measured_flow_without_errors_is_exact(sliding_plate):
    source = MeasuredFlow(
        sliding_plate,
        depths=sliding_plate.depths,
        world_from_camera=sliding_plate.world_from_camera,
        errors=NO_ERRORS,
        rng=np.random.default_rng(0),
    )
    pixels = all_pixels()
    start, _ = sliding_plate.carry(0, 1, pixels)
    points = apply(sliding_plate.world_from_camera[0], start)
    exact, seen = sliding_plate(0, 1, pixels, points)
    flow, measured = source(0, 1, pixels, points)
    assert measured.mean() > 0.9 and not measured[~seen].any()
    np.testing.assert_allclose(flow[measured], exact[measured], atol=5e-3)


def test_measured_flow_errs_more_with_severity(sliding_plate):
    def median_error(severity):
        errors = sample_flow_errors(FlowNoise(), np.random.default_rng(1), severity, SIZE)
        source = MeasuredFlow(
            sliding_plate,
            depths=sliding_plate.depths,
            world_from_camera=sliding_plate.world_from_camera,
            errors=errors,
            rng=np.random.default_rng(2),
        )
        pixels = all_pixels()
        points = apply(sliding_plate.world_from_camera[0], sliding_plate.carry(0, 1, pixels)[0])
        exact, _ = sliding_plate(0, 1, pixels, points)
        flow, measured = source(0, 1, pixels, points)
        return np.median(np.linalg.norm((flow - exact)[measured], axis=1))

    assert median_error(0.2) < median_error(1.0) < median_error(4.0)


def test_depth_is_not_mixed_across_an_edge():
    depths = np.ones((4, 8), dtype=np.float32)
    depths[:, 4:] = 2.0
    targets = np.array([[1.5, 1.5], [3.4, 1.0], [5.5, 2.0], [9.0, 1.0], [-0.5, 1.0]])
    values, found = read_depths(depths, targets, np.float32(0.03))
    assert found.tolist() == [True, False, True, False, False]
    assert values[0] == 1.0 and values[2] == 2.0
