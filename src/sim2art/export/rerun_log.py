"""rerun recording (.rrd): frames, points by part, meshes that move, axes and joint values over the time line.

Everything stands in the world of the result (first camera, OpenCV axes). The time line `time` counts seconds of the
recording, `frame` its frame numbers.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import part_color
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.export.saved import SavedResult
from sim2art.file_names import utf8_path
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.observation.point_video import PointVideo
from sim2art.observation.video_files import read_points, read_video
from sim2art.optional import require


def write_rrd(saved: SavedResult, path: Path) -> None:
    """Write a recording for the rerun viewer; the used frames and points are logged where the result's folder has them.

    Raises:
        MissingPackageError: When rerun-sdk is not installed.
    """
    rr = require("rerun", extra="export")
    articulated_object, trajectory = saved.articulated_object, saved.result.trajectory
    stream = rr.RecordingStream(f"sim2art: {saved.result.name}")
    with utf8_path(path) as place:
        stream.save(str(place))
    stream.log("world", rr.ViewCoordinates.RDF, static=True)
    for link in articulated_object.links:
        if link.mesh is not None and len(link.mesh.faces):
            stream.log(f"world/{_entity(link.name)}/mesh", _mesh(rr, link.mesh, link.color), static=True)
    for index, found in enumerate(saved.result.joints):
        name = _entity(found.joint.name)
        stream.log(
            f"world/{_entity(found.joint.parent)}/{name}", _axis(rr, articulated_object, found.joint), static=True
        )
        unit = "rad" if found.joint.type is JointType.REVOLUTE else "m" if saved.result.is_metric else "units"
        color = part_color(index + 1)
        stream.log(f"joints/{name}", rr.SeriesLines(names=f"{found.joint.name} ({unit})", colors=[color]), static=True)
    video = read_video(saved.folder / "video") if (saved.folder / "video" / "camera.json").is_file() else None
    points = read_points(saved.folder / "points.npz") if (saved.folder / "points.npz").is_file() else None
    if video is not None:
        height, width = video.images.shape[1:3]
        pinhole = rr.Pinhole(image_from_camera=video.intrinsics, width=width, height=height)
        stream.log("world/camera/image", pinhole, static=True)
    motions = link_motions(articulated_object, trajectory.values)
    for frame, (frame_id, time) in enumerate(zip(saved.result.frame_ids, trajectory.times, strict=True)):
        stream.set_time("frame", sequence=frame_id)
        stream.set_time("time", duration=float(time))
        for link, motion in zip(articulated_object.links, motions[frame], strict=True):
            moved = rr.Transform3D(translation=motion[:3, 3], mat3x3=motion[:3, :3])
            stream.log(f"world/{_entity(link.name)}", moved)
        for index, found in enumerate(saved.result.joints):
            stream.log(f"joints/{_entity(found.joint.name)}", rr.Scalars(float(trajectory.values[frame, index])))
        if video is not None:
            pose = video.world_from_camera[frame]
            stream.log("world/camera", rr.Transform3D(translation=pose[:3, 3], mat3x3=pose[:3, :3]))
            stream.log("world/camera/image", rr.Image(video.images[frame]).compress(jpeg_quality=85))
        if points is not None:
            _log_points(rr, stream, articulated_object, points[0], np.argmax(points[1], axis=-1), frame)
    stream.flush()
    stream.disconnect()


def _log_points(
    rr: Any, stream: Any, articulated_object: ArticulatedObject, points: PointVideo, part_ids: np.ndarray, frame: int
) -> None:
    """The points as they were seen, by part."""
    for part, link in enumerate(articulated_object.links):
        chosen = points.valid[frame] & (part_ids[frame] == part)
        cloud = rr.Points3D(points.points_world[frame][chosen], colors=[part_color(part)], radii=[0.004])
        stream.log(f"world/points/{_entity(link.name)}", cloud)


def _mesh(rr: Any, mesh: TriangleMesh, color: tuple[int, int, int]) -> Any:
    """Faces share no vertices, so that each keeps its colour."""
    mesh = mesh.painted(color) if mesh.colors is None else mesh
    assert mesh.colors is not None
    corners = mesh.vertices[mesh.faces].reshape(-1, 3).astype(np.float32)
    return rr.Mesh3D(vertex_positions=corners, vertex_colors=np.repeat(mesh.colors, 3, axis=0))


def _axis(rr: Any, articulated_object: ArticulatedObject, joint: Joint) -> Any:
    """An arrow along the joint's axis, beside the part that it moves."""
    child = articulated_object.link_index(joint.child)
    mesh = articulated_object.links[child].mesh
    middle = np.zeros(3) if mesh is None or len(mesh.vertices) == 0 else mesh.vertices.mean(axis=0)
    length = 0.3 if mesh is None or len(mesh.vertices) == 0 else float(np.ptp(mesh.vertices @ joint.axis)) + 0.1
    if joint.type is JointType.REVOLUTE and joint.pivot is not None:
        middle = nearest_point_on_line(middle, joint.axis, joint.pivot)
    start = middle - 0.5 * length * joint.axis
    return rr.Arrows3D(origins=[start], vectors=[length * joint.axis], colors=[part_color(child)], labels=[joint.name])


def _entity(name: str) -> str:
    """A name as one step of an entity path; slashes would make two."""
    return name.replace("/", "_")
