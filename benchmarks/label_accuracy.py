"""How many pixels get the right part: the votes of the sampled points alone, and with the word of all other frames.

    python benchmarks/label_accuracy.py --work runs/export_gate

Reads the work folder of `export_gate.py`: rendered recordings with the true part of every pixel, and the results of
`sim2art run` on them. Estimated parts go to the true parts that they overlap most. Prints a table.
"""

import json
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from scipy.optimize import linear_sum_assignment

from sim2art.articulation.assembly import part_motions
from sim2art.drafts import load_draft
from sim2art.observation.densify import NO_LABEL, densify_labels, resize_labels
from sim2art.provenance import collect_provenance


def main(*, work: Path = Path("runs/export_gate")) -> None:
    """Label the used frames of every result twice, and print the table."""
    print("| recording | moving pixels in the right part, votes | with motion | wrongly moving, votes | with motion |")
    print("|---|---|---|---|---|")
    totals = []
    for folder in sorted(path.parent for path in work.glob("*/result")):
        truth_folder = _recording(folder) / "truth"
        if not (folder / "result" / "result.json").is_file() or not truth_folder.is_dir():
            continue
        draft = load_draft(folder / "result")
        if draft.video is None or draft.points is None or not draft.estimate.joints:
            print(f"| {folder.name} | no moving part was found | | | |")
            continue
        motions = part_motions(draft.estimate)
        probabilities = draft.estimate.part_probabilities
        truth = np.stack([np.array(Image.open(truth_folder / f"{frame:06d}.png")) for frame in draft.frame_ids])
        size = (truth.shape[2], truth.shape[1])
        plain, moved = (
            resize_labels(densify_labels(draft.video, draft.points, probabilities, given), size)
            for given in (None, motions)
        )
        match = _match(plain, truth, draft.num_parts)
        numbers = [_score(labels, truth, match) for labels in (plain, moved)]
        totals.append(numbers)
        print(f"| {folder.name} | {_row(np.array(numbers))} |", flush=True)
    print(f"| mean | {_row(np.mean(totals, axis=0))} |")
    facts = collect_provenance()
    print(f"\n{len(totals)} recordings. {facts['machine']}; commit {facts['commit']}.")


def _recording(folder: Path) -> Path:
    """Where the recording of a result is: beside it, or where its provenance says."""
    if (folder / "recording").is_dir():
        return folder / "recording"
    try:
        return Path(json.loads((folder / "result" / "provenance.json").read_text())["recording"])
    except (OSError, KeyError):
        return folder


def _match(labels: np.ndarray, truth: np.ndarray, num_parts: int) -> dict[int, int]:
    """True part of each estimated moving part."""
    true_parts = list(range(1, int(truth.max()) + 1))
    both = np.array([[np.sum((labels == a) & (truth == b)) for b in true_parts] for a in range(1, num_parts)])
    either = np.array([[np.sum((labels == a) | (truth == b)) for b in true_parts] for a in range(1, num_parts)])
    rows, columns = linear_sum_assignment(-both / np.maximum(either, 1))
    return {row + 1: true_parts[column] for row, column in zip(rows, columns, strict=True) if both[row, column]}


def _score(labels: np.ndarray, truth: np.ndarray, match: dict[int, int]) -> tuple[float, float]:
    """Share of the matched true parts' labelled pixels with their part, and of the moving labels that are wrong."""
    lookup = np.zeros(256, dtype=np.int64)
    for estimated, true in match.items():
        lookup[estimated] = true
    known = labels != NO_LABEL
    named = np.where(known, lookup[labels], 0)
    wanted = known & np.isin(truth, list(match.values()))
    claimed = known & (named > 0)
    return (
        float(np.mean(named[wanted] == truth[wanted])) if wanted.any() else 0.0,
        float(np.mean(named[claimed] != truth[claimed])) if claimed.any() else 0.0,
    )


def _row(numbers: np.ndarray) -> str:
    return " | ".join(f"{100 * numbers[way, kind]:.1f} %" for kind in (0, 1) for way in (0, 1))


if __name__ == "__main__":
    tyro.cli(main)
