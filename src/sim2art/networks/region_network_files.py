"""The region network's checkpoint: weights, config and provenance in a folder."""

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim2art.networks import CHECKPOINTS
from sim2art.networks.checkpoint_files import read_description, read_weights, write_checkpoint
from sim2art.networks.region_network import RegionNetwork, RegionNetworkConfig

_KIND = "regions"


def save_region_network(folder: Path, network: RegionNetwork, **facts: Any) -> None:
    """Write a network; `facts` go into the provenance."""
    write_checkpoint(folder, network, {"network": _KIND, "config": dataclasses.asdict(network.config)}, **facts)


@lru_cache(maxsize=2)
def load_region_network(folder: Path = CHECKPOINTS / _KIND) -> RegionNetwork:
    """The network of a checkpoint folder, in eval mode, fp32, on the CPU.

    Raises:
        InvalidFileError: When it is missing, damaged, or of another kind.
        SchemaError: When another version wrote it.
    """
    values = read_description(folder, kind=_KIND, maker="benchmarks/region_network.py")["config"]
    network = RegionNetwork(RegionNetworkConfig(**values))
    read_weights(folder, network)
    return network.eval()
