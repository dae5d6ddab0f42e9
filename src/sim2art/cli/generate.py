"""`sim2art generate`: clips as shards on disk."""

import json
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm
from tyro.conf import Positional

from sim2art.assets.collection import open_collection
from sim2art.assets.library import asset_licence
from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.cli.generate_cluster import run_shares
from sim2art.cli.options import ONCE, words_of
from sim2art.dataset.clip import Clip
from sim2art.dataset.shards import is_shard_done, parse_share, shard_path, write_index, write_shard
from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidValueError, OutputExistsError
from sim2art.provenance import write_provenance
from sim2art.simulate.generate import GENERATOR_VERSION, ClipConfig, CorruptionName, PixelDescriber, generate_clip
from sim2art.simulate.mujoco_renderer import render_with_mujoco
from sim2art.simulate.pybullet_renderer import render_with_pybullet
from sim2art.simulate.renderer import Renderer
from sim2art.workers import RayWorkers

_LOG = logging.getLogger(__name__)
RendererName = Literal["rasterizer", "pybullet", "mujoco"]
_RENDERERS: dict[RendererName, Renderer | None] = {
    "rasterizer": None,
    "pybullet": render_with_pybullet,
    "mujoco": render_with_mujoco,
}
FeaturesName = Literal["none", "dinov2", "dinov3"]
_PATCHES = 12
"""Along the longer side of a keyframe's crop: 168 px of DINOv2, a quarter of a second on a core."""
_AHEAD = 4  # Clips a worker may be ahead of the writer: bounds the memory.


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """Write simulated clips for training as tar files with an index.

    A killed job goes on where it stopped when the same command is given again. Jobs 0/N to N-1/N may share one
    folder or run on N machines: together they write the same bytes as 0/1 would.
    """

    output: Positional[Path] = field(metadata=ONCE)
    """Folder to write to; new, empty, or left by the same command."""
    num: int
    """Clips of the whole data set."""
    seed: int = 0
    """Number of the data set's first clip among all training clips: two sets whose ranges [seed, seed + num) do not meet share no clip."""
    shard: str = field(default="0/1", metadata=ONCE)
    """K/N: write only each N-th file, from the K-th on."""
    corruption: CorruptionName = "real"
    """none, paper (white noise) or real (what depth cameras and optical flow do)."""
    without: tuple[str, ...] = ()
    """Effects of the corruption to switch off: groups (depth, mask, poses, flow, hand, frames) or single ones such as depth.holes (docs/data_engine.md lists them)."""
    only: tuple[str, ...] = ()
    """Effects to keep, all others being off."""
    families: tuple[str, ...] = ()
    """Names to draw objects from (`sim2art assets` lists them); by default the training families, unless `assets` is given."""
    assets: Path | None = None
    """Folder of your own models (URDF, MJCF, PartNet-Mobility) to draw from, too. The same bytes come out wherever it has the same path and content."""
    num_frames: int = 16
    """Frames a clip."""
    num_points: int = 2048
    """Points a frame."""
    renderer: RendererName = "rasterizer"
    """rasterizer (ours), pybullet (the paper's) or mujoco (rays through its physics engine); they see the same, and the others are many times slower."""
    features: FeaturesName = "none"
    """Semantic features of the sampled points of some frames, from rendered colour: none, dinov2 (384 channels, 6 MB a clip) or dinov3."""
    keyframes: int = 4
    """Frames a clip that get features."""
    clips_per_file: int = 256
    """Clips in one tar (about 1 MB a clip without features)."""
    workers: int = field(default=1, metadata=ONCE)
    """Processes that generate."""
    ray: str | None = field(default=None, metadata=ONCE)
    """Address of a Ray cluster, such as auto: its machines make a file each, and must all see the output folder."""


