"""Depth from single images by our own head on frozen DINOv2-S features (both Apache-2.0); no hub, no GPU.

Depth up to a factor. Trained on renders only, so it is a rough guess: docs/depth_and_light.md says how rough.
"""

import math
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from sim2art.networks.depth_head import normalize_images
from sim2art.networks.depth_head_files import load_depth_head
from sim2art.perception.features.dinov2_backbone import load_dinov2
from sim2art.perception.features.torch_images import on_all_cores
from sim2art.perception.tasks import DepthGuess, DepthKind

_LONG_SIDE = 20
"""Patches along the longer side of an image, as in training."""
_PATCH = 14
_LEVEL = 1.5
"""Median of every guess: its true level is not known."""


class HeadDepth:
    """A `DepthEstimator`."""

    def __init__(self, source: str | None = None, *, long_side: int = _LONG_SIDE) -> None:
        self._head = load_depth_head(None if source is None else Path(source).expanduser())
        self._backbone = load_dinov2()
        self._long_side = long_side

    @on_all_cores()
    @torch.inference_mode()
    def __call__(self, image: UInt8[np.ndarray, "height width 3"], frame_id: int) -> DepthGuess:
        """Depth of an image, at half the network's size."""
        height, width = image.shape[:2]
        scale = self._long_side / max(height, width)
        size = tuple(max(4, round(side * scale)) * _PATCH for side in (width, height))
        how = cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC
        resized = cv2.resize(image, size, interpolation=how)
        inputs = normalize_images(torch.from_numpy(np.ascontiguousarray(resized))[None])
        features = torch.stack(self._backbone(inputs, self._head.config.layers), dim=1)[:, :, 1:]
        logs = self._head(features, inputs)[0].float().numpy()
        depths = np.exp(np.clip(logs - np.median(logs), -4.0, 4.0) + math.log(_LEVEL))
        return DepthGuess(values=depths.astype(np.float32), kind=DepthKind.DEPTH)
