"""Score any method: it maps a `PointVideo` to an `ArticulationEstimate`. Here: one that claims nothing, and a baseline."""

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.baselines.flow_clustering import flow_clustering
from sim2art.evaluate.benchmark import run_benchmark
from sim2art.evaluate.report import format_report
from sim2art.observation.point_video import PointVideo
from sim2art.simulate.generate import ClipConfig, iterate_clips


def claim_nothing(video: PointVideo) -> ArticulationEstimate:
    """Everything is one static part."""
    return ArticulationEstimate(
        part_probabilities=np.ones((video.num_frames, video.num_points, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=video.times.copy(), values=np.zeros((video.num_frames, 0))),
    )


def main(num_clips: int = 3) -> None:
    """Missed parts are punished, so claiming nothing is no way out."""
    config = ClipConfig(families=("drawer_chest", "laptop", "room_door"), corruption="paper", num_points=512)
    clips = iterate_clips(config, range(1_000_000, 1_000_000 + num_clips))
    methods = {"claim_nothing": claim_nothing, "flow_clustering": flow_clustering}
    print(format_report(run_benchmark(clips, methods, facts={"set": "three clips", "corruption": "paper"})))


if __name__ == "__main__":
    main()
