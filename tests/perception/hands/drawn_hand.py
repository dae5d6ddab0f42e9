"""Landmarks of an open hand, px, fingers up: wrist, then thumb to little finger from root to tip."""

import numpy as np

HAND = np.array(
    [
        [100, 160],
        [80, 148], [66, 132], [58, 118], [52, 106],
        [84, 110], [80, 88], [78, 74], [77, 62],
        [98, 106], [98, 82], [98, 66], [98, 54],
        [111, 109], [114, 88], [116, 74], [117, 63],
        [123, 116], [130, 100], [134, 90], [137, 81],
    ],
    dtype=np.float64,
)  # fmt: skip
