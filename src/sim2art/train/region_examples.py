"""Examples of the region network: a colour recording's regions under the joints that were measured in it, and what each is of."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy import sparse

from sim2art.networks.region_inputs import RegionInputs, region_inputs
from sim2art.perception.observed import Observation
from sim2art.regions.colour_video import SeenRegions, see_regions
from sim2art.regions.joint_fit import moving_parts
from sim2art.regions.shown_motion import measure_shown_motion

_MIN_ROWS = 20
"""Measured flows of a part, for a motion to be taken for its own."""
_MAX_MISS = 0.5
"""Share of a part's measured flow that a motion of it may leave over."""


@dataclass(frozen=True, kw_only=True)
class RegionExample:
    """Regions of all frames in one row."""

    features: Float32[np.ndarray, "region motion feature"]
    borders: sparse.csr_matrix
    ties: list[sparse.csr_matrix]
    looks: Float[np.ndarray, "region"]
    areas: Int[np.ndarray, "region"]
    part: Int[np.ndarray, "region"]
    """True part of most of the region, 0 what stands still."""
    purity: Float[np.ndarray, "region"]
    """Share of the region that is of it."""
    is_of: Bool[np.ndarray, "motion part"]
    """Whether a motion explains the measured flow of a true part; column 0 is what stands still."""

    @property
    def inputs(self) -> RegionInputs:
        """As the network takes them."""
        return region_inputs(self.features, self.borders, self.ties, self.looks)

    def save(self, path: Path) -> None:
        """As .npz."""
        links = {"borders": self.borders, **{f"tie_{k}": tie for k, tie in enumerate(self.ties)}}
        arrays = {
            f"{name}_{field}": getattr(link, field)
            for name, link in links.items()
            for field in ("data", "indices", "indptr")
        }
        own = {name: getattr(self, name) for name in ("features", "looks", "areas", "part", "purity", "is_of")}
        np.savez_compressed(path, **own, **arrays)

    @staticmethod
    def load(path: Path) -> "RegionExample":
        """One that `save` wrote."""
        with np.load(path) as file:
            own = {name: file[name] for name in ("features", "looks", "areas", "part", "purity", "is_of")}
            count = len(own["areas"])

            def link(name: str) -> sparse.csr_matrix:
                parts = tuple(file[f"{name}_{field}"] for field in ("data", "indices", "indptr"))
                return sparse.csr_matrix(parts, shape=(count, count))

            ties = [link(f"tie_{k}") for k in range(own["features"].shape[1] + 1)]
            return RegionExample(**own, borders=link("borders"), ties=ties)


def make_region_example(
    observation: Observation, part_ids: Int[np.ndarray, "frame point"], part_images: Int[np.ndarray, "frame height width"]
) -> RegionExample | None:  # fmt: skip
    """The example of a rendered recording in colour alone; None where no joint was measured.

    Args:
        observation: With the joints that its images show.
        part_ids: True part of its points.
        part_images: True part of every pixel of its frames.
    """
    joints = observation.joints
    if joints is None or not len(joints.axes):
        return None
    measured = moving_parts(joints.axes, joints.pivots, joints.slides, joints.values)
    seen = see_regions(observation.video, observation.points, measured, observation.people)
    part, purity = _true_parts(seen, part_images)
    is_of = np.zeros((len(measured), 1 + max(int(part_images.max()), int(part_ids.max()))), bool)
    for number in range(1, is_of.shape[1]):
        own = (part_ids == number).astype(int)
        for k in range(len(measured)):
            (shown,) = measure_shown_motion(
                observation.points, observation.video.intrinsics, seen.motions[k : k + 1], own
            )
            is_of[k, number] = shown.num_rows >= _MIN_ROWS and shown.image_miss <= _MAX_MISS
    graph = seen.graph
    return RegionExample(
        features=seen.features, borders=graph.borders, ties=graph.over_time, looks=graph.looks, part=part, purity=purity, is_of=is_of,
        areas=np.concatenate([points.areas for points in graph.points]),
    )  # fmt: skip


def _true_parts(seen: SeenRegions, part_images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for regions, image in zip(seen.graph.scene.regions, part_images, strict=True):
        small = cv2.resize(image.astype(np.uint8), regions.shape[::-1], interpolation=cv2.INTER_NEAREST)
        counts = np.zeros((regions.max() + 1, int(part_images.max()) + 1))
        np.add.at(counts, (regions.ravel(), small.ravel()), 1)
        found.append(np.stack([counts.argmax(axis=1), counts.max(axis=1) / counts.sum(axis=1)]))
    part, purity = np.concatenate(found, axis=1)
    return part.astype(int), purity
