"""An articulated model of a recorded object with all that it was made from, and its folder of files."""

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.export.up import Up
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.video_files import write_points, write_video
from sim2art.perception.observed import Observation
from sim2art.provenance import collect_provenance
from sim2art.stages import PARTIAL, check_output, finish_move, move_in


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """An articulated model of a recorded object, and all that it was made from."""

    recording: Path
    observation: Observation
    estimate: ArticulationEstimate
    """Joints in the world frame (first used camera), as they stand at the first used frame."""
    labels: UInt8[np.ndarray, "frame height width"]
    """Part of every pixel of the used frames, 255 where no known part is seen; at the video's size."""
    articulated_object: ArticulatedObject
    up: Up
    """Which way is up in the world frame."""
    status: Status
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    """s a stage; 0 for stages that were kept from an earlier run."""
    states: FrameStates | None = None
    """Joint values of every frame; None where nothing moved or a person changed the joints."""
    other_labels: dict[int, UInt8[np.ndarray, "small_height small_width"]] = field(default_factory=dict)
    """By frame number, part of each pixel of frames that were not used, at a small size; empty unless asked for."""
    video_folder: Path | None = None
    """Folder of a result that the used frames were read from."""

    @property
    def video(self) -> RgbdVideo:
        """The used frames."""
        return self.observation.video

    @property
    def points(self) -> PointVideo:
        """The sampled points that the estimate speaks of."""
        return self.observation.points

    @property
    def frame_ids(self) -> tuple[int, ...]:
        """The recording's numbers of the used frames."""
        return self.observation.frame_ids

    def save(
        self, output: Path | str, *, overwrite: bool = False, config: dict[str, Any] | None = None, **facts: Any
    ) -> list[Path]:
        """Write result.json, labels, URDF, GLB and report into a folder; all appear together or not at all.

        Args:
            output: The folder; made when missing.
            overwrite: Replace the files of an earlier result. Its exports to other formats are removed, since they would
                tell of what was there before; other files in the folder are left alone.
            config: Options of `sim2art run`, written as config.json, which `--config` takes.
            facts: Anything else for the provenance.

        Returns:
            What was written.

        Raises:
            OutputExistsError: When the folder holds files and `overwrite` is not set.
        """
        output = Path(output)
        check_output(output, overwrite=overwrite, resume=True)
        from sim2art.export.targets import all_exports, file_name_for

        finish_move(output)
        partial = output / PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            self._write(partial, config or {}, facts)
            return move_in(partial, output, stale=(file_name_for(export) for export in all_exports()))
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _write(self, folder: Path, config: dict[str, Any], facts: dict[str, Any]) -> None:
        from sim2art.export.labels import write_labels
        from sim2art.export.package import write_model
        from sim2art.export.physics import build_physics
        from sim2art.export.result import Result, write_result
        from sim2art.export.state_table import write_state_table
        from sim2art.observation.densify import resize_labels
        from sim2art.view.report import Report, write_report

        provenance = collect_provenance(recording=str(self.recording), mask=self.observation.mask, **facts)
        size = self.observation.input_size
        write_labels(folder / "labels", resize_labels(self.labels, size), self.frame_ids)
        for frame, image in self.other_labels.items():
            write_labels(folder / "labels", resize_labels(image[None], size), [frame])
        write_video(folder / "video", self.video, self.frame_ids, read_from=self.video_folder)
        write_points(folder / "points.npz", self.points, self.estimate.part_probabilities)
        # Splitting collision geometry into pieces takes seconds a part: `sim2art export` does it.
        model = build_physics(self.articulated_object, decompose=False, up=self.up)
        parts = write_model(model, self.estimate.trajectory, folder)
        result = Result(
            name=self.articulated_object.name,
            status=self.status,
            reasons=self.reasons,
            warnings=self.warnings,
            is_metric=self.video.is_metric,
            frame_ids=self.frame_ids,
            part_meshes=tuple(part.visual for part in parts),
            part_names=tuple(link.name for link in self.articulated_object.links),
            joints=tuple(
                dataclasses.replace(found, joint=joint)
                for found, joint in zip(self.estimate.joints, self.articulated_object.joints, strict=True)
            ),
            trajectory=self.estimate.trajectory,
            up=self.up,
            states=self.states,
            provenance=provenance,
        )
        if self.states is not None:
            write_state_table(folder / "states.csv", self.states, self.articulated_object)
        report = Report(
            video=self.video,
            labels=self.labels,
            estimate=self.estimate,
            articulated_object=self.articulated_object,
            states=self.states,
            frame_ids=self.frame_ids,
            status=self.status,
            reasons=self.reasons,
            warnings=self.warnings,
            timings=self.timings,
            provenance=provenance,
        )
        write_report(folder / "report.html", report)
        (folder / "provenance.json").write_text(json.dumps(provenance, indent=2, default=str))
        (folder / "config.json").write_text(json.dumps(config, indent=2, default=str))
        write_result(folder / "result.json", result)
