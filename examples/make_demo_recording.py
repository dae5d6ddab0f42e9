"""Make `examples/demo_recording`, the small recording that `make demo` runs on: a cabinet whose drawer and door move.

It is rendered by our own simulator, with a room, a moving camera, noisy depth and slightly drifting poses, and written
as a capture folder with the truth beside it. Run it again only to change the demo: `python examples/make_demo_recording.py`.
"""

import shutil
from pathlib import Path

from sim2art.simulate.recording_files import write_recording
from sim2art.simulate.recordings import RecordingConfig, render_recording

SEED = 800058
CONFIG = RecordingConfig(
    families=("door_drawer_cabinet",), num_frames=26, width=376, height=282, fps=8.0, hand_share=0.0
)
MAX_BYTES = 3_000_000


def main(folder: Path = Path(__file__).parent / "demo_recording") -> None:
    """Render and write the recording, in place of the one that is there."""
    recording = render_recording(CONFIG, SEED)
    if folder.exists():
        shutil.rmtree(folder)
    write_recording(recording, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size <= MAX_BYTES, f"{size} bytes; the recording ships with the repository and must stay small."
    print(f"Wrote {folder}: {len(recording.times)} frames, {size / 1e6:.2f} MB")
    for joint in recording.truth.articulated_object.joints:
        print(f"  {joint.name}: {joint.type}")


if __name__ == "__main__":
    main()
