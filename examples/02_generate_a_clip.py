"""Generate one simulated clip and look at it: what a method sees, and the truth it is scored against."""

import numpy as np

from sim2art.evaluate.flow_metrics import score_flow
from sim2art.simulate.generate import ClipConfig, generate_clip


def main() -> None:
    """The same seed gives the same clip everywhere."""
    config = ClipConfig(families=("drawer_chest", "laptop", "room_door"), corruption="real", num_points=1024)
    clip = generate_clip(config, seed=1_000_003)
    video = clip.video
    print(f"family {clip.provenance['family']}: {video.num_frames} frames of {video.num_points} points")
    for index, baseline in enumerate(video.baselines):
        share = video.flow_valid[index, : video.num_frames - baseline].mean()
        print(f"  flow to the frame {baseline} ahead: measured at {100 * share:.0f} % of the points")
    for part, link in enumerate(clip.truth.links):
        print(f"  part {part} ({link.name}): {np.sum((clip.part_ids == part) & video.valid)} points")
    for index, joint in enumerate(clip.truth.joints):
        low, high = clip.trajectory.values[:, index].min(), clip.trajectory.values[:, index].max()
        print(f"  {joint.name}: {joint.type}, axis {joint.axis.round(2)}, values {low:.2f} .. {high:.2f}")
    first = score_flow(clip)[0]
    print(f"  what stands still seems to move by {first.still_cm:.2f} cm (median): the corruption at work")


if __name__ == "__main__":
    main()
