"""Which seeds belong to which split. A seed and a config name one clip, so seeds that never meet keep splits apart.

Every set has two halves. Who works on a method looks at the tune half as often as needed; the sealed half is scored
once, at the end, and tells what the work was worth on clips that nobody chose anything by.
"""

from dataclasses import dataclass
from typing import Literal

HalfName = Literal["tune", "sealed", "all"]

FIRST_TRAINING_SEED = 1_000_000
"""Training uses this seed and all above."""


@dataclass(frozen=True)
class Halves:
    """The seeds of a set: tune ones from `start` on, the sealed ones behind them."""

    start: int
    num_tune: int
    num_sealed: int

    def seeds(self, half: HalfName) -> range:
        """The seeds of a half, or of both."""
        middle, stop = self.start + self.num_tune, self.start + self.num_tune + self.num_sealed
        return {"tune": range(self.start, middle), "sealed": range(middle, stop), "all": range(self.start, stop)}[half]


VALIDATION = Halves(0, 120, 80)
"""`procedural-val`: the training families, objects never trained on."""
NOVEL = Halves(200_000, 60, 140)
"""`procedural-novel`: families never trained on."""
RGBD = Halves(300_000, 60, 60)
"""`procedural-rgbd`: rendered recordings that go through the whole chain."""
REAL_MESH = Halves(400_000, 216, 216)
"""`real-mesh`: each of 18 objects that others made, 12 times in each half. All tables before the halves were of the first."""
REAL_MESH_RGBD = Halves(500_000, 72, 72)
"""`real-mesh-rgbd`, `real-mesh-rgb`: rendered recordings of the same objects, 4 of each in each half."""
FAST = Halves(610_000, 40, 40)
"""`procedural-fast`: rendered recordings of quick motions, 10 frames a second, truth of every frame."""
STILL = Halves(600_000, 60, 60)
"""`still`: nothing moves."""
WALLS = Halves(700_000, 12, 12)
"""`walls`: many doors or drawers."""

CURVE_SEEDS = range(620_000, 620_512)
"""The curve that a training run draws of itself, of clips that are never trained on. Before 2026-12-01 it began at 600,000, which
are seeds of `still`."""
ABLATION_SEEDS = range(630_000, 630_128)
"""What short runs that compare variants are scored on. Before 2026-12-01 these were the last of `procedural-val`."""
REGION_SEEDS = range(640_000, 641_000)
"""Rendered recordings in colour alone that the region network learns on, of families trained on."""
