"""Checkpoints: a folder with safetensors weights and a JSON config with a schema number. Never pickle."""

import dataclasses
from pathlib import Path
from typing import Any, assert_never

from torch import nn

from sim2art.errors import DAMAGED, InvalidFileError
from sim2art.networks import CHECKPOINTS
from sim2art.networks.checkpoint_files import read_description, read_weights, write_checkpoint
from sim2art.networks.judge import Judge, JudgeConfig
from sim2art.networks.mask_network import MaskNetwork, MaskNetworkConfig
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.scene_flow import SceneFlowConfig, SceneFlowNetwork
from sim2art.networks.scene_flow_checkpoint import scene_flow_config
from sim2art.networks.slot_network import SlotConfig, SlotNetwork
from sim2art.networks.vote_network import VoteConfig, VoteNetwork

JUDGE_CHECKPOINT = CHECKPOINTS / "judge"
"""The judge of hypotheses."""
VOTES_CHECKPOINT = CHECKPOINTS / "gamma_style"
"""The weights of baseline `gamma_style`."""
MASKS_CHECKPOINT = CHECKPOINTS / "masks"
"""The weights of the mask network, which follows the judge."""
PAPER_CHECKPOINT = CHECKPOINTS / "paper"
"""The paper's network, which has seen white noise only."""
PAPER_REAL_CHECKPOINT = CHECKPOINTS / "paper_real"
"""The same after a leg on the noise of sensors."""


NetworkConfig = JudgeConfig | SlotConfig | VoteConfig | SceneFlowConfig | MaskNetworkConfig
KINDS: dict[type, str] = {
    JudgeConfig: "proposals",
    SlotConfig: "paper",
    VoteConfig: "votes",
    SceneFlowConfig: "scene_flow",
    MaskNetworkConfig: "masks",
}
"""What config.json calls each kind of network."""


def build_network(config: NetworkConfig) -> nn.Module:
    """An untrained network of the given kind and size."""
    match config:
        case JudgeConfig():
            return Judge(config)
        case SlotConfig():
            return SlotNetwork(config)
        case VoteConfig():
            return VoteNetwork(config)
        case SceneFlowConfig():
            return SceneFlowNetwork(config)
        case MaskNetworkConfig():
            return MaskNetwork(config)
        case _:
            assert_never(config)


def save_checkpoint(folder: Path, network: nn.Module, **facts: Any) -> None:
    """Write weights (fp16), config and provenance; `facts` go into the provenance."""
    config = network.config
    assert isinstance(config, NetworkConfig)
    description = {"network": KINDS[type(config)], "config": dataclasses.asdict(config)}
    write_checkpoint(folder, network, description, **facts)


def load_checkpoint(folder: Path) -> nn.Module:
    """The network in eval mode (fp32, CPU).

    Raises:
        InvalidFileError: When a file is missing or damaged.
        SchemaError: When it was written by an incompatible version.
    """
    description = read_description(folder)
    try:
        network = build_network(_config_from_dict(description["network"], description["config"]))
    except (*DAMAGED, RuntimeError) as error:
        raise InvalidFileError(
            f"{folder / 'config.json'} describes no network that this version knows ({type(error).__name__} {error}). Copy the "
            "checkpoint's folder anew.",
            path=folder / "config.json",
        ) from error
    read_weights(folder, network)
    return network.eval()


def _config_from_dict(network: str, values: dict[str, Any]) -> NetworkConfig:
    """A network config from its JSON form."""
    if network == "proposals":
        lists = {name: tuple(values[name]) for name in ("bandwidths", "evidence") if name in values}
        return JudgeConfig(**{**values, **lists})
    if network == "scene_flow":
        return scene_flow_config(values)
    if network == "masks":
        return MaskNetworkConfig(**{**values, "evidence": tuple(values["evidence"])})
    if network == "votes":
        return VoteConfig(**values)
    return SlotConfig(
        **{**values, "encoder": EncoderConfig(**values["encoder"]), "baselines": tuple(values["baselines"])}
    )