def generate(options: GenerateOptions) -> None:
    share = parse_share(options.shard)
    for name, value in (("num", options.num), ("clips-per-file", options.clips_per_file), ("workers", options.workers)):
        if value < 1:
            raise InvalidValueError(f"--{name} is {value}; 1 or more is needed.")
    if options.seed < 0:
        raise InvalidValueError(f"--seed is {options.seed}; 0 or more is needed.")
    names = _choose_assets(options.families, options.assets)
    config = ClipConfig(
        families=names,
        num_frames=options.num_frames,
        num_points=options.num_points,
        corruption=options.corruption,
        without=options.without,
        only=options.only,
    )
    _ = config.effects  # Unknown names are refused before anything is written.
    facts = {
        "num": options.num,
        "seed": options.seed,
        "clips_per_file": options.clips_per_file,
        # Lists of effects are named where there are some, so that sets of earlier versions go on.
        "config": {name: value for name, value in asdict(config).items() if value != ()},
        "generator": GENERATOR_VERSION,
        "licence": "; ".join(sorted({asset_licence(name) for name in names})),
    }
    if options.renderer != "rasterizer":
        facts["renderer"] = options.renderer
    if options.features != "none":
        facts["features"] = {"model": options.features, "keyframes": options.keyframes}
        _describer(options.features, options.keyframes)  # A model that is not there is said before anything is written.
    make = partial(_make_clip, config, options.renderer, options.features, options.keyframes)
    _claim_folder(options.output, json.loads(json.dumps(facts)))
    seeds = range(FIRST_TRAINING_SEED + options.seed, FIRST_TRAINING_SEED + options.seed + options.num)
    num_files = -(-options.num // options.clips_per_file)
    if options.ray is not None:
        if options.shard != "0/1":
            raise InvalidValueError(f"--shard {options.shard} and --ray exclude each other: a cluster makes all files.")
        run_shares([str(options.output), *words_of(options)], num_files, RayWorkers(options.ray))
    files = [index for index in range(num_files) if share.owns(index)]
    total = sum(len(_seeds_of_file(seeds, index, options.clips_per_file)) for index in files)
    with tqdm(total=total, unit="clip", desc=f"generate {options.shard}") as progress:
        for index in files:
            path, chosen = shard_path(options.output, index), _seeds_of_file(seeds, index, options.clips_per_file)
            if is_shard_done(path):
                progress.update(len(chosen))
                continue
            write_shard(path, _count(_generate_all(make, chosen, options.workers), progress))
    write_index(options.output, facts)
    write_provenance(options.output, shard=options.shard, num=options.num, seed=options.seed)
    _LOG.info("Wrote %d clips to %s", total, options.output)


def _choose_assets(families: tuple[str, ...], folder: Path | None) -> tuple[str, ...]:
    """Names to draw from; objects of the test sets are refused."""
    tests = [name for name in families if name in REAL_MESHES]
    if tests:
        raise InvalidValueError(
            f"--families {' '.join(tests)}: these objects are for tests only; training on them would make the tests "
            "worthless. `sim2art evaluate --set real-mesh` uses them."
        )
    if folder is None:
        return families or TRAINING_FAMILIES
    return families + open_collection(folder)


def _claim_folder(output: Path, facts: dict[str, Any]) -> None:
    """Make the folder, or check that it was left by the same command."""
    config_path = output / "config.json"
    if output.exists() and any(output.iterdir()):
        if not config_path.exists():
            raise OutputExistsError(f"Folder '{output}' is not empty; choose another or empty it first.", path=output)
        found = json.loads(config_path.read_text())
        if found != facts:
            different = sorted(key for key in facts if found.get(key) != facts[key])
            raise OutputExistsError(
                f"Folder '{output}' holds clips of another command (different: {different}); choose another folder.",
                path=output,
            )
        return
    output.mkdir(parents=True, exist_ok=True)
    config_path.write_text(json.dumps(facts, indent=2))


def _seeds_of_file(seeds: range, index: int, clips_per_file: int) -> range:
    return seeds[index * clips_per_file : (index + 1) * clips_per_file]


def _make_clip(config: ClipConfig, renderer: RendererName, features: FeaturesName, keyframes: int, seed: int) -> Clip:
    describe = None if features == "none" else _describer(features, keyframes)
    return generate_clip(config, seed, renderer=_RENDERERS[renderer], describe=describe)


@cache
def _describer(features: FeaturesName, keyframes: int) -> PixelDescriber:
    """Features of keyframes; the model is loaded once a process."""
    from sim2art.perception.features.dino_features import DinoFeatures
    from sim2art.perception.features.keyframe_features import KeyframeFeatures

    return KeyframeFeatures(extract=DinoFeatures(features, long_side=_PATCHES), num_frames=keyframes)


def _generate_all(make: Callable[[int], Clip], seeds: range, workers: int) -> Iterator[Clip]:
    """Clips of the seeds in order, made by `workers` processes."""
    if workers == 1:
        for seed in seeds:
            yield make(seed)
        return
    # Spawned, not forked: a fork of a process with running compiled threads may hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = []
        for seed in seeds:
            waiting.append(pool.submit(make, seed))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _count(clips: Iterator[Clip], progress: tqdm) -> Iterator[Clip]:
    for clip in clips:
        yield clip
        progress.update()
