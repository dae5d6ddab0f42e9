"""Average the weights of two checkpoints of one network: what a short leg learned, without all that it forgot.

    python benchmarks/average_weights.py src/sim2art/checkpoints/judge runs/more/checkpoint --share 0.5 --output runs/mean

The average of weights on one path of training often does better than either end (Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022). The provenance names both.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from sim2art.errors import InvalidValueError
from sim2art.inference.checkpoint import load_checkpoint, save_checkpoint


def average_weights(first: Path, second: Path, share: float, output: Path) -> None:
    """Write a checkpoint whose weights are `share` the second one's and the rest the first one's.

    Raises:
        InvalidValueError: When the networks differ in kind or size, or the share is not from 0 to 1.
        InvalidFileError: When a checkpoint is missing or damaged.
    """
    if not 0 <= share <= 1:
        raise InvalidValueError(f"--share {share} is not from 0 (all weights the first one's) to 1 (the second one's).")
    network = load_checkpoint(first)
    other = load_checkpoint(second)
    if network.config != other.config:
        raise InvalidValueError(f"{first} and {second} hold different networks: {network.config} and {other.config}.")
    theirs = other.state_dict()
    network.load_state_dict(
        {
            name: value.lerp(theirs[name], share) if value.is_floating_point() else value
            for name, value in network.state_dict().items()
        }
    )
    shares = [{**_facts(first), "share": 1 - share}, {**_facts(second), "share": share}]
    save_checkpoint(output, network, averaged=shares)


def _facts(folder: Path) -> dict[str, Any]:
    """Where a checkpoint came from, if it says so, without the settings that its run had in full."""
    path = folder / "provenance.json"
    if not path.is_file():
        return {}
    provenance = json.loads(path.read_text())
    names = ("commit", "command", "steps", "clips_seen", "time", "started_from")
    return {name: provenance[name] for name in names if name in provenance}


def main() -> None:
    parser = argparse.ArgumentParser(description="Average the weights of two checkpoints.")
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second one's weights, 0 to 1")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    average_weights(arguments.first, arguments.second, arguments.share, arguments.output)
    print(f"Checkpoint: {arguments.output}")


if __name__ == "__main__":
    main()
