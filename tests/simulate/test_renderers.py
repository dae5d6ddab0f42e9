"""Three renderers of independent make see the same scenario alike: a z-buffer, PyBullet's, and rays traced by MuJoCo."""

from importlib.util import find_spec

import numpy as np
import pytest

from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rasterizer import BodyMeshes, body_ids, collect_bodies, render_frames
from sim2art.observation.sampling import DEFAULT_BASELINES
from sim2art.simulate.generate import ClipConfig, generate_clip
from sim2art.simulate.mujoco_renderer import render_with_mujoco
from sim2art.simulate.pybullet_renderer import render_with_pybullet
from sim2art.simulate.renderer import BodyFrames, Renderer
from sim2art.simulate.scenario import ScenarioConfig, sample_scenario
from sim2art.simulate.stage import render_stage


def rasterize(
    bodies: BodyMeshes, camera_from_body: np.ndarray, intrinsics: np.ndarray, *, width: int, height: int
) -> BodyFrames:
    """Our own z-buffer as a `Renderer`."""
    rendered = render_frames(bodies, camera_from_body, intrinsics, width=width, height=height)
    return BodyFrames(depths=rendered.depths, bodies=body_ids(bodies, rendered.face_ids))


OTHERS = [
    pytest.param(
        render,
        id=package,
        marks=pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed"),
    )
    for render, package in ((render_with_pybullet, "pybullet"), (render_with_mujoco, "mujoco"))
]


@pytest.mark.parametrize("renderer", OTHERS)
@pytest.mark.parametrize(("family", "seed"), [("door_drawer_cabinet", 5), ("laptop", 2), ("desk_lamp", 3)])
def test_depth_and_bodies_agree(family: str, seed: int, renderer: Renderer) -> None:
    config = ScenarioConfig(families=(family,), num_frames=3, width=192, height=144)
    scenario = sample_scenario(config, seed)
    ours = render_stage(scenario)
    theirs = render_stage(scenario, renderer=renderer)
    away_from_edges = np.ones(ours.bodies.shape, dtype=bool)
    for axis in (1, 2):
        for step in (-1, 1):
            away_from_edges &= np.roll(ours.bodies, step, axis) == ours.bodies
    assert np.mean((ours.bodies == theirs.bodies)[away_from_edges]) > 0.999
    seen = (ours.bodies >= 0) & (ours.bodies == theirs.bodies)
    errors = np.abs(ours.depths - theirs.depths)[seen]
    assert np.median(errors) < 1e-4, "m"
    assert np.percentile(errors, 99) < 1e-3
    assert np.all(theirs.depths[theirs.bodies < 0] == 0)


@pytest.mark.parametrize("renderer", OTHERS)
def test_a_clip_is_the_same_whoever_renders_it(renderer: Renderer) -> None:
    config = ClipConfig(
        families=("microwave",),
        num_frames=4,
        num_points=128,
        image_size=96,
        corruption="none",
        baselines=DEFAULT_BASELINES,
    )
    ours, theirs = generate_clip(config, 3), generate_clip(config, 3, renderer=renderer)
    np.testing.assert_array_equal(ours.part_ids, theirs.part_ids)
    np.testing.assert_allclose(ours.video.points_world, theirs.video.points_world, atol=1e-4)
    np.testing.assert_allclose(ours.video.flow_world, theirs.video.flow_world, atol=1e-3)


@pytest.mark.parametrize("renderer", OTHERS)
def test_a_single_triangle_is_seen_from_both_sides(renderer: Renderer) -> None:
    corners = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.2], [0.0, 1.0, 0.0]])
    intrinsics = np.array([[40.0, 0.0, 31.5], [0.0, 40.0, 23.5], [0.0, 0.0, 1.0]])
    place = np.tile(np.eye(4), (1, 2, 1, 1))
    place[:, :, 2, 3] = 2.0
    for order in ([0, 1, 2], [0, 2, 1]):
        bodies = collect_bodies([None, TriangleMesh(vertices=corners, faces=np.array([order]))])
        ours, theirs = (render(bodies, place, intrinsics, width=64, height=48) for render in (rasterize, renderer))
        assert np.mean(ours.bodies == theirs.bodies) > 0.99 and (ours.bodies == 1).sum() > 300
        both = (ours.bodies == 1) & (theirs.bodies == 1)
        np.testing.assert_allclose(theirs.depths[both], ours.depths[both], atol=1e-3)


@pytest.mark.parametrize("renderer", [pytest.param(rasterize, id="ours"), *OTHERS])
def test_all_satisfy_the_protocol(renderer: Renderer) -> None:
    assert isinstance(renderer, Renderer)
    bodies = collect_bodies([None, None])
    seen = renderer(bodies, np.eye(4)[None, None].repeat(2, axis=1), np.eye(3), width=8, height=6)
    assert seen.depths.shape == seen.bodies.shape == (1, 6, 8)
    assert np.all(seen.depths == 0) and np.all(seen.bodies == -1)
