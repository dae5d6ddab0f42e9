"""Depth from single images by networks of `transformers` (Apache-2.0): Depth Anything V2 and Depth Pro.

Depth Anything V2 (Yang et al., NeurIPS 2024; the Small weights Apache-2.0, others CC BY-NC): shorter or longer side near
518 px, both multiples of 14, ImageNet normalisation; "metric" weights give metres, "relative" ones disparity up to a factor
and an offset. Depth Pro (Bochkovskii et al., 2024; Apple's research licence): a square input normalised to -1..1; gives
inverse depth for a canonical camera and the field of view, from which metres and the focal length follow.
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from sim2art.perception.features.torch_images import load_pretrained, on_all_cores, to_input
from sim2art.perception.models import require_model
from sim2art.perception.tasks import DepthEstimator, DepthGuess, DepthKind

_DA2_SIDE, _DA2_MULTIPLE = 518, 14
_NEAREST, _FARTHEST = 1e-4, 1e4
"""Limits of Depth Pro's inverse depth."""


def load_depth_network(name: str, source: str | None) -> DepthEstimator:
    """The network behind a component; a user's folder may hold either kind.

    Raises:
        InvalidFileError: When the model is not on this machine or of another kind.
    """
    model = load_pretrained("AutoModelForDepthEstimation", require_model(name, source), ("depth_anything", "depth_pro"))
    return DepthPro(model) if model.config.model_type == "depth_pro" else DepthAnything(model)


class DepthAnything:
    """A `DepthEstimator`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        is_metric = model.config.depth_estimation_type == "metric"
        self._kind = DepthKind.DEPTH if is_metric else DepthKind.DISPARITY

    @on_all_cores()
    @torch.inference_mode()
    def __call__(self, image: UInt8[np.ndarray, "height width 3"], frame_id: int) -> DepthGuess:
        """Depth of an image, at the network's size."""
        inputs = to_input(image, _da2_size(image.shape[1], image.shape[0]))
        values = self._model(pixel_values=inputs.to(self._model.device)).predicted_depth[0].float().cpu().numpy()
        return DepthGuess(values=np.maximum(values, 0.0), kind=self._kind)


class DepthPro:
    """A `DepthEstimator`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._side = round(model.config.patch_size / min(model.config.scaled_images_ratios))

    @on_all_cores()
    @torch.inference_mode()
    def __call__(self, image: UInt8[np.ndarray, "height width 3"], frame_id: int) -> DepthGuess:
        """Depth of an image (metres), at the network's square size, and the focal length."""
        inputs = to_input(image, (self._side, self._side), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        found = self._model(pixel_values=inputs.to(self._model.device))
        inverse_depth = found.predicted_depth[0].float().cpu().numpy()
        width, focal = image.shape[1], None
        if found.field_of_view is not None:
            fov = math.radians(min(max(float(found.field_of_view.reshape(-1)[0]), 5.0), 150.0))
            focal = 0.5 * width / math.tan(0.5 * fov)
            inverse_depth = inverse_depth * (width / focal)
        depth = 1.0 / np.clip(inverse_depth, _NEAREST, _FARTHEST)
        return DepthGuess(values=depth.astype(np.float32), kind=DepthKind.DEPTH, focal_length=focal)


def _da2_size(width: int, height: int) -> tuple[int, int]:
    """Width and height near the image's own shape, for which the side that changes less becomes 518 px."""
    scales = _DA2_SIDE / width, _DA2_SIDE / height
    scale = min(scales, key=lambda value: abs(1 - value))
    across, down = (max(1, round(side * scale / _DA2_MULTIPLE)) * _DA2_MULTIPLE for side in (width, height))
    return across, down
