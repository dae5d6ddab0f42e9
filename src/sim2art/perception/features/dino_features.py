"""Features of DINOv2 (Oquab et al., 2023; Apache-2.0) and DINOv3 (Simeoni et al., 2025; DINOv3 License) by `transformers`.

ImageNet normalisation; the image is stretched to a whole number of patches (14 px for DINOv2, 16 for DINOv3), so the grid of
patches covers it exactly. The class token and, for DINOv3, register tokens come before the patches and are dropped.
Features at a pixel are read between the centres of the patches around it.

Without a model folder, DINOv2-S comes from the verified weight `dinov2-small`, with a backbone of our own: the same
features, no hub and no `transformers`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from sim2art.perception.captures.own_files import read_grid
from sim2art.perception.features.dinov2_backbone import WEIGHT, load_dinov2
from sim2art.perception.features.torch_images import load_pretrained, on_all_cores, to_input
from sim2art.perception.models import find_model, require_model
from sim2art.weights import find_weight

_LONG_SIDE = 37
"""Patches along the longer side of an image."""
_TYPES = ("dinov2", "dinov2_with_registers", "dinov3_vit")


class DinoFeatures:
    """A `FeatureExtractor`."""

    def __init__(self, name: str, source: str | None = None, *, long_side: int = _LONG_SIDE) -> None:
        self._long_side = long_side
        if name == "dinov2" and source is None and find_model(name) is None and find_weight(WEIGHT) is not None:
            backbone = load_dinov2()
            self._patch, width = backbone.config.patch, backbone.config.width
            last = backbone.config.num_layers - 1
            self._patches: Callable[[Tensor], Tensor] = lambda inputs: backbone(inputs, (last,))[0][0, 1:]
        else:
            model: Any = load_pretrained("AutoModel", require_model(name, source), _TYPES)
            self._patch, width = int(model.config.patch_size), int(model.config.hidden_size)
            skip = 1 + int(getattr(model.config, "num_register_tokens", 0))
            self._patches = lambda inputs: model(pixel_values=inputs.to(model.device)).last_hidden_state[0, skip:]
        self.name = f"{name}-{width}"

    def __call__(
        self, image: UInt8[np.ndarray, "height width 3"], pixels: Float[np.ndarray, "point 2"]
    ) -> Float32[np.ndarray, "point channel"]:
        """Features at pixels (px)."""
        return read_grid(self.extract_grid(image), pixels, (image.shape[1], image.shape[0]))

    @on_all_cores()
    @torch.inference_mode()
    def extract_grid(
        self, image: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "row column channel"]:  # fmt: skip
        """Features of all patches."""
        height, width = image.shape[:2]
        scale = self._long_side / max(height, width)
        rows, columns = (max(1, round(side * scale)) for side in (height, width))
        inputs = to_input(image, (columns * self._patch, rows * self._patch))
        return self._patches(inputs).float().cpu().numpy().reshape(rows, columns, -1)
