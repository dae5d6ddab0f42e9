"""A wall of many drawers, one pulled after another, as points with flow: more parts than slots."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.evaluate.benchmark import run_benchmark
from sim2art.inference.predictor import load_predictor
from sim2art.observation.point_video import PointVideo
from sim2art.observation.sampling import DEFAULT_BASELINES

NUM_FRAMES = 16
NUM_POINTS = 2048
NOISE = 0.003  # m, on points and flow.
REACH = 0.4  # m


def score_many_parts(count: int) -> dict[str, float]:
    """What the shipped checkpoint makes of `count` drawers."""
    clip = make_wall_of_drawers(count)
    predictor = load_predictor()
    estimate = predictor(clip.video)
    score = run_benchmark([clip], {"it": lambda video: estimate}).summaries()["it"]
    return {
        "found": float(len(estimate.joints)),
        "miou": score.mean_iou.mean or 0.0,
        "recall": score.recall or 0.0,
        "said": float(any("merged" in reason for reason in estimate.reasons)),
    }


def make_wall_of_drawers(count: int, *, seed: int = 0) -> Clip:
    """Drawers in rows of six, of 0.3 m with gaps, 4 m from a camera at rest; each slides out while its turn lasts."""
    rng = np.random.default_rng(seed)
    columns = min(count, 6)
    rows = -(-count // columns)
    places = np.array([[0.36 * (i % columns), 0.36 * (i // columns)] for i in range(count)])
    places -= np.array([0.18 * (columns - 1), 0.18 * (rows - 1)])
    # Turns overlap: with 30 drawers in 16 frames several move at once.
    starts = np.linspace(0, NUM_FRAMES - 6, count)
    times = np.arange(NUM_FRAMES)
    values = REACH * np.clip((times[:, None] - starts) / 5.0, 0.0, 1.0)
    points = np.zeros((NUM_FRAMES, NUM_POINTS, 3))
    part_ids = rng.integers(0, count + max(count // 3, 2), (NUM_FRAMES, NUM_POINTS))
    part_ids[part_ids > count] = 0
    fronts = rng.uniform(-0.15, 0.15, (NUM_FRAMES, NUM_POINTS, 2))
    drawer = np.maximum(part_ids - 1, 0)
    frame = np.arange(NUM_FRAMES)[:, None]
    size = np.array([0.36 * columns, 0.36 * rows]) / 2 + 0.1
    on_wall = rng.uniform(-size, size, (NUM_FRAMES, NUM_POINTS, 2))
    is_wall = part_ids == 0
    points[..., :2] = np.where(is_wall[..., None], on_wall, places[drawer] + fronts)
    points[..., 2] = np.where(is_wall, 4.05, 4.0 - values[frame, drawer])
    flow = np.zeros((len(DEFAULT_BASELINES), NUM_FRAMES, NUM_POINTS, 3))
    flow_valid = np.zeros(flow.shape[:3], dtype=bool)
    for index, baseline in enumerate(DEFAULT_BASELINES):
        last = NUM_FRAMES - baseline
        moved = values[frame[:last] + baseline, drawer[:last]] - values[frame[:last], drawer[:last]]
        flow[index, :last, :, 2] = np.where(is_wall[:last], 0.0, -moved)
        flow[index, :last] += rng.normal(0, NOISE, (last, NUM_POINTS, 3))
        flow_valid[index, :last] = True
    names = [f"drawer_{i + 1}" for i in range(count)]
    truth = ArticulatedObject(
        name="wall",
        links=(Link(name="body"), *(Link(name=name) for name in names)),
        joints=tuple(
            Joint(
                name=f"slide_{name}",
                type=JointType.PRISMATIC,
                parent="body",
                child=name,
                axis=np.array([0.0, 0.0, -1.0]),
            )
            for name in names
        ),
    )
    seconds = times / 8.0
    return Clip(
        video=PointVideo(
            times=seconds,
            points_world=points + rng.normal(0, NOISE, points.shape),
            valid=np.ones((NUM_FRAMES, NUM_POINTS), dtype=bool),
            baselines=DEFAULT_BASELINES,
            flow_world=flow,
            flow_valid=flow_valid,
            world_from_camera=np.tile(np.eye(4), (NUM_FRAMES, 1, 1)),
            pixels=np.zeros((NUM_FRAMES, NUM_POINTS, 2)),
            is_metric=True,
        ),
        truth=truth,
        part_ids=part_ids,
        trajectory=JointTrajectory(
            joint_names=tuple(joint.name for joint in truth.joints), times=seconds.copy(), values=values
        ),
        provenance={"family": "wall_of_drawers", "seed": seed},
    )
