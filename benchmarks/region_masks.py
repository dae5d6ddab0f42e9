"""python benchmarks/region_masks.py RESULTS ANNOTATIONS [NAME...]: masks of results before and after `sim2art.regions`.

RESULTS holds result folders of `sim2art run`, each named as an annotation (`NAME.json`; outlines in `frames`, see the evaluation
set real-video). Only what is stored is read, so a clip takes seconds. IoU is that of moving parts over the annotated frames, hands left out, in
the used frame nearest to an annotated one, at most 0.25 s away.
"""

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from sim2art.articulation.assembly import part_color
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.export.labels import read_labels
from sim2art.export.result import Result, read_result
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.video_files import read_points, read_video
from sim2art.regions.colour_video import label_by_synthesis

MAX_GAP = 0.25
PICTURES = os.environ.get("PICTURES")
"""Folder for pictures."""


def fill(polygons: list, size: list, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons or []:
        if len(polygon) > 2:
            cv2.fillPoly(mask, [np.array(polygon, np.int32)], 1)
    return cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def score(labels: np.ndarray, annotation: dict, result: Result) -> list[float]:
    """IoU of each annotated part with the part that fits it best."""
    used, times = np.array(result.frame_ids), result.trajectory.times
    step = np.median(np.diff(times) / np.maximum(np.diff(used), 1)) if len(used) > 1 else 1 / 30
    count, size = max(len(result.joints), 1), annotation["size"]
    inter = np.zeros((len(annotation["parts"]), count))
    union = np.zeros_like(inter)
    for key, drawn in annotation["frames"].items():
        k = int(np.argmin(np.abs(used - int(key))))
        if abs(used[k] - int(key)) * step > MAX_GAP:
            continue
        free = ~fill(drawn.get("hand") or [], size, labels.shape[1:])
        for i, polygons in enumerate(drawn["polygons"]):
            truth = fill(polygons, size, labels.shape[1:]) & free
            for j in range(count):
                guess = (labels[k] == j + 1) & free
                inter[i, j] += (truth & guess).sum()
                union[i, j] += (truth | guess).sum()
    iou = inter / np.maximum(union, 1)
    best = np.zeros(len(iou))
    for i, j in zip(*linear_sum_assignment(-iou), strict=True):
        best[i] = iou[i, j]
    return best.tolist()


def draw(path: Path, video: RgbdVideo, labels: np.ndarray, annotation: dict, result: Result) -> None:
    """Parts and drawn outlines on the annotated frames."""
    tiles = []
    for key, drawn in annotation["frames"].items():
        k = int(np.argmin(np.abs(np.array(result.frame_ids) - int(key))))
        image = video.images[k].copy()
        for part in range(1, 6):
            own = labels[k] == part
            image[own] = (0.4 * image[own] + 0.6 * np.array(part_color(part))).astype(np.uint8)
        scale = np.array(image.shape[1::-1]) / np.array(annotation["size"])
        for polygons in drawn["polygons"]:
            outlines = [np.round(np.array(polygon) * scale).astype(np.int32) for polygon in polygons or []]
            cv2.polylines(image, outlines, isClosed=True, color=(0, 255, 0), thickness=2)
        factor = 360 / max(image.shape[:2])
        tiles.append(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(path), np.hstack(tiles[:4])[..., ::-1])


def main() -> None:
    results, annotations, only = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    before, after = [], []
    for file in sorted(annotations.glob("*.json")):
        annotation = json.loads(file.read_text())
        folder = results / file.stem
        if (only and file.stem not in only) or "unusable" in annotation or not (folder / "result.json").is_file():
            continue
        result, video = read_result(folder / "result.json"), read_video(folder / "video")
        points, probabilities = read_points(folder / "points.npz")
        estimate = ArticulationEstimate(
            part_probabilities=probabilities,
            joints=result.joints,
            trajectory=result.trajectory,
            status=result.status,
            reasons=result.reasons,
        )
        start = time.process_time()
        labelled = label_by_synthesis(video, points, estimate)
        spent = time.process_time() - start
        old, new = (
            score(read_labels(folder / "labels", result.frame_ids), annotation, result),
            score(labelled.labels, annotation, result),
        )
        if PICTURES:
            draw(Path(PICTURES) / f"{file.stem}.png", video, labelled.labels, annotation, result)
        before += old
        after += new
        told = ", ".join(
            f"{found.joint.type.value} gain {gain:.0f} agreement {agreement:.2f} margin {margin:.2f} {found.status.value}"
            for found, gain, agreement, margin in zip(
                labelled.estimate.joints,
                labelled.labelling.gains,
                labelled.labelling.agreements,
                labelled.margins,
                strict=True,
            )
        )
        print(f"{file.stem:36s} IoU {np.round(old, 2)} -> {np.round(new, 2)}  {told}  {spent:.1f} CPU s", flush=True)
    if before:
        print(f"{len(before)} parts: mean IoU {np.mean(before):.3f} -> {np.mean(after):.3f}")


if __name__ == "__main__":
    main()
