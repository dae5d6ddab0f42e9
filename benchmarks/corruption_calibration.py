"""Does the `real` corruption look like what the real chain measures? Statistics of both, side by side.

Recordings are rendered and go through the whole chain (DIS flow, depth camera, poses, crop); clips come straight from
the generator. Errors are those of the flow against the true motion of the observed points, in normalised units.

    python benchmarks/corruption_calibration.py [--recordings 12] [--clips 60] [--cache FOLDER]
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402
from scipy.spatial import cKDTree  # noqa: E402

from sim2art.articulation.kinematics import link_motions  # noqa: E402
from sim2art.dataset.clip import Clip  # noqa: E402
from sim2art.dataset.shards import read_shard, write_shard  # noqa: E402
from sim2art.dataset.splits import FIRST_TRAINING_SEED  # noqa: E402
from sim2art.geometry.transforms import inverse  # noqa: E402
from sim2art.observation.normalization import fit_normalization  # noqa: E402
from sim2art.provenance import collect_provenance  # noqa: E402
from sim2art.sets.recorded_clips import observe_recording  # noqa: E402
from sim2art.simulate.generate import ClipConfig, generate_clip  # noqa: E402

FIRST_RECORDING_SEED = 600_000
"""Apart from all splits: what is calibrated on is not evaluated on."""
QUANTILES = (10, 25, 50, 75, 90)


def describe(clip: Clip) -> dict[str, float]:
    """Statistics of one clip's observation."""
    video, scale = clip.video, fit_normalization(clip.video).scale
    motions = link_motions(clip.truth, clip.trajectory.values)
    facts: dict[str, float] = {
        "valid points": float(video.valid.mean()),
        "moving share": float((clip.part_ids > 0).mean()),
    }
    for index, baseline in enumerate(video.baselines):
        starts = video.num_frames - baseline
        steps = (motions[baseline:] @ inverse(motions[:starts]))[np.arange(starts)[:, None], clip.part_ids[:starts]]
        points = video.points_world[:starts]
        true = (steps[..., :3, :3] @ points[..., None])[..., 0] + steps[..., :3, 3] - points
        known = video.flow_valid[index, :starts]
        error = (video.flow_world[index, :starts] - true) / scale
        size, length = np.linalg.norm(error, axis=-1), np.linalg.norm(true, axis=-1) / scale
        still, moves = known & (clip.part_ids[:starts] == 0), known & (length > 0.03)
        facts[f"{baseline}: measured"] = float(known.sum() / max(video.valid[:starts].sum(), 1))
        moving_slots = video.valid[:starts] & (length > 0.03)
        facts[f"{baseline}: measured, moving"] = float(known[moving_slots].mean()) if moving_slots.any() else np.nan
        facts[f"{baseline}: still median"], facts[f"{baseline}: still p90"] = _two(size[still])
        facts[f"{baseline}: still bias"] = _frame_bias(error, still)
        facts[f"{baseline}: still correlation"] = _neighbour_correlation(error, points, still)
        facts[f"{baseline}: moving median"], facts[f"{baseline}: moving p90"] = _two(size[moves])
        facts[f"{baseline}: moving length"] = float(np.median(length[moves])) if moves.any() else np.nan
        flow = np.linalg.norm(video.flow_world[index, :starts], axis=-1) / scale
        stuck = flow[moves] < 0.3 * length[moves]
        facts[f"{baseline}: stuck"] = float(stuck.mean()) if moves.any() else np.nan
        facts[f"{baseline}: still but flows"] = float((flow[still] > 0.06).mean()) if still.any() else np.nan
    return facts


def _two(values: np.ndarray) -> tuple[float, float]:
    return (float(np.median(values)), float(np.percentile(values, 90))) if len(values) else (np.nan, np.nan)


def _frame_bias(error: np.ndarray, chosen: np.ndarray) -> float:
    """Median over frames of the length of the frame's median error: what poses and depth scale add to all points."""
    medians = [np.linalg.norm(np.median(e[c], axis=0)) for e, c in zip(error, chosen, strict=True) if c.sum() > 20]
    return float(np.median(medians)) if medians else np.nan


def _neighbour_correlation(error: np.ndarray, points: np.ndarray, chosen: np.ndarray) -> float:
    """Correlation of the errors of neighbouring points, 0 for white noise."""
    ones, others = [], []
    for e, p, c in zip(error, points, chosen, strict=True):
        if c.sum() < 50:
            continue
        errors = np.clip(e[c] - np.median(e[c], axis=0), -0.1, 0.1)
        nearest = cKDTree(p[c]).query(p[c], k=2)[1][:, 1]
        ones.append(errors)
        others.append(errors[nearest])
    if not ones:
        return np.nan
    a, b = np.concatenate(ones), np.concatenate(others)
    return float((a * b).sum() / max(np.sqrt((a**2).sum() * (b**2).sum()), 1e-12))


def calibrate(recordings: int = 12, clips: int = 60, cache: Path | None = None) -> None:
    """Print the quantiles over recordings and over clips, one statistic a line.

    Args:
        recordings: Recordings that go through the chain (some 20 s each).
        clips: Clips of the generator.
        cache: Folder in which observed recordings are kept between runs.
    """
    print(collect_provenance()["commit"])
    observed = []
    for seed in range(FIRST_RECORDING_SEED, FIRST_RECORDING_SEED + recordings):
        path = None if cache is None else cache / f"observed-{seed}.tar"
        if path is not None and path.exists():
            observed += list(read_shard(path))
            continue
        clip = observe_recording(seed, num_frames=16, num_points=2048)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_shard(path, [clip])
        observed.append(clip)
    used = [clip for clip in observed if clip.provenance["chain_failure"] is None]
    print(f"{len(used)} of {len(observed)} recordings passed the chain")
    made = [generate_clip(ClipConfig(), FIRST_TRAINING_SEED + index) for index in range(clips)]
    tables = [[describe(clip) for clip in group] for group in (used, made)]
    print(f"{'':24s}" + "  ".join(f"{name:^44s}" for name in ("chain", "generator")))
    print(f"{'quantile':24s}" + "  ".join("".join(f"{q:9d}" for q in QUANTILES) for _ in tables))
    for key in tables[1][0]:
        cells: list[str] = []
        for table in tables:
            values = np.nanpercentile([row.get(key, np.nan) for row in table], QUANTILES)
            cells.append("".join(f"{value:9.3f}" for value in values))
        print(f"{key:24s}" + "  ".join(cells))


if __name__ == "__main__":
    tyro.cli(calibrate)
