"""Makes the examples of the region network and trains it.

python benchmarks/region_network.py make FOLDER --num 150        # 50 CPU s a recording; goes on where it stopped
python benchmarks/region_network.py train FOLDER CHECKPOINT      # minutes
"""

import argparse
from pathlib import Path

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.dataset.splits import REGION_SEEDS
from sim2art.networks.region_network_files import save_region_network
from sim2art.sets.recorded_clips import observe_colors
from sim2art.train.region_examples import RegionExample, make_region_example
from sim2art.train.region_network import RegionTrainConfig, train_region_network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("make")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--num", type=int, default=150)
    verb = verbs.add_parser("train")
    verb.add_argument("folder", type=Path)
    verb.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    if options.verb == "make":
        options.folder.mkdir(parents=True, exist_ok=True)
        for seed in REGION_SEEDS[: options.num]:
            _make(seed, options.folder / f"{seed}.npz")
        return
    examples = [RegionExample.load(path) for path in sorted(options.folder.glob("*.npz"))]
    network = train_region_network(RegionTrainConfig(), examples)
    save_region_network(options.checkpoint, network, recordings=len(examples), passes=RegionTrainConfig().passes)


def _make(seed: int, path: Path) -> None:
    if path.exists():
        return
    seen = observe_colors(seed, num_frames=16, num_points=2048, families=TRAINING_FAMILIES)
    example = None
    if seen.observation is not None and seen.part_images is not None and seen.clip.provenance["moves"]:
        example = make_region_example(seen.observation, seen.clip.part_ids, seen.part_images)
    if example is not None:
        example.save(path)
    print(seed, "no joint was measured" if example is None else example.is_of[:, 1:].tolist(), flush=True)


if __name__ == "__main__":
    main()
