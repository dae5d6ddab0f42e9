"""The main job from Python: a recording in, an articulated model out. The command line does the same: `sim2art run`."""

import sys
import tempfile
from pathlib import Path

import sim2art


def main(recording: Path = Path(__file__).parent / "demo_recording") -> None:
    """Reconstruct, look at the joints, save everything to a folder."""
    result = sim2art.reconstruct(recording)
    print(f"status {result.status}; used frames {list(result.frame_ids)}")
    for found in result.estimate.joints:
        print(
            f"  {found.joint.child}: {found.joint.type}, axis {found.joint.axis.round(2)}, sure {found.confidence:.2f}"
        )
    output = Path(tempfile.mkdtemp(prefix="sim2art_"))
    written = result.save(output)
    print("wrote", ", ".join(sorted(path.name for path in written)), "to", output)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
