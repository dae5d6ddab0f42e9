"""Checkpoints: a folder with safetensors weights and a JSON config with a schema number. Never pickle."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from sim2art.errors import InvalidFileError, SchemaError
from sim2art.networks.judge import Judge, JudgeConfig
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.slot_network import SlotConfig, SlotNetwork
from sim2art.networks.vote_network import VoteConfig, VoteNetwork
from sim2art.provenance import write_provenance

SCHEMA = "sim2art.checkpoint/1"
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
DEFAULT_CHECKPOINT = CHECKPOINTS / "default"
"""The checkpoint that ships with the package."""
VOTES_CHECKPOINT = CHECKPOINTS / "gamma_style"
"""The weights of baseline `gamma_style`."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Numbers fitted on validation clips after training."""

    score_threshold: float = 0.1
    """A hypothesis is taken when its score is at least this."""


NetworkConfig = JudgeConfig | SlotConfig | VoteConfig
KINDS: dict[type, str] = {JudgeConfig: "proposals", SlotConfig: "paper", VoteConfig: "votes"}
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
        case _:
            assert_never(config)


def save_checkpoint(folder: Path, network: nn.Module, *, calibration: Calibration | None = None, **facts: Any) -> None:
    """Write weights (fp16), config and provenance; `facts` go into the provenance."""
    folder.mkdir(parents=True, exist_ok=True)
    config = network.config
    assert isinstance(config, NetworkConfig)
    description = {
        "schema": SCHEMA,
        "network": KINDS[type(config)],
        "config": dataclasses.asdict(config),
        "calibration": dataclasses.asdict(calibration or Calibration()),
    }
    weights = {name: value.detach().to(torch.float16).contiguous() for name, value in network.state_dict().items()}
    partial = folder / "model.safetensors.part"
    save_file(weights, partial)
    partial.replace(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(description, indent=2))
    write_provenance(folder, **facts)


def load_checkpoint(folder: Path) -> tuple[nn.Module, Calibration]:
    """The network in eval mode (fp32, CPU) and its calibration.

    Raises:
        InvalidFileError: When a file is missing or damaged.
        SchemaError: When it was written by an incompatible version.
    """
    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    for path in (config_path, weights_path):
        if not path.is_file():
            raise InvalidFileError(f"Checkpoint {folder} has no {path.name}; it should hold both.", path=path)
    try:
        description = json.loads(config_path.read_text())
    except json.JSONDecodeError as error:
        raise InvalidFileError(f"{config_path} is not valid JSON ({error}).", path=config_path) from error
    if description.get("schema") != SCHEMA:
        raise SchemaError(
            f"{config_path} has schema {description.get('schema')!r}; this version reads {SCHEMA!r}. "
            "Use the sim2art version that wrote it, or train again.",
            path=config_path,
        )
    network = build_network(_config_from_dict(description["network"], description["config"]))
    try:
        weights = load_file(weights_path)
        network.load_state_dict({name: value.float() for name, value in weights.items()})
    except (SafetensorError, RuntimeError) as error:
        raise InvalidFileError(f"{weights_path} does not fit its config: {error}", path=weights_path) from error
    return network.eval(), Calibration(**description["calibration"])


def _config_from_dict(network: str, values: dict[str, Any]) -> NetworkConfig:
    """A network config from its JSON form."""
    if network == "proposals":
        return JudgeConfig(**{**values, "bandwidths": tuple(values["bandwidths"])})
    if network == "votes":
        return VoteConfig(**values)
    return SlotConfig(**{**values, "encoder": EncoderConfig(**values["encoder"])})
