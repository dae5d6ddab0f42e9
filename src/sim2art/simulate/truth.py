"""What a perfect method would answer for a scenario."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import merge_still_links, rebased
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.transforms import inverse
from sim2art.simulate.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a video can show of a scenario: links that never moved are joined; world frame, at rest in frame 0."""

    articulated_object: ArticulatedObject
    """Object frame = world = the first camera's frame; meshes are None unless they were asked for."""
    trajectory: JointTrajectory
    part_of_link: Int[np.ndarray, "link"]
    """Part (= new link index) of each link of the scenario's object."""


def derive_truth(scenario: Scenario, *, frames: Sequence[int] | None = None, keep_meshes: bool = False) -> Truth:
    """The truth of a scenario as some of its frames show it.

    Args:
        frames: Positions of the frames, increasing (default: all). The first one's camera is the world frame, joint
            values are 0 there, and what moves only in other frames counts as still.
        keep_meshes: Whether the links keep their geometry.
    """
    chosen = np.arange(len(scenario.trajectory.times)) if frames is None else np.asarray(frames, dtype=np.int64)
    articulated_object = scenario.articulated_object
    if not keep_meshes:
        links = tuple(dataclasses.replace(link, mesh=None) for link in articulated_object.links)
        articulated_object = dataclasses.replace(articulated_object, links=links)
    first = np.array(scenario.trajectory.values[chosen[0]])
    shifted = dataclasses.replace(
        scenario.trajectory,
        times=scenario.trajectory.times[chosen],
        values=scenario.trajectory.values[chosen] - first,
    )
    merged, trajectory, part_of_link = merge_still_links(rebased(articulated_object, first), shifted)
    world_from_stage = inverse(scenario.camera_path.stage_from_camera[chosen[0]])
    return Truth(articulated_object=merged.moved(world_from_stage), trajectory=trajectory, part_of_link=part_of_link)
