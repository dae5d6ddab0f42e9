"""The validation curve that a run on cached clips draws of itself: `curve.jsonl`, a line every few thousand passes."""

import json
from pathlib import Path
from typing import Any

from sim2art.dataset.splits import CURVE_SEEDS
from sim2art.errors import InvalidValueError
from sim2art.inference.checkpoint import build_network
from sim2art.networks.slot_network import SlotNetwork
from sim2art.train.cached_batches import validation_batches
from sim2art.train.clip_cache import ClipCache, grow_cache
from sim2art.train.config import TrainConfig
from sim2art.train.network_sizes import network_config
from sim2art.train.slot_scores import score_slots
from sim2art.train.state import Average

CURVE_FOLDER = "curve_clips"
"""Beside the clips of a cache: those that the curve is drawn on."""


class Curve:
    """Scores the averaged weights on clips that are never learned from."""

    def __init__(self, config: TrainConfig, folder: Path, cache: Path | None) -> None:
        if config.cache is None or cache is None:
            raise InvalidValueError("A curve is drawn on clips of a cache.")
        self.config, self.settings, self.folder = config, config.cache, folder
        clips, kind = cache / CURVE_FOLDER, config.cache.clips
        facts: dict[str, Any] = {
            "shard_clips": config.cache.shard_clips,
            "num_semantics": config.cache.num_semantics,
        }
        grow_cache(clips, kind, first_seed=CURVE_SEEDS.start, num_clips=config.cache.num_curve_clips, **facts)
        self.batches = validation_batches(config.cache, ClipCache(clips, kind, **facts))

    def draw(self, average: Average, step: int) -> None:
        """Add a point if step number `step` is the first past a multiple of `curve_every` passes, or the last."""
        size, every = self.config.batch_size, self.settings.curve_every
        if step * size // every == (step - 1) * size // every and step != self.config.num_steps:
            return
        self.add_point(average, step)

    def add_point(self, average: Average, step: int) -> None:
        """Score and write a line; a resumed run that passes a point again writes it over."""
        network = build_network(network_config(self.config))
        assert isinstance(network, SlotNetwork)
        network.load_state_dict({name: value.cpu() for name, value in average.weights.items()})
        passes = step * self.config.batch_size
        scores = {name: round(value, 5) for name, value in score_slots(network.eval(), self.batches).items()}
        path = self.folder / "curve.jsonl"
        before = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in before if json.loads(line)["passes"] < passes]
        partial = path.with_suffix(".part")
        try:
            partial.write_text("\n".join([*kept, json.dumps({"passes": passes, **scores})]) + "\n")
            partial.replace(path)
        finally:  # A full disk leaves the curve as it was.
            partial.unlink(missing_ok=True)
