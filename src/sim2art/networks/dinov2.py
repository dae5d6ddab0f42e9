"""The DINOv2 vision transformer (Oquab et al., 2023; Apache-2.0) in plain torch: patch features of several depths.

Parameters bear the names that the model has on the hub; `transformers` is not needed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Dinov2Config:
    """Sizes; the defaults are those of ViT-S/14."""

    width: int = 384
    num_layers: int = 12
    num_heads: int = 6
    patch: int = 14
    """px."""
    grid: int = 37
    """Patches along the side of the images that the position embedding was learned on."""


class Dinov2(nn.Module):
    """A backbone; give it whole patches, normalised as ImageNet's images are."""

    def __init__(self, config: Dinov2Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)
        self.layernorm = nn.LayerNorm(config.width, eps=1e-6)

    def forward(
        self, images: Float[Tensor, "image 3 height width"], layers: tuple[int, ...]
    ) -> list[Float[Tensor, "image token channel"]]:
        """Normalised tokens behind some layers (from 0): the class token, then the patches row by row."""
        tokens = self.embeddings(images)
        found = []
        for index, layer in enumerate(self.encoder.layer):
            tokens = layer(tokens)
            if index in layers:
                found.append(self.layernorm(tokens))
        return found


class _Encoder(nn.Module):
    def __init__(self, config: Dinov2Config) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_layers))


class _Embeddings(nn.Module):
    def __init__(self, config: Dinov2Config) -> None:
        super().__init__()
        self.grid = config.grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.width))
        self.patch_embeddings = nn.ModuleDict(
            {"projection": nn.Conv2d(3, config.width, config.patch, stride=config.patch)}
        )

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> Float[Tensor, "image token channel"]:
        patches = self.patch_embeddings["projection"](images)
        size = patches.shape[-2:]
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        grid = self.position_embeddings[:, 1:].transpose(1, 2).reshape(1, -1, self.grid, self.grid)
        # In single precision: bicubic resizing of learned positions is sensitive.
        places = functional.interpolate(grid.float(), size=size, mode="bicubic", align_corners=False).to(grid.dtype)
        places = places.flatten(2).transpose(1, 2)
        return tokens + torch.cat([self.position_embeddings[:, :1], places], dim=1)


class _Layer(nn.Module):
    def __init__(self, config: Dinov2Config) -> None:
        super().__init__()
        width = config.width
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = _Attention(config)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.layer_scale1, self.layer_scale2 = _Scale(width), _Scale(width)

    def forward(self, tokens: Float[Tensor, "image token channel"]) -> Float[Tensor, "image token channel"]:
        tokens = tokens + self.layer_scale1.lambda1 * self.attention(self.norm1(tokens))
        inner = functional.gelu(self.mlp["fc1"](self.norm2(tokens)))
        return tokens + self.layer_scale2.lambda1 * self.mlp["fc2"](inner)


class _Attention(nn.Module):
    def __init__(self, config: Dinov2Config) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.attention = nn.ModuleDict(
            {name: nn.Linear(config.width, config.width) for name in ("query", "key", "value")}
        )
        self.output = nn.ModuleDict({"dense": nn.Linear(config.width, config.width)})

    def forward(self, tokens: Float[Tensor, "image token channel"]) -> Float[Tensor, "image token channel"]:
        images, count, width = tokens.shape
        query, key, value = (
            self.attention[name](tokens).reshape(images, count, self.num_heads, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.output["dense"](mixed.transpose(1, 2).reshape(images, count, width))


class _Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(width))
