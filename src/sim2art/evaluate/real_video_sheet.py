"""Pictures of results on real videos: for each clip drawn frames with our masks and axes over outlines and hinge lines.

What was drawn is white (outline) and yellow (hinge line or slide), what was found has a colour a joint: its mask, and
its axis as a line of that colour. Hands that no mask is asked about are hatched out in grey.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from sim2art.evaluate.real_video import (
    MAX_GAP,
    Drawing,
    DrawnFrame,
    FoundResult,
    VideoScore,
    axis_in_image,
    fill,
    labels_at,
)
from sim2art.evaluate.real_video_files import read_used_image
from sim2art.evaluate.real_video_report import describe_part, describe_verdict

Picture = UInt8[np.ndarray, "_ _ 3"]
COLORS = ((230, 60, 60), (40, 120, 240), (30, 170, 80), (200, 60, 200), (240, 150, 20), (0, 170, 180))
"""RGB of the joints' masks and axes, in turn."""
OUTLINE, HINGE, HAND = (255, 255, 255), (255, 220, 0), (128, 128, 128)
FRAMES = 3
"""Pictures a clip."""
HEIGHT = 420
"""px of a picture on the page."""
SHEET_HEIGHT = 200
"""px of a picture on the sheet of all clips, on which two clips stand side by side."""
_CAPTION = 18
"""px of a line of words on the sheet."""
_LONGEST = 100
"""Letters of a line there; the page has all."""


@dataclass(frozen=True, kw_only=True)
class SheetEntry:
    """One clip for the sheet."""

    score: VideoScore
    drawing: Drawing | None
    folder: Path
    """Of its result."""
    result: FoundResult | None
    """None where no result came."""


def write_sheet(folder: Path, entries: Sequence[SheetEntry], head: str, table: str) -> Path:
    """Write `sheet.html`, `sheet.jpg` and `pictures/NAME.jpg`; returns the page.

    Args:
        head: What was run, a line.
        table: The report, shown below the pictures.
    """
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    strips, sections = [], []
    for entry in entries:
        score = entry.score
        title = f"{score.clip}: {score.status}, {describe_verdict(score)}"
        pictures = _pictures(entry)
        words = [describe_part(part) for part in score.parts]
        if score.extra_joints:
            words.append(f"{score.extra_joints} other joint(s), {score.sure_extra_joints} of them sure")
        if score.failure is not None:
            words.append(score.failure)
        shown = ""
        if pictures:
            name = f"{score.clip}.jpg"
            _write(folder / "pictures" / name, _row([_to_height(picture, HEIGHT) for picture in pictures]))
            shown = f'<img src="pictures/{html.escape(name)}" alt="{html.escape(title)}">'
        sections.append(f"<h2>{html.escape(title)}</h2><p>{'<br>'.join(map(html.escape, words))}</p>{shown}")
        strips.append(_captioned(_row([_to_height(picture, SHEET_HEIGHT) for picture in pictures]), title, words))
    _write(folder / "sheet.jpg", _stack(strips))
    page = folder / "sheet.html"
    page.write_text(_page(head, sections, table), encoding="utf-8")
    return page


def draw_frame(entry: SheetEntry, place: int, drawn: DrawnFrame | None) -> Picture:
    """A used frame with what was found and drawn in it, at the used frame's size."""
    result = entry.result
    assert result is not None
    picture = np.array(read_used_image(entry.folder, result.frame_ids[place]))
    size = (picture.shape[1], picture.shape[0])
    labels = labels_at(result, place, size)
    for index, joint in enumerate(result.joints):
        mask = labels == joint.label
        picture[mask] = (0.5 * picture[mask] + 0.5 * np.array(COLORS[index % len(COLORS)])).astype(np.uint8)
    if entry.drawing is None or drawn is None:
        return picture
    scale = np.array(size) / np.array(entry.drawing.size)
    width = max(1, round(max(size) / 320))
    hand = fill(tuple(polygon * scale for polygon in drawn.hand), size)
    hatched = hand & (np.add.outer(np.arange(size[1]), np.arange(size[0])) % 8 < 3)
    picture[hatched] = HAND
    for index in range(len(entry.drawing.parts)):
        outlines = [np.rint(polygon * scale).astype(np.int32) for polygon in drawn.polygons[index]]
        cv2.polylines(picture, outlines, isClosed=True, color=OUTLINE, thickness=width, lineType=cv2.LINE_AA)
        axis = drawn.axes[index]
        if axis is not None:
            _draw_line(picture, axis * scale, HINGE, 2 * width, beyond=0.0)
    for index, joint in enumerate(result.joints):
        part = _part_under(labels == joint.label, drawn, scale)
        line = axis_in_image(joint, result, place, entry.drawing, drawn, part)
        if line is not None:
            _draw_line(picture, line * scale, COLORS[index % len(COLORS)], width, beyond=2.0 * max(size))
    return picture


