"""Features of DINOv2 (Oquab et al., 2023; Apache-2.0) and DINOv3 (Simeoni et al., 2025; DINOv3 License) by `transformers`.

ImageNet normalisation; the image is stretched to a whole number of patches (14 px for DINOv2, 16 for DINOv3), so the grid of
patches covers it exactly. The class token and, for DINOv3, register tokens come before the patches and are dropped.
Features at a pixel are read between the centres of the patches around it.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from sim2art.perception.adapters.own_files import read_grid
from sim2art.perception.adapters.torch_images import IMAGENET_MEAN, IMAGENET_STD, load_pretrained, to_input
from sim2art.perception.models import require_model

_LONG_SIDE = 37
"""Patches along the longer side of an image."""
_TYPES = ("dinov2", "dinov2_with_registers", "dinov3_vit")


class DinoFeatures:
    """A `FeatureExtractor`."""

    def __init__(self, name: str, source: str | None = None, *, long_side: int = _LONG_SIDE) -> None:
        self._model: Any = load_pretrained("AutoModel", require_model(name, source), _TYPES)
        config = self._model.config
        self._patch, self._long_side = int(config.patch_size), long_side
        self._skip = 1 + int(getattr(config, "num_register_tokens", 0))
        self.name = f"{name}-{config.hidden_size}"

    def __call__(
        self, image: UInt8[np.ndarray, "height width 3"], pixels: Float[np.ndarray, "point 2"]
    ) -> Float32[np.ndarray, "point channel"]:
        """Features at pixels (px)."""
        return read_grid(self.extract_grid(image), pixels, (image.shape[1], image.shape[0]))

    @torch.inference_mode()
    def extract_grid(
        self, image: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "row column channel"]:  # fmt: skip
        """Features of all patches."""
        height, width = image.shape[:2]
        scale = self._long_side / max(height, width)
        rows, columns = (max(1, round(side * scale)) for side in (height, width))
        inputs = to_input(image, (columns * self._patch, rows * self._patch), IMAGENET_MEAN, IMAGENET_STD)
        tokens = self._model(pixel_values=inputs.to(self._model.device)).last_hidden_state[0, self._skip :]
        return tokens.float().cpu().numpy().reshape(rows, columns, -1)
