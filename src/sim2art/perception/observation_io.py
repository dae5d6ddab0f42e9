"""Observations and camera tracks as stages: named arrays and JSON values."""

import numpy as np

from sim2art.observation.io import points_from_arrays, points_to_arrays, video_from_arrays, video_to_arrays
from sim2art.perception.observed import Observation
from sim2art.perception.tasks import CameraTrack
from sim2art.stages import Stage


def observation_to_stage(observation: Observation) -> Stage:
    """All of an observation."""
    arrays = video_to_arrays(observation.video) | points_to_arrays(observation.points)
    facts = {
        "frame_ids": [int(i) for i in observation.frame_ids],
        "input_size": list(observation.input_size),
        "mask": observation.mask,
        "moves": bool(observation.moves),
        "warnings": list(observation.warnings),
        "reasons": list(observation.reasons),
    }
    up = {} if observation.up is None else {"up": observation.up}
    cameras = {
        "known_indices": observation.known_indices,
        "known_world_from_camera": observation.known_world_from_camera,
    }
    people = {} if observation.people is None else {"people": observation.people}
    return Stage(arrays=arrays | cameras | up | people | {"indices": observation.indices}, facts=facts)


def observation_from_stage(stage: Stage) -> Observation:
    """The observation that `observation_to_stage` gave."""
    facts = stage.facts
    return Observation(
        video=video_from_arrays(stage.arrays),
        points=points_from_arrays(stage.arrays),
        frame_ids=tuple(facts["frame_ids"]),
        indices=stage.arrays["indices"],
        input_size=(facts["input_size"][0], facts["input_size"][1]),
        mask=facts["mask"],
        moves=facts["moves"],
        warnings=tuple(facts["warnings"]),
        reasons=tuple(facts["reasons"]),
        up=stage.arrays.get("up"),
        known_indices=stage.arrays["known_indices"],
        known_world_from_camera=stage.arrays["known_world_from_camera"],
        people=stage.arrays.get("people"),
    )


def track_to_stage(track: CameraTrack) -> Stage:
    """All of a camera track."""
    return Stage(
        arrays={"world_from_camera": track.world_from_camera, "tracked": track.tracked},
        facts={
            "is_static": track.is_static,
            "residual": float(np.nan_to_num(track.residual, posinf=-1.0)),
            "agreement": track.agreement,
        },
    )


def track_from_stage(stage: Stage) -> CameraTrack:
    """The track that `track_to_stage` gave."""
    return CameraTrack(
        world_from_camera=stage.arrays["world_from_camera"],
        tracked=stage.arrays["tracked"],
        is_static=stage.facts["is_static"],
        residual=stage.facts["residual"],
        agreement=stage.facts["agreement"],
    )
