"""The flow that a camera's motion alone gives is that of points that stand still."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.flow.camera_flow import camera_flow

K = np.array([[70.0, 0, 31.0], [0, 65.0, 22.0], [0, 0, 1]])


@given(seed=st.integers(0, 10_000), size=st.sampled_from([0.0, 0.02, 1.5]))
def test_still_points_are_seen_where_the_flow_leads(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 4.0, (48, 64)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    a, b = (
        make_transform(rotation_from_rotvec(size * rng.normal(size=3)), size * rng.normal(size=3)) for _ in range(2)
    )
    flow, seen = camera_flow(depth, K, a, b)
    y, x = np.nonzero(depth > 0)
    pixels = np.stack([x, y], axis=1).astype(np.float64)
    points_b = apply(inverse(b) @ a, unproject(K, pixels, depth[y, x].astype(np.float64)))
    np.testing.assert_array_equal(seen[y, x], points_b[:, 2] > 1e-3)
    in_front = points_b[:, 2] > 0.05
    told = (pixels + flow[y, x])[in_front]
    np.testing.assert_allclose(told, project(K, points_b[in_front]), rtol=1e-5, atol=1e-3)
    assert not flow[~seen].any()
