"""Optical flow by GMFlow (Xu et al., CVPR 2022; code and weights of the authors Apache-2.0), with weights of the user's.

The network is our own code (`networks/gmflow.py`); weights are the authors' files of the basic model, such as
gmflow_sintel.pth, read without executing anything in them. An `ImageFlow`; images are grey in all three channels.
"""

import pickle
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.networks.gmflow import MULTIPLE, GMFlow
from sim2art.perception.features.torch_images import IMAGENET_MEAN, IMAGENET_STD, on_all_cores, pick_device, to_input


class GmFlow:
    """Flow between two images by a network, at the images' size rounded to what the network takes."""

    def __init__(self, network: GMFlow) -> None:
        self._device = pick_device()
        self._network = network.to(self._device).eval()

    def __call__(
        self,
        gray_a: UInt8[np.ndarray, "height width"],
        gray_b: UInt8[np.ndarray, "height width"],
        start: Float32[np.ndarray, "height width 2"] | None,
    ) -> Float32[np.ndarray, "height width 2"]:
        """Where each pixel goes, px; the first guess is not needed and not looked at."""
        del start
        height, width = gray_a.shape
        size = (_rounded(width), _rounded(height))
        first, second = (
            to_input(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), size, IMAGENET_MEAN, IMAGENET_STD).to(self._device)
            for gray in (gray_a, gray_b)
        )
        with torch.inference_mode(), on_all_cores():
            flow = self._network(first, second)[0].permute(1, 2, 0).float().cpu().numpy()
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
        return (flow * np.array([width / size[0], height / size[1]])).astype(np.float32)


def _rounded(side: int) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def load_gmflow(path: Path) -> GmFlow:
    """The network with weights from a file in the authors' layout: a state dict, plain or under "model".

    Raises:
        InvalidFileError: When the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise InvalidFileError(
            f"{path}: no such file. --flow gmflow:FILE wants weights such as gmflow_sintel.pth.", path=path
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidFileError(f"{path} cannot be read as weights: {str(error).splitlines()[0]}", path=path) from error
    weights = loaded.get("model", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InvalidFileError(f"{path} holds no weights by name.", path=path)
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    if any(name.startswith("backbone.trident_conv") for name in weights):
        raise InvalidFileError(
            f"{path} holds GMFlow with refinement; the basic model is needed, such as gmflow_sintel.pth.", path=path
        )
    network = GMFlow()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InvalidFileError(
            f"{path} holds another network: {str(error).splitlines()[1].strip()}", path=path
        ) from error
    return GmFlow(network)
