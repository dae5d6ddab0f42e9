"""The RBO clips of the set real-video by two versions of the program, beside each other.

    python docs/make_real_video_pictures.py BEFORE AFTER   # folders of `sim2art evaluate --set real-video -o FOLDER`

Writes docs/images/real_video_rbo.jpg.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT = 210
"""px of a strip of three frames."""
GAP = 10
PICTURE = Path(__file__).resolve().parent / "images" / "real_video_rbo.jpg"


def main() -> None:
    """Read the strips of both folders and write them in two columns."""
    before, after = (Path(folder) / "pictures" for folder in sys.argv[1:3])
    names = sorted(path.name for path in after.glob("rbo_*.jpg") if (before / path.name).exists())
    if not names:
        raise SystemExit(f"{before} and {after} have no picture rbo_*.jpg in common; give folders that evaluate wrote.")
    rows = [[_strip(folder / name) for folder in (before, after)] for name in names]
    width = max(strip.shape[1] for row in rows for strip in row)
    sheet = np.full((len(rows) * (HEIGHT + GAP), 2 * width + GAP, 3), 255, np.uint8)
    for place, row in enumerate(rows):
        top = place * (HEIGHT + GAP)
        for column, strip in enumerate(row):
            left = column * (width + GAP)
            sheet[top : top + HEIGHT, left : left + strip.shape[1]] = strip
    Image.fromarray(sheet).save(PICTURE, quality=80)
    print(f"Wrote {PICTURE}: {', '.join(name.removesuffix('.jpg') for name in names)}")


def _strip(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        width = round(picture.width * HEIGHT / picture.height)
        return np.asarray(picture.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
