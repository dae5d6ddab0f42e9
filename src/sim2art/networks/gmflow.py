"""GMFlow (Xu et al., "GMFlow: Learning Optical Flow via Global Matching", CVPR 2022), its coarse scale; own code, Apache-2.0.

Features of both images at an eighth of their size attend to themselves and to each other in windows, every second time
in shifted ones; each is matched with all of the other image by a softmax, and the flow is handed on along features that are alike.
Parameters have the names of the authors' weights, so that their `state_dict` fits: of the basic model, or of the one that goes
on to refine the flow at a quarter of the size, which costs ten times as much and is left out here.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 128
_SPLITS = 2
"""Windows along each side of the image."""
_LAYERS = 6
SCALE = 8
"""Image pixels a cell of features."""
MULTIPLE = SCALE * _SPLITS
"""Width and height must be multiples of this."""
_FAR = -100.0
"""Added to the score of what lies in another window before the shift."""


class GMFlow(nn.Module):
    """Optical flow between two images."""

    def __init__(self, *, refines: bool) -> None:
        """Without its weights; `refines` says whether they are of the model with refinement."""
        super().__init__()
        self.backbone = _Encoder(refines=refines)
        self.transformer = _Transformer()
        self.feature_flow_attn = _Propagation()

    def encode(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channel rows columns"]:
        """Features of images (RGB, normalised by ImageNet's mean and deviation; sides are multiples of MULTIPLE)."""
        features = self.backbone(images)
        return features + _positions(features)

    def forward(
        self, first: Float[Tensor, "batch channel rows columns"], second: Float[Tensor, "batch channel rows columns"]
    ) -> tuple[Float[Tensor, "batch 2 height width"], Float[Tensor, "batch 2 height width"]]:
        """Flow (px; x right, y down) from the first images to the second and back, from the features of both."""
        mine, other = self.transformer(first, second)
        both, reverse = torch.cat([mine, other]), torch.cat([other, mine])
        flow = self.feature_flow_attn(both, _match(both, reverse))
        there, back = (SCALE * F.interpolate(flow, scale_factor=SCALE, mode="bilinear")).chunk(2)
        return there, back


class _Encoder(nn.Module):
    """Convolutions down to an eighth of the size."""

    def __init__(self, *, refines: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.layer1 = nn.Sequential(_Residual(64, 64, 1), _Residual(64, 64, 1))
        self.layer2 = nn.Sequential(_Residual(64, 96, 2), _Residual(96, 96, 1))
        self.layer3 = nn.Sequential(_Residual(96, 128, 1 if refines else 2), _Residual(128, 128, 1))
        self.conv2 = nn.Conv2d(128, WIDTH, 1)
        self.trident_conv = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1, bias=False) if refines else None

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channel rows columns"]:
        found = F.relu(F.instance_norm(self.conv1(images)))
        found = self.conv2(self.layer3(self.layer2(self.layer1(found))))
        return found if self.trident_conv is None else self.trident_conv(found)


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        changes = stride != 1 or before != after
        self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride)) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        found = F.relu(F.instance_norm(self.conv1(x)))
        found = F.relu(F.instance_norm(self.conv2(found)))
        past = x if self.downsample is None else F.instance_norm(self.downsample(x))
        return F.relu(past + found)


