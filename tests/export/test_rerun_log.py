"""The .rrd holds the time line, the parts and the axes; read back by rerun itself."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.export.rerun_log import write_rrd
from sim2art.export.saved import load_result
from sim2art.observation.video_files import write_video
from tests.export.test_saved import SCENE, save

pytest.importorskip("rerun")


def read_chunks(path: Path) -> list:
    """All chunks of a recording."""
    from rerun.chunk import RrdReader

    return list(RrdReader(path).stream().to_chunks())


def rows_by_entity(path: Path) -> dict[str, int]:
    """How many moments each entity was logged at (static ones: 1)."""
    found: dict[str, int] = {}
    for chunk in read_chunks(path):
        found[chunk.entity_path] = found.get(chunk.entity_path, 0) + chunk.num_rows
    return found


def test_parts_axes_and_states_are_logged_for_every_frame(tmp_path: Path) -> None:
    save(tmp_path)
    write_rrd(load_result(tmp_path), tmp_path / "object.rrd")
    rows = rows_by_entity(tmp_path / "object.rrd")
    for part in ("base", "part_1", "part_2"):
        assert rows[f"/world/{part}"] == 4
        assert rows[f"/world/{part}/mesh"] == 1
    assert rows["/world/base/joint_1"] == 1
    assert rows["/joints/joint_1"] >= 4
    assert "/world/camera/image" not in rows


def test_the_used_frames_are_logged_where_the_folder_has_them(tmp_path: Path) -> None:
    save(tmp_path)
    write_video(tmp_path / "video", SCENE.video, (0, 3, 5, 9))
    write_rrd(load_result(tmp_path), tmp_path / "object.rrd")
    assert rows_by_entity(tmp_path / "object.rrd")["/world/camera/image"] >= 4


def test_values_on_the_time_line_are_those_of_the_result(tmp_path: Path) -> None:
    save(tmp_path)
    write_rrd(load_result(tmp_path), tmp_path / "object.rrd")
    values = []
    for chunk in read_chunks(tmp_path / "object.rrd"):
        if chunk.entity_path == "/joints/joint_2":
            table = chunk.to_record_batch()
            for name in table.schema.names:
                if "Scalars" in name and not chunk.is_static:
                    values += [row[0] for row in table.column(name).to_pylist() if row]
    np.testing.assert_allclose(values, SCENE.estimate.trajectory.values[:, 1], atol=1e-12)
