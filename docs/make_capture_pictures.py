"""Draw the pictures of docs/capture_guide.md: how to record on the left, how not to on the right.

python docs/make_capture_pictures.py
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

FOLDER = Path(__file__).resolve().parent / "images"
WOOD, DOOR, DARK, SKIN, SHIRT, PAPER = "#d9c3a0", "#d9603b", "#37474f", "#e8b794", "#5b7fa6", "#f7f5f0"
GOOD, BAD = "#2e7d32", "#c62828"
WIDTH, HEIGHT = 16.0, 10.0  # Of a panel, in its own units.


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["font.size"] = 11
    for name, (good, good_words, bad, bad_words) in PICTURES.items():
        figure = Figure(figsize=(9.6, 3.5), facecolor="white")
        axes = figure.subplots(1, 2)
        for ax, draw, words, color in zip(axes, (good, bad), (good_words, bad_words), (GOOD, BAD), strict=True):
            ax.set(xlim=(-0.3, WIDTH + 0.3), ylim=(-0.3, HEIGHT + 0.3), aspect="equal")
            ax.axis("off")
            draw(ax)
            ax.set_title(words, color=color, fontsize=11.5)
        figure.tight_layout()
        path = FOLDER / f"capture_{name}.png"
        figure.savefig(path, dpi=100)
        print(path)


def draw_good_framing(ax: Axes) -> None:
    """The object in the middle, with surroundings that have something to see."""
    _frame(ax)
    _room(ax)
    _cabinet(ax, x=5.2, y=2.0, size=1.0, angle=1.0)
    _close(ax)


def draw_bad_framing(ax: Axes) -> None:
    """One blank panel fills the image."""
    _frame(ax)
    _polygon(ax, [(1.5, 0), (WIDTH, 0), (WIDTH, HEIGHT), (1.5, HEIGHT)], DOOR)
    ax.add_patch(Circle((3.0, 5.0), 0.45, facecolor=DARK, zorder=4))
    _close(ax)


def draw_good_motion(ax: Axes) -> None:
    """Closed, half, wide."""
    for index, angle in enumerate((0.0, 0.7, 1.35)):
        _cabinet(ax, x=0.1 + 5.4 * index, y=3.2, size=0.88, angle=angle)
    _arrow(ax, (0.6, 1.5), (15.4, 1.5))
    ax.text(8.0, 0.3, "a few seconds", ha="center", color=DARK)


def draw_bad_motion(ax: Axes) -> None:
    """Hardly open."""
    for index, angle in enumerate((0.0, 0.06, 0.12)):
        _cabinet(ax, x=0.1 + 5.4 * index, y=3.2, size=0.88, angle=angle)
    _arrow(ax, (0.6, 1.5), (15.4, 1.5))
    ax.text(8.0, 0.3, "a few degrees", ha="center", color=DARK)


def draw_good_camera(ax: Axes) -> None:
    """From above: along an arc, looking at the object."""
    _from_above(ax)
    middle = np.array([8.0, 8.0])
    for bearing in np.deg2rad([-125.0, -105.0, -85.0, -65.0]):
        place = middle + 6.6 * np.array([np.cos(bearing), np.sin(bearing)])
        _camera(ax, place, middle - place, faint=bearing < np.deg2rad(-70.0))
    arc = np.deg2rad(np.linspace(-128.0, -72.0, 40))
    ax.plot(8.0 + 7.6 * np.cos(arc), 8.0 + 7.6 * np.sin(arc), color=DARK, lw=1.2, ls=":")
    ax.text(13.4, 1.0, "or on a\ntripod", color=DARK, ha="center")


def draw_bad_camera(ax: Axes) -> None:
    """From above: turning on the spot, away from the object."""
    _from_above(ax)
    place = np.array([8.0, 2.2])
    for bearing in np.deg2rad([150.0, 90.0, 30.0]):
        _camera(ax, place, np.array([np.cos(bearing), np.sin(bearing)]), faint=abs(bearing - np.pi / 2) > 0.1)
    arc = np.deg2rad(np.linspace(25.0, 155.0, 40))
    ax.plot(8.0 + 2.9 * np.cos(arc), 2.2 + 2.9 * np.sin(arc), color=DARK, lw=1.2, ls=":")


def draw_good_hand(ax: Axes) -> None:
    """At the edge, from the side."""
    _frame(ax)
    _room(ax)
    tip = _cabinet(ax, x=5.2, y=2.0, size=1.0, angle=1.0)
    _arm(ax, tip, (1.2, 0.0))
    _close(ax)


def draw_bad_hand(ax: Axes) -> None:
    """Across the part."""
    _frame(ax)
    _room(ax)
    tip = _cabinet(ax, x=5.2, y=2.0, size=1.0, angle=1.0)
    _arm(ax, (tip[0] + 0.4, tip[1]), (15.0, 1.0), thickness=1.6)
    _close(ax)


PICTURES: dict[str, tuple[Callable[[Axes], None], str, Callable[[Axes], None], str]] = {
    "framing": (
        draw_good_framing,
        "The whole object, and what stands still around it",
        draw_bad_framing,
        "One blank panel: nothing to hold on to",
    ),
    "motion": (draw_good_motion, "Closed first, then slowly, as far as it goes", draw_bad_motion, "Hardly moved"),
    "camera": (
        draw_good_camera,
        "Still, or a slow arc around the object",
        draw_bad_camera,
        "Turning on the spot, losing the object",
    ),
    "hand": (draw_good_hand, "Hand at the edge, arm from the side", draw_bad_hand, "Arm across the part that moves"),
}
"""Name -> how to, its words, how not to, its words."""


def _frame(ax: Axes) -> None:
    """The camera's image."""
    ax.add_patch(Rectangle((0, 0), WIDTH, HEIGHT, facecolor=PAPER, zorder=0))


