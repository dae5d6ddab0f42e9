"""Soft parts with rigid motions by gradient steps, as ReArt publishes them: the honest peer in time.

After the relaxation stage of Liu et al. (ReArt, arXiv 2306.00979) with the settings that its authors give for their
objects of few parts: ten parts, a small network that maps a point of the first frame to a part (Gumbel softmax, hard,
temperature 1), a free rotation (six numbers) and translation of each part in each frame, Adam with rates 0.01
(motions) and 0.001 (network), 2,000 steps on Chamfer distance and flow, from step 1,000 on also on an optimal
assignment between the clouds, renewed every fifth step. Gradients are written out; NumPy and KD-trees on one core.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from sim2art.baselines.part_motions import Motions
from sim2art.geometry.transforms import inverse
from sim2art.observation.point_video import PointVideo

HIDDEN = 128
"""Width of the network that shares out the points."""


@dataclass(frozen=True, kw_only=True)
class DescentConfig:
    """Steps and weights, as published for objects of few parts."""

    num_parts: int = 10
    num_steps: int = 2000
    motion_rate: float = 1e-2
    network_rate: float = 1e-3
    flow_weight: float = 1.0
    assignment_weight: float = 0.3
    assignment_start: int = 1000
    assignment_gap: int = 5
    assignment_stride: int = 4
    """Every which point takes part in the assignment."""


class _Adam:
    """Adam's step for a list of arrays, in place."""

    def __init__(self, arrays: list[np.ndarray], rates: list[float]) -> None:
        self._arrays, self._rates = arrays, rates
        self._means = [np.zeros_like(x) for x in arrays]
        self._squares = [np.zeros_like(x) for x in arrays]
        self._count = 0

    def step(self, gradients: list[np.ndarray]) -> None:
        self._count += 1
        for array, rate, mean, square, gradient in zip(
            self._arrays, self._rates, self._means, self._squares, gradients, strict=True
        ):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            corrected = mean / (1 - 0.9**self._count)
            array -= rate * corrected / (np.sqrt(square / (1 - 0.999**self._count)) + 1e-8)


