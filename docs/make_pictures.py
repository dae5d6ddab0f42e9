"""Make the pictures of README and docs.

    python docs/make_pictures.py demo                 # docs/images/demo.png, from the recording that ships here
    python docs/make_pictures.py demo out/demo        # the same from what `make demo` wrote
    python docs/make_pictures.py parts RECORDING NAME # docs/images/NAME.png: parts and axes only, no colour of the recording

The last form is for recordings whose images may not be passed on; RECORDING may be a result folder too.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.drafts import load_draft
from sim2art.reconstruction.reconstruct import reconstruct
from sim2art.view.overlays import draw_overview

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Draw what the command line asks for."""
    if sys.argv[1] == "demo":
        recording, name = Path((*sys.argv, ROOT / "examples" / "demo_recording")[2]), "demo"
    else:
        recording, name = Path(sys.argv[2]), sys.argv[3]
    found = load_draft(recording) if (recording / "result.json").is_file() else reconstruct(recording)
    video, labels = found.video, found.labels
    assert video is not None and labels is not None
    if sys.argv[1] == "parts":
        # Depth alone as a grey picture: near is bright.
        near, far = np.percentile(video.depths[video.depths > 0], [2, 98])
        shade = np.clip(1 - (video.depths - near) / max(far - near, 1e-6), 0, 1) * (video.depths > 0)
        grey = (40 + 120 * shade).astype(np.uint8)
        video = dataclasses.replace(video, images=np.repeat(grey[..., None], 3, axis=-1))
    picture = draw_overview(video, labels, found.estimate)
    path = ROOT / "docs" / "images" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).quantize(128).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
