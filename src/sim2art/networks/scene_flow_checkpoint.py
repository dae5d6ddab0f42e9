"""Weights of the scene flow network: those that ship, a user's own, and those of GMSF's authors.

The authors publish no weights with a licence, so none ship here; who has some loads them by their path. Their layout
(names of a state dict that `torch.save` wrote, plain or under "model") is translated to ours; nothing in the file is
executed. Sizes are read off the tensors.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.networks import CHECKPOINTS
from sim2art.networks.checkpoint_files import read_description, read_weights
from sim2art.networks.scene_flow import SceneFlowConfig, SceneFlowNetwork

SCENE_FLOW_CHECKPOINT = CHECKPOINTS / "scene_flow"
"""The weights that ship."""

_NAMES: tuple[tuple[str, str], ...] = (
    (r"^DGCNN\.conv5\.0\.", "join."),
    (r"^DGCNN\.conv5\.1\.", "join_norm.norm."),
    (r"^DGCNN\.conv(\d)\.0\.", "edges.<1>.linear."),
    (r"^DGCNN\.conv(\d)\.1\.", "edges.<1>.norm.norm."),
    (r"^transformer_PT\.layers\.0\.fc1\.", "local.enter."),
    (r"^transformer_PT\.layers\.0\.fc2\.", "local.leave."),
    (r"^transformer_PT\.layers\.0\.fc_delta\.", "local.offset."),
    (r"^transformer_PT\.layers\.0\.fc_gamma\.", "local.weigh."),
    (r"^transformer_PT\.layers\.0\.w_qs\.", "local.query."),
    (r"^transformer_PT\.layers\.0\.w_ks\.", "local.key."),
    (r"^transformer_PT\.layers\.0\.w_vs\.", "local.value."),
    (r"^transformer\.layers\.(\d+)\.self_attn\.", r"blocks.\1.within."),
    (r"^transformer\.layers\.(\d+)\.cross_attn_ffn\.", r"blocks.\1.across."),
    (r"^feature_flow_attn\.q_proj\.", "smooth_query."),
    (r"^feature_flow_attn\.k_proj\.", "smooth_key."),
)
_ATTENTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "norm1": "norm", "norm2": "feed.3", "mlp": "feed"}


def load_scene_flow(source: Path | None = None) -> SceneFlowNetwork:
    """The network of a checkpoint folder, or of a file in the authors' layout; the shipped one when None.

    Raises:
        InvalidFileError: When it is missing, damaged, or of another kind.
        SchemaError: When another version wrote it.
    """
    path = source or SCENE_FLOW_CHECKPOINT
    if path.is_file():
        return _load_authors(path)
    description = read_description(path, kind="scene_flow", maker="sim2art train --preset scene-flow")
    network = SceneFlowNetwork(scene_flow_config(description["config"]))
    read_weights(path, network)
    return network.eval()


def scene_flow_config(values: dict[str, Any]) -> SceneFlowConfig:
    """A config from its JSON form."""
    return SceneFlowConfig(**{**values, "edge_widths": tuple(values["edge_widths"])})


def translate_authors(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights in the authors' layout under our names.

    Raises:
        KeyError: When a name is unknown.
    """
    translated: dict[str, Tensor] = {}
    for name, value in weights.items():
        plain = name.removeprefix("module.")
        if re.match(r"^DGCNN\.bn\d\.", plain):
            continue  # The same tensors as in conv*.1, once more.
        ours = _translate(plain)
        # 1 x 1 convolutions are linear layers.
        translated[ours] = value.flatten(1) if value.ndim > 2 else value
    return translated


def _translate(name: str) -> str:
    for pattern, ours in _NAMES:
        match = re.match(pattern, name)
        if match is None:
            continue
        start = match.expand(ours) if "<1>" not in ours else ours.replace("<1>", str(int(match[1]) - 1))
        rest = name[match.end() :]
        if start.startswith("blocks."):
            layer, _, end = rest.partition(".")
            rest = f"{_ATTENTION.get(layer, layer)}.{end}"
        return start + rest
    raise KeyError(name)


def _load_authors(path: Path) -> SceneFlowNetwork:
    try:
        # Weights only: a file that would run code is refused.
        content = torch.load(path, map_location="cpu", weights_only=True)
        weights = translate_authors(content.get("model", content))
        layers = {int(match[1]) for name in weights if (match := re.match(r"blocks\.(\d+)\.", name))}
        width = weights["join.weight"].shape[0]
        config = SceneFlowConfig(
            width=width,
            local_expansion=weights["local.enter.weight"].shape[0] // width,
            num_layers=len(layers),
            expansion=weights["blocks.0.across.feed.0.weight"].shape[0] // (2 * width),
        )
        network = SceneFlowNetwork(config)
        network.load_state_dict(weights)
    except Exception as error:  # A foreign file can be wrong in any way.
        raise InvalidFileError(
            f"{path} cannot be read as GMSF weights with a DGCNN backbone ({type(error).__name__}: {str(error)[:200]}). Give "
            "a file as the authors' training writes it, or a checkpoint folder of sim2art.",
            path=path,
        ) from error
    return network.eval()