class _Transformer(nn.Module):
    """Features of both images attend to their own image, then to the other one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Block() for _ in range(_LAYERS)])

    def forward(
        self, first: Float[Tensor, "batch channel rows columns"], second: Float[Tensor, "batch channel rows columns"]
    ) -> tuple[Float[Tensor, "batch channel rows columns"], Float[Tensor, "batch channel rows columns"]]:
        both = torch.cat([first, second]).permute(0, 2, 3, 1)
        for index, layer in enumerate(self.layers):
            both = layer(both, torch.cat(both.chunk(2)[::-1]), is_shifted=index % 2 == 1)
        mine, other = both.permute(0, 3, 1, 2).chunk(2)
        return mine, other


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.self_attn = _Attention(feeds=False)
        self.cross_attn_ffn = _Attention(feeds=True)

    def forward(self, x: Tensor, other: Tensor, *, is_shifted: bool) -> Tensor:
        x = self.self_attn(x, x, is_shifted=is_shifted)
        return self.cross_attn_ffn(x, other, is_shifted=is_shifted)


class _Attention(nn.Module):
    """One head, in windows; the message is added after a feed-forward step or as it is."""

    def __init__(self, *, feeds: bool) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.merge = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.norm1 = nn.LayerNorm(WIDTH)
        self.mlp = self.norm2 = None
        if feeds:
            wide = 2 * WIDTH
            self.mlp = nn.Sequential(
                nn.Linear(wide, 4 * wide, bias=False), nn.GELU(), nn.Linear(4 * wide, WIDTH, bias=False)
            )
            self.norm2 = nn.LayerNorm(WIDTH)

    def forward(
        self, x: Float[Tensor, "batch rows columns channel"], other: Float[Tensor, "batch rows columns channel"],
        *, is_shifted: bool,
    ) -> Float[Tensor, "batch rows columns channel"]:  # fmt: skip
        rows, columns = x.shape[1:3]
        shift = (rows // _SPLITS // 2, columns // _SPLITS // 2) if is_shifted else (0, 0)
        query, key, value = (
            _to_windows(torch.roll(project(given), (-shift[0], -shift[1]), dims=(1, 2)))
            for project, given in ((self.q_proj, x), (self.k_proj, other), (self.v_proj, other))
        )
        scores = query @ key.transpose(1, 2) / math.sqrt(WIDTH)
        if is_shifted:
            apart = _apart(rows, columns, shift).to(scores)
            scores = scores + apart.repeat(len(x), 1, 1)
        message = _from_windows(scores.softmax(dim=2) @ value, rows, columns)
        message = self.norm1(self.merge(torch.roll(message, shift, dims=(1, 2))))
        if self.mlp is not None and self.norm2 is not None:
            message = self.norm2(self.mlp(torch.cat([x, message], dim=-1)))
        return x + message


class _Propagation(nn.Module):
    """Each cell takes the flow of all cells whose features are like its own."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(
        self, features: Float[Tensor, "batch channel rows columns"], flow: Float[Tensor, "batch 2 rows columns"]
    ) -> Float[Tensor, "batch 2 rows columns"]:
        query = self.q_proj(features.flatten(2).transpose(1, 2))
        key = self.k_proj(query)  # Of the projected query: so the authors' weights were trained.
        shares = (query @ key.transpose(1, 2) / math.sqrt(WIDTH)).softmax(dim=2)
        return (shares @ flow.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(flow.shape)


def _match(
    mine: Float[Tensor, "batch channel rows columns"], other: Float[Tensor, "batch channel rows columns"]
) -> Float[Tensor, "batch 2 rows columns"]:
    """Flow in cells: the mean of all places of the other image, weighted by likeness, less the own place."""
    batch, _, rows, columns = mine.shape
    likeness = mine.flatten(2).transpose(1, 2) @ other.flatten(2) / math.sqrt(WIDTH)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    places = torch.stack([x, y]).to(mine).flatten(1)
    found = likeness.softmax(dim=2) @ places.T
    return found.transpose(1, 2).reshape(batch, 2, rows, columns) - places.view(1, 2, rows, columns)


def _positions(features: Float[Tensor, "batch channel rows columns"]) -> Float[Tensor, "channel rows columns"]:
    """Sines and cosines of the place in its window, half of the channels for rows, half for columns."""
    rows, columns = features.shape[2] // _SPLITS, features.shape[3] // _SPLITS
    half = WIDTH // 2
    period = 10_000.0 ** (2 * (torch.arange(half) // 2) / half)

    def waves(count: int) -> Float[Tensor, "count half"]:
        place = torch.arange(1, count + 1) / (count + 1e-6) * 2 * math.pi
        angle = place[:, None] / period
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1)

    down = waves(rows)[:, None].expand(rows, columns, half)
    right = waves(columns)[None].expand(rows, columns, half)
    window = torch.cat([down, right], dim=2).permute(2, 0, 1)
    return window.repeat(1, _SPLITS, _SPLITS).to(features)


def _to_windows(x: Float[Tensor, "batch rows columns channel"]) -> Float[Tensor, "window cell channel"]:
    batch, rows, columns, width = x.shape
    x = x.view(batch, _SPLITS, rows // _SPLITS, _SPLITS, columns // _SPLITS, width)
    return x.transpose(2, 3).reshape(batch * _SPLITS**2, -1, width)


def _from_windows(
    windows: Float[Tensor, "window cell channel"], rows: int, columns: int
) -> Float[Tensor, "batch rows columns channel"]:
    width = windows.shape[2]
    x = windows.view(-1, _SPLITS, _SPLITS, rows // _SPLITS, columns // _SPLITS, width)
    return x.transpose(2, 3).reshape(-1, rows, columns, width)


def _apart(rows: int, columns: int, shift: tuple[int, int]) -> Float[Tensor, "window cell cell"]:
    """What is added to the scores in shifted windows: cells that were brought together by rolling must not meet."""
    side = []
    for count, moved in zip((rows, columns), shift, strict=True):
        size = count // _SPLITS
        region = torch.zeros(count)
        region[count - size : count - moved], region[count - moved :] = 1, 2
        side.append(region)
    regions = (3 * side[0][:, None] + side[1][None]).view(1, rows, columns, 1)
    windows = _to_windows(regions)[..., 0]
    return _FAR * (windows[:, :, None] != windows[:, None, :]).float()
