"""Make the pictures of docs/data_engine.md that show objects and hands; `make_corruption_pictures.py` makes the others.

python docs/make_data_pictures.py            # all of them
python docs/make_data_pictures.py hands      # one of: objects, real_mesh, hands
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.assets.library import make_asset
from sim2art.assets.procedural import FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.simulate.hands import HandStyle
from sim2art.simulate.joint_motions import sample_joint_values
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.simulate.seeds import named_rng
from sim2art.view.contact_sheet import draw_contact_sheet, draw_object

FOLDER = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Draw what the command line asks for."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        path = FOLDER / f"data_{name}.png"
        PICTURES[name]().quantize(160).save(path, optimize=True)
        print(path)


def draw_objects() -> Image.Image:
    """One object of each family of ours."""
    return _sheet(tuple(FAMILIES), columns=9)


def draw_real_meshes() -> Image.Image:
    """The objects of the real-mesh sets."""
    return _sheet(tuple(REAL_MESHES), columns=9)


def draw_hands() -> Image.Image:
    """Recordings with hands: mittens, as the sets of recordings have them, and fingered ones."""
    panels = []
    shown: tuple[tuple[HandStyle, str, int], ...] = (
        ("mitten", "microwave", 21),
        ("fingers", "microwave", 12),
        ("fingers", "laptop", 14),
    )
    for style, family, seed in shown:
        config = RecordingConfig(
            families=(family,), num_frames=9, width=256, height=192, hand_share=1.0, hand_style=style
        )
        recording = render_recording(config, seed)
        panels += [(f"{style}, frame {frame}", _square(recording.images[frame])) for frame in (1, 4, 7)]
    return draw_contact_sheet(panels, columns=9)


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "objects": draw_objects,
    "real_mesh": draw_real_meshes,
    "hands": draw_hands,
}


def _sheet(names: tuple[str, ...], *, columns: int) -> Image.Image:
    pictures = []
    for name in names:
        rng = named_rng(1, name)
        drawn = make_asset(name, rng)
        pictures.append(
            (name.removeprefix("real:"), draw_object(drawn, sample_joint_values(drawn.joints, rng), size=128))
        )
    return draw_contact_sheet(pictures, columns=columns)


def _square(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    left = (width - height) // 2
    return image[:, left : left + height]


if __name__ == "__main__":
    main()