class _Sharing:
    """The small network that maps a point of the first frame to a part: one hidden layer, Gumbel softmax, hard."""

    def __init__(self, num_parts: int, rng: np.random.Generator) -> None:
        bound = HIDDEN**-0.5
        first, first_bias = rng.uniform(-0.577, 0.577, (3, HIDDEN)), rng.uniform(-0.577, 0.577, HIDDEN)
        second, second_bias = rng.uniform(-bound, bound, (HIDDEN, num_parts)), rng.uniform(-bound, bound, num_parts)
        self.weights = [first, first_bias, second, second_bias]
        self._rng = rng

    def logits(self, points: Float[np.ndarray, "point 3"]) -> tuple[np.ndarray, np.ndarray]:
        """The hidden layer, and each point's logits of all parts."""
        first, first_bias, second, second_bias = self.weights
        hidden = np.maximum(points @ first + first_bias, 0.0)
        return hidden, hidden @ second + second_bias

    def draw(self, points: Float[np.ndarray, "point 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The hidden layer, soft shares (point, part), and the part that is drawn for each point."""
        hidden, logits = self.logits(points)
        noisy = logits - np.log(-np.log(self._rng.uniform(1e-12, 1.0, logits.shape)))
        soft = np.exp(noisy - noisy.max(axis=1, keepdims=True))
        return hidden, soft / soft.sum(axis=1, keepdims=True), np.argmax(noisy, axis=1)

    def pull(self, points: np.ndarray, hidden: np.ndarray, logit_pull: np.ndarray) -> list[np.ndarray]:
        """Derivatives by the weights from those by the logits."""
        hidden_pull = (logit_pull @ self.weights[2].T) * (hidden > 0)
        return [points.T @ hidden_pull, hidden_pull.sum(axis=0), hidden.T @ logit_pull, logit_pull.sum(axis=0)]


def descend_parts(video: PointVideo, config: DescentConfig, rng: np.random.Generator) -> Motions:
    """What carries each part from frame 0 to each frame, the part with most points first and at rest.

    Args:
        video: In normalised coordinates, its flow smoothed; points of frame 0 are shared out.
    """
    clouds = [video.points_world[t][video.valid[t]] for t in range(video.num_frames)]
    count, rest, parts = video.num_frames, clouds[0], config.num_parts
    if len(rest) < 8 or count < 2 or any(len(cloud) < 8 for cloud in clouds):
        return np.tile(np.eye(4), (1, count, 1, 1))
    trees = [KDTree(cloud) for cloud in clouds]
    flows = [
        np.where(video.flow_valid[0, t][:, None], video.flow_world[0, t], 0.0)[video.valid[t]] for t in range(count)
    ]
    sixes = np.tile([1.0, 0, 0, 0, 1, 0], (count - 1, parts, 1))
    shifts = np.zeros((count - 1, parts, 3))
    network = _Sharing(parts, rng)
    adam = _Adam([sixes, shifts, *network.weights], [config.motion_rate] * 2 + [config.network_rate] * 4)
    chosen = np.arange(0, len(rest), config.assignment_stride)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for step in range(config.num_steps):
        hidden, soft, owner = network.draw(rest)
        carried = np.einsum("tpij,nj->tpni", _rotations(sixes), rest) + shifts[:, :, None]
        moved = carried[:, owner, np.arange(len(rest))]
        pull = _chamfer_pull(moved, clouds, trees)
        pull += config.flow_weight * _flow_pull(rest, moved, trees, flows)
        if step >= config.assignment_start:
            if (step - config.assignment_start) % config.assignment_gap == 0:
                pairs = [_assign(moved[t, chosen], clouds[t + 1], len(chosen)) for t in range(count - 1)]
            for t, (mine, theirs) in enumerate(pairs):
                pull[t, chosen[mine]] += 2 * config.assignment_weight * (moved[t, chosen[mine]] - clouds[t + 1][theirs])
        # Straight through: the hard choice forward, the soft one's derivative back.
        gain = np.einsum("tpni,tni->np", carried, pull)
        logit_pull = soft * (gain - np.sum(soft * gain, axis=1, keepdims=True))
        member = owner[:, None] == np.arange(parts)
        rotation_pull = np.einsum("tni,np,nj->tpij", pull, member, rest, optimize=True)
        shift_pull = np.einsum("tni,np->tpi", pull, member, optimize=True)
        adam.step([_pull_sixes(sixes, rotation_pull), shift_pull, *network.pull(rest, hidden, logit_pull)])
    motions = np.tile(np.eye(4), (parts, count, 1, 1))
    motions[:, 1:, :3, :3] = np.swapaxes(_rotations(sixes), 0, 1)
    motions[:, 1:, :3, 3] = np.swapaxes(shifts, 0, 1)
    held = np.bincount(np.argmax(network.logits(rest)[1], axis=1), minlength=parts)
    order = np.argsort(-held, kind="stable")
    order = order[held[order] > 0]
    return inverse(motions[order[0]]) @ motions[order]


def _rotations(sixes: Float[np.ndarray, "*batch 6"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotations whose first two rows are the six numbers, made orthonormal (Zhou et al., 2019)."""
    a, b = sixes[..., :3], sixes[..., 3:]
    x = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b - np.sum(x * b, axis=-1, keepdims=True) * x
    y = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-2)


def _pull_sixes(sixes: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Derivative by the six numbers from that by the rotation."""
    a, b = sixes[..., :3], sixes[..., 3:]
    length = np.linalg.norm(a, axis=-1, keepdims=True)
    x = a / length
    along = np.sum(x * b, axis=-1, keepdims=True)
    across = b - along * x
    width = np.linalg.norm(across, axis=-1, keepdims=True)
    y = across / width
    pull_x = pull[..., 0, :] + np.cross(y, pull[..., 2, :])
    pull_y = pull[..., 1, :] + np.cross(pull[..., 2, :], x)
    pull_across = (pull_y - np.sum(pull_y * y, axis=-1, keepdims=True) * y) / width
    pull_b = pull_across - np.sum(pull_across * x, axis=-1, keepdims=True) * x
    pull_x = pull_x - along * pull_across - np.sum(pull_across * x, axis=-1, keepdims=True) * b
    return np.concatenate([(pull_x - np.sum(pull_x * x, axis=-1, keepdims=True) * x) / length, pull_b], axis=-1)


def _chamfer_pull(moved: np.ndarray, clouds: list[np.ndarray], trees: list[KDTree]) -> np.ndarray:
    """Derivative of the sum of squared distances to the nearest point, both ways, over all later frames."""
    pull = np.empty_like(moved)
    for t, points in enumerate(moved):
        cloud = clouds[t + 1]
        pull[t] = 2 * (points - cloud[trees[t + 1].query(points)[1]])
        back = points[(nearest := KDTree(points).query(cloud)[1])] - cloud
        np.add.at(pull[t], nearest, 2 * back)
    return pull


def _flow_pull(rest: np.ndarray, moved: np.ndarray, trees: list[KDTree], flows: list[np.ndarray]) -> np.ndarray:
    """Derivative of the squared difference between each step and the flow measured around its start."""
    pull = np.zeros_like(moved)
    for t, stop in enumerate(moved):
        start = rest if t == 0 else moved[t - 1]
        distance, near = trees[t].query(start, k=3)
        weight = 1 / (distance**2 + 1e-8)
        flow = np.einsum("nk,nki->ni", weight / weight.sum(axis=1, keepdims=True), flows[t][near])
        off = 2 * (stop - start - flow)
        pull[t] += off
        if t:
            pull[t - 1] -= off
    return pull


def _assign(points: np.ndarray, cloud: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of the cheapest assignment to as many points of the cloud, evenly drawn."""
    drawn = np.linspace(0, len(cloud) - 1, min(count, len(cloud))).astype(int)
    mine, theirs = linear_sum_assignment(cdist(points, cloud[drawn], "sqeuclidean"))
    return mine, drawn[theirs]
