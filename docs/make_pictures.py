"""Make the pictures of README and docs.

    python docs/make_pictures.py demo                 # docs/images/demo.png, from the recording that ships here
    python docs/make_pictures.py parts RECORDING NAME # docs/images/NAME.png: parts and axes only, no colour of the recording

The second form is for recordings whose images may not be passed on.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.reconstruct import reconstruct
from sim2art.view.overlays import draw_overview

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Draw what the command line asks for."""
    if sys.argv[1] == "demo":
        recording, name = ROOT / "examples" / "demo_recording", "demo"
    else:
        recording, name = Path(sys.argv[2]), sys.argv[3]
    result = reconstruct(recording)
    video = result.video
    if sys.argv[1] == "parts":
        # Depth alone as a grey picture: near is bright.
        near, far = np.percentile(video.depths[video.depths > 0], [2, 98])
        shade = np.clip(1 - (video.depths - near) / max(far - near, 1e-6), 0, 1) * (video.depths > 0)
        grey = (40 + 120 * shade).astype(np.uint8)
        video = dataclasses.replace(video, images=np.repeat(grey[..., None], 3, axis=-1))
    picture = draw_overview(video, result.labels, result.estimate)
    path = ROOT / "docs" / "images" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).quantize(128).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
