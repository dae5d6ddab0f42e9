"""An image cut into regions of one appearance.

Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004: pixels join in the order of their
differences; two regions join where the difference between them is small beside the differences inside both.
"""

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numba import njit

_SCALE = 20.0
"""How much smaller differences inside a region are believed to be: the larger, the larger the regions."""
_MIN_SHARE = 1e-3
"""Smallest region, as a share of the image."""
_SMOOTHING = 0.8
"""px."""


def segment(image: UInt8[np.ndarray, "height width 3"], *, scale: float = _SCALE) -> Int[np.ndarray, "height width"]:
    """Region of every pixel of an RGB image, 0 to the number of regions less 1."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), _SMOOTHING)
    height, width = lab.shape[:2]
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    ends = [
        (index[:, :-1], index[:, 1:]), (index[:-1], index[1:]),
        (index[:-1, :-1], index[1:, 1:]), (index[:-1, 1:], index[1:, :-1]),
    ]  # fmt: skip
    first = np.concatenate([a.ravel() for a, _ in ends])
    second = np.concatenate([b.ravel() for _, b in ends])
    flat = lab.reshape(-1, 3)
    differences = np.linalg.norm(flat[first] - flat[second], axis=1)
    order = np.argsort(differences, kind="stable")
    labels = _join(
        first[order], second[order], differences[order].astype(np.float64), height * width, scale,
        int(_MIN_SHARE * height * width),
    )  # fmt: skip
    return np.unique(labels, return_inverse=True)[1].reshape(height, width)


@njit(cache=True)
def _find(parent: Int[np.ndarray, "pixel"], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True)
def _join(
    first: Int[np.ndarray, "edge"], second: Int[np.ndarray, "edge"], differences: Float[np.ndarray, "edge"],
    count: int, scale: float, smallest: int,
) -> Int[np.ndarray, "pixel"]:  # fmt: skip
    parent = np.arange(count).astype(np.int32)
    size = np.ones(count, np.int32)
    bound = np.full(count, scale)
    for small in (False, True):
        for edge in range(len(first)):
            a, b = _find(parent, first[edge]), _find(parent, second[edge])
            if a == b:
                continue
            if small:
                join = min(size[a], size[b]) < smallest
            else:
                join = differences[edge] <= min(bound[a], bound[b])
            if join:
                parent[b] = a
                size[a] += size[b]
                bound[a] = differences[edge] + scale / size[a]
    for node in range(count):
        parent[node] = _find(parent, node)
    return parent
