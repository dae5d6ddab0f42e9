"""Depth that a network guessed image by image, brought to one scale over a whole video.

Each guess is right up to a factor (depth) or a factor and an offset (disparity), which change from image to image. With a
moving camera they are fitted to the sparse depth that the poses were found by. With a camera that stands still, what
stands still looks the same in every image and must be as far in every image: guesses are fitted to their median there,
and pixels that never change take the median itself, so that the background does not tremble.
"""

from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.tasks import DepthGuess, DepthKind, SparseCameras

MEDIAN_DEPTH = 1.5
"""Depth of unknown scale is given this median, as later thresholds are made for metres."""
_CHANGE = 18.0
"""Grey levels from the still background above which a pixel may show something else."""
_MAX_TREMBLE = 0.06
"""Share of its inverse depth by which a pixel that stands still may depart from its median."""
_MAX_DRIFT = 0.15
"""Share by which the chained level of a guess may be off."""
_MIN_SPARSE = 12
_NUM_ROUNDS = 8
_NUM_PASSES = 5
_STRIDE = 3
"""px between the pixels that levels are fitted by."""
_FAR = 50.0
"""Times the median depth: nothing is put farther."""


def align_static(
    guesses: list[DepthGuess], grays: UInt8[np.ndarray, "frame height width"]
) -> Float32[np.ndarray, "frame height width"]:
    """Depths of one scale for a camera that stands still."""
    inverse_depths = as_inverse_depths(guesses, grays.shape[1:])
    same = _unchanged(grays)
    kind = guesses[0].kind
    known = inverse_depths > 0
    levels = _chain_levels(inverse_depths)
    aligned = inverse_depths / levels.astype(np.float32)[:, None, None]
    every = np.s_[:, ::_STRIDE, ::_STRIDE]  # A line has two unknowns: a ninth of the pixels settles it as well.
    few, usable = aligned[every].copy(), (same & known)[every]
    factors, offsets = np.ones(len(aligned)), np.zeros(len(aligned))
    for _ in range(_NUM_PASSES):
        still = _masked_median(few, usable)
        for index in range(len(few)):
            # What is far off after the chain of neighbours is no error of scale: it has moved.
            used = usable[index] & (np.abs(few[index] - still) < _MAX_DRIFT * still)
            if used.sum() > 200 // _STRIDE**2:
                factor, offset = _fit_line(few[index][used], still[used], with_offset=kind is DepthKind.DISPARITY)
                few[index] = factor * few[index] + offset
                factors[index], offsets[index] = factor * factors[index], factor * offsets[index] + offset
    factors, offsets = (values.astype(np.float32)[:, None, None] for values in (factors, offsets))
    aligned = factors * aligned + offsets
    still = _masked_median(aligned, same & known)
    # A plain door looks much like the plain wall behind it: what departs from the median has moved all the same.
    near = np.abs(aligned - still) < _MAX_TREMBLE * still
    smooth = same & near & (still > 0)[None]
    aligned = np.where(smooth, still[None], aligned)
    aligned = np.where(known, aligned * np.float32(np.median(levels)), np.float32(0.0))
    return _as_depths(aligned, is_free=kind is DepthKind.DISPARITY)


