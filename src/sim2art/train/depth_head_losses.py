"""What the depth head is taught, and how its depth is judged; both leave out the factor that no single image tells."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

_SCALES = 4
_GRADIENT_WEIGHT = 2.0


def depth_loss(
    found: Float[Tensor, "image height width"], true: Float[Tensor, "image height width"],
    known: Bool[Tensor, "image height width"],
) -> tuple[Float[Tensor, ""], dict[str, float]]:  # fmt: skip
    """Loss of logarithms of depth: their distance after the best offset, and that of their steps at four sizes.

    Args:
        found: Of the network.
        true: log(m).
        known: Where `true` means something.

    Returns:
        The loss and its terms.
    """
    error = torch.where(known, found - true, torch.zeros_like(found))
    # The median needs no gradient of its own: an offset changes nothing.
    hidden = torch.where(known, error.detach(), torch.full_like(error, torch.nan))
    offset = torch.nanmedian(hidden.flatten(1), dim=1).values.nan_to_num()
    error = torch.where(known, error - offset[:, None, None], error)
    distance = error.abs().sum() / known.sum().clamp(min=1)
    sizes = [2**k for k in range(_SCALES)]
    steps = torch.stack([_step_loss(error[:, ::size, ::size], known[:, ::size, ::size]) for size in sizes]).sum()
    return distance + _GRADIENT_WEIGHT * steps, {"distance": float(distance.detach()), "steps": float(steps.detach())}


def _step_loss(error: Tensor, known: Tensor) -> Tensor:
    """Mean step from pixel to pixel."""
    across = (error[:, :, 1:] - error[:, :, :-1]).abs() * (known[:, :, 1:] & known[:, :, :-1])
    down = (error[:, 1:] - error[:, :-1]).abs() * (known[:, 1:] & known[:, :-1])
    return (across.sum() + down.sum()) / known.sum().clamp(min=1)


@dataclass(frozen=True, kw_only=True)
class DepthScore:
    """How well depth fits the truth after the best factor, over one image."""

    abs_rel: float
    """Mean relative error."""
    delta_1: float
    """Share of pixels within a factor of 1.25."""
    abs_rel_affine: float
    """Mean relative error when the best offset of 1/depth is allowed too."""


def score_depth(found: Float[np.ndarray, "height width"], true: Float[np.ndarray, "height width"]) -> DepthScore:
    """Score depth of free scale against true depth (m, 0 = none); sizes must agree."""
    known = (true > 0) & (found > 0)
    if known.sum() < 16:
        return DepthScore(abs_rel=float("nan"), delta_1=float("nan"), abs_rel_affine=float("nan"))
    f, t = found[known].astype(np.float64), true[known].astype(np.float64)
    scaled = f * np.median(t / f)
    ratio = np.maximum(scaled / t, t / scaled)
    # Least squares in 1/depth, weighted so that relative errors count alike.
    columns = np.stack([1 / f, np.ones_like(f)], axis=1) * t[:, None]
    factor, offset = np.linalg.lstsq(columns, np.ones_like(t), rcond=None)[0]
    affine = 1 / np.maximum(factor / f + offset, 0.02 / np.median(t))
    return DepthScore(
        abs_rel=float(np.mean(np.abs(scaled / t - 1))),
        delta_1=float(np.mean(ratio < 1.25)),
        abs_rel_affine=float(np.mean(np.abs(affine / t - 1))),
    )
