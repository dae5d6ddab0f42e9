"""Observations as stages: named arrays and JSON values."""

from sim2art.observation.io import points_from_arrays, points_to_arrays, video_from_arrays, video_to_arrays
from sim2art.perception.observed import Observation, SeenJoints
from sim2art.stages import Stage, as_stage, from_stage

_JOINTS = "joints_"


def observation_to_stage(observation: Observation) -> Stage:
    """All of an observation."""
    own = as_stage(observation, without=("video", "points", "joints"))
    arrays = video_to_arrays(observation.video) | points_to_arrays(observation.points)
    if observation.joints is not None:
        arrays |= {f"{_JOINTS}{name}": array for name, array in as_stage(observation.joints).arrays.items()}
    return Stage(arrays={**arrays, **own.arrays}, facts=own.facts)


def observation_from_stage(stage: Stage) -> Observation:
    """The observation that `observation_to_stage` gave."""
    video, points = video_from_arrays(stage.arrays), points_from_arrays(stage.arrays)
    of_joints = {name.removeprefix(_JOINTS): array for name, array in stage.arrays.items() if name.startswith(_JOINTS)}
    joints = SeenJoints(**of_joints) if of_joints else None
    return from_stage(Observation, stage, video=video, points=points, joints=joints)
