"""What the region network takes, from numpy and scipy; and its answer with the weights that ship."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy import sparse
from torch import Tensor

from sim2art.networks.region_network import RegionNetwork
from sim2art.networks.region_network_files import load_region_network


class RegionInputs(NamedTuple):
    """The arguments of `RegionNetwork.forward`."""

    features: Float32[Tensor, "region motion feature"]
    borders: Tensor
    lengths: Float32[Tensor, "region"]
    ties: list[Tensor]

    def of_motions(self, kept: list[int]) -> "RegionInputs":
        """With some of the motions, by their places from 0."""
        return self._replace(
            features=self.features[:, kept], ties=[self.ties[label] for label in (0, *(k + 1 for k in kept))]
        )


def region_inputs(
    features: Float32[np.ndarray, "region motion feature"], borders: sparse.csr_matrix, ties: list[sparse.csr_matrix],
    looks: Float[np.ndarray, "region"],
) -> RegionInputs:  # fmt: skip
    """Borders and ties as shares of what each region has.

    Args:
        features: See `regions.region_features`.
        borders: Length that two regions have in common, by contrast.
        ties: Of standing still and of each motion, looks that a region has in common with regions of other frames.
        looks: Independent looks of each region.
    """
    length = np.asarray(borders.sum(axis=1)).ravel()
    return RegionInputs(
        features=torch.from_numpy(np.ascontiguousarray(features)),
        borders=_tensor(sparse.diags(1 / (length + 0.5)) @ borders),
        lengths=torch.from_numpy((np.log1p(length) / 3).astype(np.float32)),
        ties=[_tensor(sparse.diags(1 / np.maximum(looks, 0.1)) @ tie) for tie in ties],
    )


@torch.inference_mode()
def region_log_odds(inputs: RegionInputs, network: RegionNetwork | None = None) -> Float[np.ndarray, "region motion"]:
    """Of following each motion against standing still; by the weights that ship when no network is given."""
    return (network or load_region_network())(*inputs)[-1].double().numpy()


def _tensor(matrix: sparse.spmatrix) -> Tensor:
    found = sparse.coo_matrix(matrix)
    places = torch.from_numpy(np.stack([found.row, found.col]).astype(np.int64))
    values = torch.from_numpy(found.data.astype(np.float32))
    return torch.sparse_coo_tensor(places, values, found.shape, check_invariants=False).coalesce()
