"""A panel that turns or slides before a wall, seen by a camera that stands still: exact flow, depth as a network guesses it."""

from dataclasses import dataclass

import numpy as np

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.flow.lifted_flow import PixelFlow

WIDTH, HEIGHT = 160, 120
INTRINSICS = np.array([[150.0, 0, 79.5], [0, 150.0, 59.5], [0, 0, 1.0]])
WALL = 2.0
AXIS, PIVOT = np.array([0.0, 0.96, 0.28]), np.array([-0.35, 0.0, 1.5])
SLIDE = np.array([0.45, 0.1, -0.887])
NUM_FRAMES = 12
BASELINES = (1, 3, 8)
SLIPS = np.zeros((NUM_FRAMES, HEIGHT, WIDTH, 2), dtype=np.float32)
"""Texture in every direction."""


@dataclass(frozen=True, kw_only=True)
class GuessedScene:
    """World is the camera's frame."""

    true_depths: np.ndarray
    depths: np.ndarray
    on_panel: np.ndarray
    flows: dict[tuple[int, int], PixelFlow]
    poses: np.ndarray
    world_from_panel: np.ndarray


def make_scene(kind: str, *, tremble: float = 0.0, flatten: float = 0.0, seed: int = 0) -> GuessedScene:
    """A scene with a panel that turns ("turn"), slides ("slide") or rests ("rest").

    Args:
        kind: What the panel does.
        tremble: Standard deviation of the logarithm of the panel's depth from frame to frame.
        flatten: Share of the panel's relief that the guess leaves out.
        seed: Of the trembling.
    """
    rng = np.random.default_rng(seed)
    share = np.linspace(0, 1, NUM_FRAMES)
    if kind == "turn":
        count = (NUM_FRAMES, 3)
        motions = revolute_transform(
            np.broadcast_to(AXIS, count), np.broadcast_to(PIVOT, count), np.radians(45) * share
        )
    else:
        motions = prismatic_transform(np.broadcast_to(SLIDE, (NUM_FRAMES, 3)), 0.4 * share * (kind == "slide"))
    depths, panels = zip(*(_look(motion) for motion in motions), strict=True)
    true_depths, on_panel = np.array(depths), np.array(panels)
    guessed = true_depths.copy()
    for depth, panel in zip(guessed, on_panel, strict=True):
        middle = depth[panel].mean()
        depth[panel] = (middle + (1 - flatten) * (depth[panel] - middle)) * np.exp(tremble * rng.normal())
    flows = {}
    for step in BASELINES:
        for a in range(NUM_FRAMES - step):
            for first, second in ((a, a + step), (a + step, a)):
                flows[first, second] = _flow(true_depths, on_panel, motions, first, second)
    return GuessedScene(
        true_depths=true_depths, depths=guessed.astype(np.float32), on_panel=on_panel, flows=flows,
        poses=np.tile(np.eye(4), (NUM_FRAMES, 1, 1)), world_from_panel=motions,
    )  # fmt: skip


def pixel_grid() -> np.ndarray:
    """x, y of every pixel."""
    return np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).astype(np.float64)


def _look(motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth of every pixel, and whether the panel is seen there."""
    rays = unproject(INTRINSICS, pixel_grid(), np.ones((HEIGHT, WIDTH)))
    there = inverse(motion)
    origin, normal = there[:3, 3], np.array([0.0, 0.0, 1.0])
    turned = rays @ there[:3, :3].T
    depth = (1.5 - origin @ normal) / (turned @ normal)
    hit = origin + depth[..., None] * turned
    panel = (depth > 0) & (hit[..., 0] > -0.35) & (hit[..., 0] < 0.35) & (np.abs(hit[..., 1]) < 0.3)
    return np.where(panel, depth, WALL), panel


def _flow(depths: np.ndarray, on_panel: np.ndarray, motions: np.ndarray, a: int, b: int) -> PixelFlow:
    points = unproject(INTRINSICS, pixel_grid(), depths[a])
    carried = apply(motions[b] @ inverse(motions[a]), points.reshape(-1, 3)).reshape(points.shape)
    target = project(INTRINSICS, np.where(on_panel[a][..., None], carried, points))
    flow = (target - pixel_grid()).astype(np.float32)
    x, y = np.rint(target).astype(int).reshape(-1, 2).T
    inside = (x >= 0) & (y >= 0) & (x < WIDTH) & (y < HEIGHT)
    same = np.zeros(len(x), dtype=bool)
    same[inside] = on_panel[b][y[inside], x[inside]] == on_panel[a].ravel()[inside]
    confident = same.reshape(HEIGHT, WIDTH)
    moves = np.linalg.norm(flow, axis=-1) > 0.5
    return PixelFlow(flow=flow, confident=confident, beats_still=moves, cornered=confident)