def _part_under(mask: np.ndarray, drawn: DrawnFrame, scale: np.ndarray) -> int:
    """The drawn part that a mask overlaps most."""
    size = (mask.shape[1], mask.shape[0])
    outlines = [tuple(polygon * scale for polygon in polygons) for polygons in drawn.polygons]
    return int(np.argmax([np.count_nonzero(fill(polygons, size) & mask) for polygons in outlines]))


def _pictures(entry: SheetEntry) -> list[Picture]:
    """Some frames of a clip: drawn ones, spread evenly; used ones where nothing was drawn."""
    result = entry.result
    if result is None:
        return []
    if entry.drawing is None:
        places = _spread(list(range(len(result.frame_ids))))
        return [draw_frame(entry, place, None) for place in places]
    pictures = []
    for frame in _spread(sorted(entry.drawing.frames)):
        place, gap = result.nearest(frame)
        if gap <= MAX_GAP:
            pictures.append(draw_frame(entry, place, entry.drawing.frames[frame]))
        else:
            picture = _to_height(draw_frame(entry, place, None), HEIGHT)
            _say(picture, f"frame {frame} was not used; this is {result.frame_ids[place]}", (8, HEIGHT - 10))
            pictures.append(picture)
    return pictures


def _spread(items: list[int]) -> list[int]:
    """The first, the last, and evenly spread ones between."""
    places = np.unique(np.linspace(0, len(items) - 1, FRAMES).round().astype(int)) if items else []
    return [items[place] for place in places]


def _draw_line(picture: Picture, ends: np.ndarray, color: tuple[int, int, int], width: int, *, beyond: float) -> None:
    """A line between two pixels, or through them to `beyond` px on both sides; dark below, so that it shows anywhere."""
    along = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-6)
    if beyond:
        # One end may lie beside the camera and project towards infinity: the line is drawn from where it passes the middle.
        middle = np.array([picture.shape[1], picture.shape[0]]) / 2
        nearest = ends[0] + ((middle - ends[0]) @ along) * along
        ends = np.stack([nearest - beyond * along, nearest + beyond * along])
    points = [tuple(int(value) for value in np.clip(np.rint(end), -30_000, 30_000)) for end in ends]
    cv2.line(picture, points[0], points[1], (0, 0, 0), width + 2, cv2.LINE_AA)
    cv2.line(picture, points[0], points[1], color, width, cv2.LINE_AA)


def _to_height(picture: Picture, height: int) -> Picture:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _row(pictures: list[Picture]) -> Picture:
    """Pictures of one height side by side."""
    if not pictures:
        return np.full((SHEET_HEIGHT, SHEET_HEIGHT, 3), 60, np.uint8)
    gap = np.full((pictures[0].shape[0], 4, 3), 255, np.uint8)
    return np.concatenate([piece for picture in pictures for piece in (picture, gap)], axis=1)


def _captioned(strip: Picture, title: str, words: list[str]) -> Picture:
    """A strip with its title and two lines of words above it."""
    lines = [line[:_LONGEST] for line in (title, *words[:2])]
    width = max(strip.shape[1], 7 * max(map(len, lines)))
    caption = np.full((3 * _CAPTION + 4, width, 3), 255, np.uint8)
    for index, line in enumerate(lines):
        _say(caption, line, (4, _CAPTION * (index + 1) - 4), color=(0, 0, 0))
    padded = np.full((strip.shape[0], width, 3), 255, np.uint8)
    padded[:, : strip.shape[1]] = strip
    return np.concatenate([caption, padded])


def _stack(strips: list[Picture]) -> Picture:
    """Strips in two columns on one sheet."""
    width = max(strip.shape[1] for strip in strips)
    sheet = []
    for start in range(0, len(strips), 2):
        pair = strips[start : start + 2]
        row = np.full((max(strip.shape[0] for strip in pair), 2 * width + 12, 3), 255, np.uint8)
        for column, strip in enumerate(pair):
            left = column * (width + 12)
            row[: strip.shape[0], left : left + strip.shape[1]] = strip
        sheet.append(row)
    return np.concatenate(sheet)


def _say(
    picture: Picture, words: str, place: tuple[int, int], *, color: tuple[int, int, int] = (255, 255, 255)
) -> None:
    cv2.putText(
        picture, words.encode("ascii", "replace").decode(), place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA
    )


def _write(path: Path, picture: Picture) -> None:
    Image.fromarray(picture).save(path, quality=88)


def _page(head: str, sections: list[str], table: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Results on real videos</title>'
        "<style>body{font:15px/1.4 sans-serif;margin:2em;max-width:1500px}h2{font-size:1.1em;margin:1.2em 0 .2em}"
        "p{margin:.2em 0}img{max-width:100%}pre{overflow-x:auto;font-size:12px}</style>"
        f"<h1>Results on real videos</h1><p>{html.escape(head)}</p>"
        "<p>Drawn by a person: white outlines, yellow hinge lines or slides. Found: one colour a joint, its mask and its "
        f"axis. Grey: hands, left out.</p>{''.join(sections)}<h2>Table</h2><pre>{html.escape(table)}</pre></html>\n"
    )
