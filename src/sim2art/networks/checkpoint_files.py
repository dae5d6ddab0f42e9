"""The files of a checkpoint: a folder with safetensors weights (fp16), a JSON config with a schema number, provenance.

Never pickle. What the config describes is its reader's business.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from sim2art.errors import DAMAGED, InvalidFileError, SchemaError
from sim2art.provenance import write_provenance

SCHEMA = "sim2art.checkpoint/1"


def write_checkpoint(folder: Path, network: nn.Module, description: dict[str, Any], **facts: Any) -> None:
    """Write weights (fp16), `description` as config, and provenance; `facts` go into the provenance.

    Raises:
        InvalidFileError: When the weights cannot be written, as on a full disk; those that were there before stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: (value.to(torch.float16) if value.is_floating_point() else value).detach().contiguous()
        for name, value in network.state_dict().items()
    }
    partial = folder / "model.safetensors.part"
    try:
        save_file(weights, partial)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise InvalidFileError(
            f"Cannot write the weights to '{folder}': {error}. Those before stay; make room.", path=folder
        ) from error
    described = {"schema": SCHEMA, **description, "sha256": hashlib.sha256(partial.read_bytes()).hexdigest()}
    partial.replace(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(described, indent=2))
    write_provenance(folder, **facts)


def read_description(folder: Path, *, kind: str | None = None, maker: str = "") -> dict[str, Any]:
    """The config of a checkpoint.

    Args:
        folder: Config and weights.
        kind: The network that is needed; None takes any.
        maker: What trains such a network, for the error.

    Raises:
        InvalidFileError: When a file is missing or damaged, the weights are not those that were written, or those of
            another kind of network.
        SchemaError: When it was written by an incompatible version.
    """
    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    for path in (config_path, weights_path):
        if not path.is_file():
            raise InvalidFileError(f"Checkpoint {folder} has no {path.name}; it should hold both.", path=path)
    try:
        description = json.loads(config_path.read_text())
    except DAMAGED as error:
        raise InvalidFileError(f"{config_path} is not valid JSON ({error}).", path=config_path) from error
    schema = description.get("schema") if isinstance(description, dict) else None
    if schema != SCHEMA:
        raise SchemaError(
            f"{config_path} has schema {schema!r}; this version reads {SCHEMA!r}. "
            "Use the sim2art version that wrote it, or train again.",
            path=config_path,
        )
    noted = description.get("sha256")  # Checkpoints of earlier versions have none.
    if noted is not None:
        found = hashlib.sha256(weights_path.read_bytes()).hexdigest()
        if found != noted:
            raise InvalidFileError(
                f"{weights_path} does not fit its config: its sha256 is {found[:16]}..., and config.json notes "
                f"{noted!s:.16}...: it is another or a damaged file. Copy the checkpoint's folder anew.",
                path=weights_path,
            )
    if kind is not None and description.get("network") != kind:
        raise InvalidFileError(
            f"{folder} holds a network of kind {description.get('network')!r}; one of kind '{kind}' is needed, as {maker} trains it.",
            path=folder,
        )
    return description


def read_weights(folder: Path, network: nn.Module) -> None:
    """Load a checkpoint's weights (as fp32) into its network.

    Raises:
        InvalidFileError: When they are damaged or those of another network.
    """
    path = folder / "model.safetensors"
    try:
        weights = load_file(path)
        network.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        )
    except (SafetensorError, RuntimeError, *DAMAGED) as error:
        raise InvalidFileError(f"{path} does not fit its config: {error}", path=path) from error
