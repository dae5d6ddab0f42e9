"""Semantic features of sampled points."""

import dataclasses

import numpy as np
from jaxtyping import UInt8

from sim2art.observation.point_video import PointVideo
from sim2art.perception.captures.own_files import FeatureFiles
from sim2art.perception.components import Choice


def add_features(
    points: PointVideo, images: UInt8[np.ndarray, "frame height width 3"], frame_ids: tuple[int, ...], choice: Choice
) -> PointVideo:
    """The points with a component's features at their pixels; those of slots that hold no point are zeros.

    `images` are RGB, `frame_ids` the recording's numbers of the frames, for features in files.
    """
    if choice.name == "none":
        return points
    size = (images.shape[2], images.shape[1])
    if choice.name == "file":
        files = FeatureFiles(choice.place)
        rows = [files.read(frame, points.pixels[i], size) for i, frame in enumerate(frame_ids)]
    else:
        from sim2art.perception.features.dino_features import DinoFeatures

        extract = DinoFeatures(choice.name, choice.source)
        rows = [extract(image, points.pixels[i]) for i, image in enumerate(images)]
    return dataclasses.replace(points, features=np.where(points.valid[..., None], np.array(rows), 0.0))
