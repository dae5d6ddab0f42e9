"""What was seen of every region under every motion, as numbers that `networks.region_network` reads."""

import numpy as np
from jaxtyping import Float, Float32

from sim2art.networks.region_network import NUM_FEATURES
from sim2art.observation.point_video import PointVideo
from sim2art.regions.flow_odds import FlowOdds
from sim2art.regions.labelling import RegionGraph
from sim2art.regions.scores import better_half

_LARGEST = 8.0
"""Of any number, either way."""


def region_features(
    graph: RegionGraph, points: PointVideo, flow: FlowOdds, size: tuple[int, int]
) -> Float32[np.ndarray, "region motion feature"]:
    """Looks, flow and extent of each region, and what flow says of each motion as a whole.

    In order: log odds a look against standing still, and against chance, in the better half of the frames; their mean over frames in
    which the motion is seen; share of the region that it moves; log odds of flow and share of points that have any; what flow costs when standing
    still, and share of points that have any; logarithm of the area; independent looks; how distinct looks are; points with flow; of the whole
    motion: flow that is for it (logarithm), and its share of flow that tells.

    Args:
        graph: Regions, and what carrying them found.
        points: Have the flow.
        flow: Of the points.
        size: Height and width of the images that the points are pixels of.
    """
    count, num_motions = graph.offsets[-1], len(graph.parts) - 1
    features = np.zeros((count, num_motions, NUM_FEATURES))
    for frame, (own, seen) in enumerate(zip(graph.points, graph.observations, strict=True)):
        rows = slice(graph.offsets[frame], graph.offsets[frame + 1])
        looks = np.maximum(own.looks, 1e-3)
        still = seen[0].odds(own)
        for k in range(num_motions):
            odds, moved = seen[k + 1].odds(own), seen[k + 1].moved(seen[0], own, graph.scene.images.shape[2])
            best, rest = better_half(odds, moved), better_half(still, moved)
            mean = np.sum(moved * (odds - still), axis=0) / np.maximum(moved.sum(axis=0), 1)
            features[rows, k, :4] = np.stack(
                [(best - rest) / looks, best / looks, mean / looks, moved.mean(axis=0)], axis=1
            )
    areas = np.concatenate([own.areas for own in graph.points])
    looks = np.concatenate([own.looks for own in graph.points])
    distinct = [
        np.bincount(own.region, weights=own.chance, minlength=len(own.areas)) / np.maximum(own.counts, 1)
        for own in graph.points
    ]
    cost, told, number = _mean_of_regions(graph, points, flow.still, size)
    alike = np.stack([
        cost, told, np.log(areas) - 5, looks / 10 - 1, np.concatenate(distinct), np.minimum(number, 50) / 25 - 1
    ], axis=1)  # fmt: skip
    for k in range(num_motions):
        odds, told, _ = _mean_of_regions(graph, points, flow.odds[..., k], size)
        features[:, k, 4], features[:, k, 5], features[:, k, 6:12] = odds, told, alike
        whole = odds * told * areas
        gain = np.maximum(whole, 0).sum()
        features[:, k, 12], features[:, k, 13] = np.log1p(gain / 1e3), gain / max(np.abs(whole).sum(), 1)
    return np.clip(features, -_LARGEST, _LARGEST).astype(np.float32)


def _mean_of_regions(
    graph: RegionGraph, points: PointVideo, values: Float[np.ndarray, "frame point"], size: tuple[int, int]
) -> tuple[Float[np.ndarray, "region"], Float[np.ndarray, "region"], Float[np.ndarray, "region"]]:
    """Mean of what points in each region have, share of the points that have any, and number of points."""
    found = []
    for frame, regions in enumerate(graph.scene.regions):
        height, width = regions.shape
        places = points.pixels[frame] * np.array([width, height]) / np.array(size[::-1])
        x, y = np.clip(places.astype(int), 0, [width - 1, height - 1]).T
        own, count = regions[y, x], len(graph.points[frame].areas)
        told = np.isfinite(values[frame])
        total = np.bincount(own[told], weights=values[frame, told], minlength=count)
        number, known = np.bincount(own, minlength=count), np.bincount(own[told], minlength=count)
        found.append(np.stack([total / np.maximum(known, 1), known / np.maximum(number, 1), number]))
    mean, share, number = np.concatenate(found, axis=1)
    return mean, share, number