def _close(ax: Axes) -> None:
    """The image's border, over all that it shows, which ends at it."""
    border = Rectangle((0, 0), WIDTH, HEIGHT, facecolor="none", edgecolor=DARK, lw=2.5, zorder=9)
    for artist in (*ax.patches, *ax.lines):
        artist.set_clip_path(Rectangle((0, 0), WIDTH, HEIGHT, transform=ax.transData))
    ax.add_patch(border)


def _room(ax: Axes) -> None:
    """Floor boards, a picture and a plant: things with corners."""
    ax.add_patch(Rectangle((0, 0), WIDTH, 2.6, facecolor="#c9b79c", zorder=1))
    for x in np.arange(-4.0, 22.0, 2.0):
        ax.plot([8.0 + (x - 8.0) * 1.6, x], [0, 2.6], color="#a8977d", lw=1, zorder=1, clip_on=True)
    ax.add_patch(Rectangle((1.0, 5.6), 3.0, 3.0, facecolor="#cfe3ea", edgecolor=DARK, lw=1.5, zorder=1))
    _polygon(ax, [(1.2, 5.8), (2.4, 7.8), (3.8, 5.8)], "#7fa38c", zorder=2)
    ax.add_patch(Rectangle((12.9, 1.8), 1.6, 1.7, facecolor="#a86b4c", edgecolor=DARK, zorder=2))
    for lean in (-1.0, -0.4, 0.3, 0.9):
        _polygon(ax, [(13.5, 3.5), (13.9, 3.5), (13.7 + 1.5 * lean, 6.6 - abs(lean))], "#4d8a5b", zorder=2)


def _cabinet(ax: Axes, *, x: float, y: float, size: float, angle: float) -> tuple[float, float]:
    """A cabinet whose door, hinged on the right, is open by an angle (rad); returns where the door's handle is."""
    width, height, depth = 5.6 * size, 6.2 * size, 0.9 * size
    _polygon(ax, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)], WOOD)
    inner = 0.35 * size
    left, right, low, high = x + inner, x + width - inner, y + inner, y + height - inner
    if angle > 0:
        _polygon(ax, [(left, low), (right, low), (right, high), (left, high)], "#7d6a4d")
    if angle > 0.3:
        ax.plot([left, right], [0.5 * (low + high)] * 2, color=WOOD, lw=3 * size, zorder=3)
    reach, near = (right - left) * np.cos(angle), depth * np.sin(angle) * 1.4
    edge = right - reach
    _polygon(ax, [(right, low), (edge, low - near), (edge, high + 0.5 * near), (right, high)], DOOR)
    handle = (edge + 0.10 * reach, 0.5 * (low + high))
    ax.add_patch(Circle(handle, 0.22 * size, facecolor=DARK, zorder=5))
    return handle


def _arm(ax: Axes, hand: tuple[float, float], shoulder: tuple[float, float], thickness: float = 1.1) -> None:
    """A hand with its sleeve."""
    start, end = np.array(hand), np.array(shoulder)
    along = (end - start) / np.linalg.norm(end - start)
    across = 0.5 * thickness * np.array([-along[1], along[0]])
    wrist = start + 1.1 * along
    _polygon(ax, [wrist + across, wrist - across, end - 1.5 * across, end + 1.5 * across], SHIRT, zorder=6)
    _polygon(
        ax, [start + 0.5 * across, start - 0.5 * across, wrist - 0.8 * across, wrist + 0.8 * across], SKIN, zorder=6
    )
    ax.add_patch(Circle(hand, 0.5 * thickness, facecolor=SKIN, edgecolor=DARK, lw=1, zorder=7))


def _from_above(ax: Axes) -> None:
    """The cabinet from above, door open."""
    ax.add_patch(Rectangle((5.2, 7.2), 5.6, 2.2, facecolor=WOOD, edgecolor=DARK, lw=1.5))
    _polygon(ax, [(10.8, 7.2), (10.5, 7.2), (8.9, 4.6), (9.2, 4.5)], DOOR)


def _camera(ax: Axes, place: np.ndarray, towards: np.ndarray, *, faint: bool) -> None:
    """A phone from above, with what it sees."""
    along = towards / np.linalg.norm(towards)
    across = np.array([-along[1], along[0]])
    alpha = 0.45 if faint else 1.0
    view = [place, place + 2.6 * along + 1.2 * across, place + 2.6 * along - 1.2 * across]
    _polygon(ax, view, "#9fc5e8", zorder=2, alpha=0.35 * alpha)
    _polygon(
        ax,
        [
            place + 0.8 * across,
            place - 0.8 * across,
            place - 0.8 * across - 0.4 * along,
            place + 0.8 * across - 0.4 * along,
        ],
        DARK,
        zorder=4,
        alpha=alpha,
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": DARK, "lw": 1.5})


def _polygon(ax: Axes, corners: list, color: str, *, zorder: float = 3, alpha: float = 1.0) -> None:
    ax.add_patch(
        Polygon(
            np.array(corners, float), closed=True, facecolor=color, edgecolor=DARK, lw=1.2, zorder=zorder, alpha=alpha
        )
    )


if __name__ == "__main__":
    main()
