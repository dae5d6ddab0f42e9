"""How far a part lies off what is measured, beyond the error of depth."""

import numpy as np
import pytest

from sim2art.articulation.joint import Joint, JointType
from sim2art.states.frame_stack import FrameStack
from sim2art.states.likelihood import NoiseModel
from sim2art.states.part_model import PartModel
from sim2art.states.search import Scene, misfit

SIGMA = 0.003
"""m."""


@pytest.mark.parametrize(("off", "occluded"), [(0.0, 0.0), (0.02, 0.0), (0.02, 0.3)])
def test_what_depth_does_not_explain_is_measured(off: float, occluded: float) -> None:
    rng = np.random.default_rng(0)
    depths = (1.0 + off + rng.normal(0, SIGMA, (3, 60, 80))).astype(np.float32)
    depths[:, : round(60 * occluded)] = 0.5  # Something else, in front.
    stack = FrameStack(
        times=np.arange(3.0), depths=depths, colors=np.zeros((3, 60, 80, 3), np.int8),
        intrinsics=np.array([[80.0, 0, 39.5], [0, 80.0, 29.5], [0, 0, 1]]),
        world_from_camera=np.broadcast_to(np.eye(4), (3, 4, 4)).copy(), used=np.arange(3),
    )  # fmt: skip
    noise = NoiseModel(
        depth=(SIGMA, 0.0), color=(2.0, 2.0, 2.0), color_spread=(8.0, 8.0, 8.0), patches=(1,), readings=(1.0,)
    )
    x, y = np.meshgrid(np.linspace(-0.4, 0.4, 20), np.linspace(-0.3, 0.3, 20))
    points = np.stack([x.ravel(), y.ravel(), np.ones(400)], axis=1)
    part = PartModel(
        points=points, normals=np.tile([0.0, 0.0, -1.0], (400, 1)), colors=np.zeros((400, 3)), areas=np.full(400, 1e-3)
    )
    joint = Joint(
        name="slide",
        type=JointType.PRISMATIC,
        parent="base",
        child="part_1",
        axis=np.array([1.0, 0.0, 0.0]),
        pivot=None,
    )
    scene = Scene(stack=stack, depths=np.zeros_like(depths), costs=np.zeros_like(depths), noise=noise)
    found = misfit(scene, joint, part, stack.world_from_camera, np.zeros(3))
    # 1.4826 medians of something that is not centred are more than its size.
    assert found == pytest.approx(1.4826 * off, abs=0.004)