def align_to_sparse(
    guesses: list[DepthGuess], cameras: SparseCameras, size: tuple[int, int]
) -> tuple[Float32[np.ndarray, "frame height width"], float, list[int]]:
    """Depths of one scale for a moving camera.

    Args:
        guesses: Of all frames; those whose camera was not solved are left at 0.
        cameras: Poses and sparse depth.
        size: Height and width of the result.

    Returns:
        Depths, the factor by which the cameras' positions must be multiplied, and the frames that could not be fitted.

    Raises:
        InvalidFileError: When the guesses fit the sparse depth in hardly any frame.
    """
    inverse_depths = as_inverse_depths(guesses, size)
    kind = guesses[0].kind
    lost = []
    factors = np.full(len(guesses), np.nan)
    for index in range(len(guesses)):
        there, depths = read_sparse(inverse_depths[index], cameras, index)
        used = there > 0
        if not cameras.solved[index] or used.sum() < _MIN_SPARSE:
            lost.append(index)
            inverse_depths[index] = 0.0
            continue
        factor, offset = _fit_line(there[used], 1.0 / depths[used], with_offset=kind is DepthKind.DISPARITY)
        known = inverse_depths[index] > 0
        inverse_depths[index] = np.where(known, factor * inverse_depths[index] + offset, 0.0)
        factors[index] = factor
    if len(lost) > 0.5 * len(guesses):
        raise InvalidFileError(
            f"The guessed depth fits the camera's motion in {len(guesses) - len(lost)} of {len(guesses)} frames only. Another "
            "depth component may do better, or a recording with more texture in view.",
            path="depth",
        )
    # The scale of a method that means metres is kept; any other is set by the median depth.
    scale = float(np.nanmedian(factors)) if kind is DepthKind.DEPTH else 1.0
    depths = _as_depths(inverse_depths, is_free=False) * np.float32(scale)
    if kind is DepthKind.DISPARITY:
        scale = MEDIAN_DEPTH / float(np.median(depths[depths > 0]))
        depths = depths * np.float32(scale)
    return depths, scale, lost


def guessed_focal_length(guesses: list[DepthGuess]) -> float | None:
    """Median focal length (px) that the method itself found, or None."""
    found = [guess.focal_length for guess in guesses if guess.focal_length is not None]
    return float(np.median(found)) if found else None


def as_inverse_depths(guesses: list[DepthGuess], size: tuple[int, ...]) -> Float32[np.ndarray, "frame height width"]:
    """Disparity, or one over depth, at one size; 0 where there is none."""
    result = np.zeros((len(guesses), *size), np.float32)
    for index, guess in enumerate(guesses):
        values = guess.values.astype(np.float32)
        if guess.kind is DepthKind.DEPTH:
            values = np.where(values > 0, 1.0 / np.where(values > 0, values, 1.0), 0.0).astype(np.float32)
        if values.shape != size:
            # Holes must not bleed into what is known, so files with holes are resized by the nearest pixel.
            has_holes = bool(np.any(values <= 0)) and guess.kind is DepthKind.DEPTH
            how = cv2.INTER_NEAREST if has_holes else cv2.INTER_LINEAR
            values = cv2.resize(values, size[::-1], interpolation=how)
        result[index] = np.maximum(values, 0.0)
    return result


def _as_depths(inverse_depths: np.ndarray, *, is_free: bool) -> Float32[np.ndarray, "frame height width"]:
    """Depths; those of free scale get the usual median."""
    known = inverse_depths > 0
    middle = float(np.median(inverse_depths[known])) if known.any() else 1.0
    depths = np.where(known, 1.0 / np.maximum(inverse_depths, np.float32(middle / _FAR)), np.float32(0.0))
    if is_free:
        depths = depths * np.float32(MEDIAN_DEPTH * middle)
    return depths.astype(np.float32)


def _unchanged(grays: UInt8[np.ndarray, "frame height width"]) -> Bool[np.ndarray, "frame height width"]:
    """Pixels that look as they do in most images, and whose surroundings do."""
    background = np.median(grays, axis=0).astype(np.float32)
    smooth = cv2.GaussianBlur(background, (0, 0), 1.5)
    kernel = np.ones((9, 9), np.uint8)
    result = np.zeros(grays.shape, dtype=bool)
    for index, gray in enumerate(grays):
        difference = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1.5) - smooth
        # Exposure drifts as a whole; only what departs from that is a change.
        change = np.abs(difference - np.median(difference)) > _CHANGE
        result[index] = cv2.dilate(change.astype(np.uint8), kernel) == 0
    return result


