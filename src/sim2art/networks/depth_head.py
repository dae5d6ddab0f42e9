"""A depth head on frozen DINOv2 features: depth of one image, up to a factor.

In the manner of DPT (Ranftl et al., ICCV 2021), as small as a CPU can train: four layers of features are brought to four
sizes and joined from coarse to fine. Patches of 14 px know no edges, so the last step also sees the image itself.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class DepthHeadConfig:
    """Sizes of the head, and the features that it reads."""

    layers: tuple[int, ...] = (2, 5, 8, 11)
    """Layers of the backbone, from 0; four of them."""
    feature_width: int = 384
    width: int = 64
    detail_width: int = 24


class DepthHead(nn.Module):
    """Features and image to logarithm of depth, at half the image's size."""

    def __init__(self, config: DepthHeadConfig) -> None:
        super().__init__()
        self.config = config
        width, detail = config.width, config.detail_width
        self.take = nn.ModuleList(nn.Linear(config.feature_width, width) for _ in config.layers)
        # The finest size costs most: it gets no convolutions of its own.
        self.context = nn.ModuleList(_Residual(width) for _ in config.layers[1:])
        self.join = nn.ModuleList(_Residual(width) for _ in config.layers[1:])
        self.edges = nn.Sequential(
            nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.GELU(), nn.Conv2d(16, detail, 3, padding=1), nn.GELU()
        )
        self.narrow = nn.Conv2d(width, detail, 3, padding=1)
        self.last = nn.Sequential(
            nn.Conv2d(2 * detail, detail, 3, padding=1), nn.GELU(),
            nn.Conv2d(detail, detail, 3, padding=1), nn.GELU(), nn.Conv2d(detail, 1, 1),
        )  # fmt: skip
        # Depth itself must come from the features; the detail only moves its edges.
        self.coarse = nn.Conv2d(width, 1, 3, padding=1)

    def forward(
        self, features: Float[Tensor, "image layer patch channel"], images: Float[Tensor, "image 3 height width"]
    ) -> Float[Tensor, "image half_height half_width"]:
        """Logarithm of depth up to an offset; `images` are normalised, the patches cover them row by row."""
        rows, columns = images.shape[2] // 14, images.shape[3] // 14
        scales = (4, 2, 1, 0.5)
        joined: Tensor | None = None
        for index in reversed(range(len(self.config.layers))):
            grid = self.take[index](features[:, index]).transpose(1, 2)
            grid = grid.reshape(len(images), -1, rows, columns)
            size = (max(1, round(rows * scales[index])), max(1, round(columns * scales[index])))
            grid = _resize(grid, size)
            if index > 0:
                grid = self.context[index - 1](grid)
            joined = grid if joined is None else grid + _resize(joined, size)
            if index > 0:
                joined = self.join[index - 1](joined)
        assert joined is not None
        edges = self.edges(images)
        coarse = _resize(self.coarse(joined), edges.shape[2:])
        fine = torch.cat([_resize(self.narrow(joined), edges.shape[2:]), edges], dim=1)
        return (coarse + self.last(fine))[:, 0]


class _Residual(nn.Module):
    """Two convolutions beside the way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        return values + self.second(functional.gelu(self.first(functional.gelu(values))))


def normalize_images(images: UInt8[Tensor, "image height width 3"]) -> Float[Tensor, "image 3 height width"]:
    """RGB images as the backbone and the head take them."""
    values = images.permute(0, 3, 1, 2).float() / 255.0
    mean, deviation = (torch.tensor(x, device=values.device).reshape(1, 3, 1, 1) for x in (_MEAN, _STD))
    return (values - mean) / deviation


def _resize(values: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    return functional.interpolate(values, size=tuple(size), mode="bilinear", align_corners=False)
