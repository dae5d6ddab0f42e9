"""Part of each pixel of every frame: the parts' surfaces, fused from the used frames, drawn where the states say they are."""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from sim2art.geometry.transforms import apply, inverse
from sim2art.states.background import camera_of
from sim2art.states.frame_stack import FrameStack
from sim2art.states.likelihood import NoiseModel, draw_points
from sim2art.states.part_model import fuse, see_surface

NO_LABEL = 255
_NUM_POINTS = 15_000
_WINDOW = 5
"""px: neighbours have a say where two parts meet."""
_MODEL_ERROR = 0.004
"""m, of a fused surface."""
_LEAST = 0.05
"""Below this a pixel shows no known part: about two and a half sigmas."""


def label_frames(
    stack: FrameStack,
    labels: UInt8[np.ndarray, "used height width"],
    motions: Float[np.ndarray, "frame part 4 4"],
    noise: NoiseModel,
) -> Iterator[UInt8[np.ndarray, "height width"]]:
    """Labels of one frame after another, at the size of the stack; 255 where no known part is seen.

    Args:
        labels: Of the used frames, at the size of the stack.
        motions: What carries each part from rest to its place in each frame, the base first.
    """
    models = []
    for part in range(motions.shape[1]):
        seen = [see_surface(stack, used, labels[used], part) for used in range(len(stack.used))]
        rest_from_camera = inverse(motions[stack.used, part]) @ stack.world_from_camera[stack.used]
        models.append(fuse(seen, rest_from_camera, num_points=_NUM_POINTS))
    cameras = inverse(stack.world_from_camera)
    shape = stack.depths.shape[1:]
    drawn, image, known = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32), np.zeros(shape, np.bool_)
    for frame in range(stack.num_frames):
        depth = stack.depths[frame]
        sigma = noise.depth[0] + noise.depth[1] * depth**2 + _MODEL_ERROR
        scores = np.zeros((len(models), *shape), np.float32)
        for part, model in enumerate(models):
            points = apply(motions[frame, part], model.points)
            draw_points(
                points, model.colors.astype(np.float32), np.zeros(len(points), np.bool_), cameras[frame], camera_of(stack),
                noise.as_array(), 1, drawn, image, known,
            )  # fmt: skip
            near = np.where((drawn > 0) & (depth > 0), np.exp(-0.5 * ((depth - drawn) / sigma) ** 2), 0.0)
            scores[part] = cv2.boxFilter(near.astype(np.float32), -1, (_WINDOW, _WINDOW))
        best = scores.argmax(axis=0).astype(np.uint8)
        best[(scores.max(axis=0) < _LEAST) | (depth <= 0)] = NO_LABEL
        yield best