def _masked_median(values: np.ndarray, mask: np.ndarray) -> Float32[np.ndarray, "height width"]:
    """Median over frames where the mask holds, 0 where it does in fewer than half of them."""
    with np.errstate(invalid="ignore"):
        hidden = np.where(mask, values, np.nan).astype(np.float32)
        enough = mask.mean(axis=0) >= 0.5
        result = np.zeros(values.shape[1:], np.float32)
        if enough.any():
            result[enough] = np.nanmedian(hidden[:, enough], axis=0)
    return result


def _chain_levels(inverse_depths: Float32[np.ndarray, "frame height width"]) -> Float[np.ndarray, "frame"]:
    """Level of each guess, from each to the next: between neighbours hardly anything moves, however much moves in all."""
    first = inverse_depths[0]
    levels = [float(np.median(first[first > 0])) if (first > 0).any() else 1.0]
    for before, after in pairwise(inverse_depths):
        both = (before > 0) & (after > 0)
        step = densest_ratio(after[both][::7] / before[both][::7]) if both.sum() > 200 else 1.0
        levels.append(levels[-1] * step)
    return np.array(levels)


def densest_ratio(ratios: Float[np.ndarray, "sample"]) -> float:
    """Mean of the shortest interval (of logarithms) that holds two fifths of the samples: the others may be wrong."""
    logs = np.sort(np.log(np.maximum(ratios, 1e-9)))
    held = max(1, int(0.4 * len(logs)))
    widths = logs[held - 1 :] - logs[: len(logs) - held + 1]
    first = int(np.argmin(widths))
    return float(np.exp(logs[first : first + held].mean()))


def _fit_line(
    x: Float[np.ndarray, "sample"], y: Float[np.ndarray, "sample"], *, with_offset: bool
) -> tuple[float, float]:
    """Factor and offset that take x to y, robust to wrong samples: the densest ratio, then weights 1 / residual."""
    step = max(1, len(x) // 20_000)
    x, y = x[::step].astype(np.float64), y[::step].astype(np.float64)
    factor, offset = densest_ratio(y / np.maximum(x, 1e-9)), 0.0
    if not with_offset:
        return factor, 0.0
    floor = 0.01 * float(np.median(np.abs(y)))
    for _ in range(_NUM_ROUNDS):
        weights = 1.0 / np.maximum(np.abs(factor * x + offset - y), floor)
        mean_x, mean_y = np.average(x, weights=weights), np.average(y, weights=weights)
        spread = np.average((x - mean_x) ** 2, weights=weights)
        if spread < 1e-12:
            break
        slope = np.average((x - mean_x) * (y - mean_y), weights=weights) / spread
        if slope <= 0:
            break  # An upside-down guess: the factor alone is safer.
        factor, offset = float(slope), float(mean_y - slope * mean_x)
    return factor, offset


def sparse_error(
    depths: Float32[np.ndarray, "frame height width"],
    cameras: SparseCameras,
    scale: float,
    used: Int[np.ndarray, "frame"],
) -> float:
    """Median relative error between depths and the sparse depth that they were fitted to."""
    errors = []
    for index in used:
        found, true = read_sparse(depths[index], cameras, int(index))
        errors.append(np.abs(found[found > 0] / (scale * true[found > 0]) - 1))
    every = np.concatenate(errors) if errors else np.zeros(0)
    return float(np.median(every)) if len(every) else float("inf")


def read_sparse(
    values: Float32[np.ndarray, "height width"], cameras: SparseCameras, frame: int
) -> tuple[Float[np.ndarray, "observation"], Float[np.ndarray, "observation"]]:
    """An image's values where a frame's points were seen, and the points' depths in the scale of the poses."""
    rows = np.flatnonzero(cameras.frame == frame)
    height, width = values.shape
    x, y = np.rint(cameras.pixels[rows]).astype(int).reshape(-1, 2).T
    found = values[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return found.astype(np.float64), cameras.depths[rows]
