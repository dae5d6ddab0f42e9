"""A draft in viser's scene: parts that move, axes with the room they may lie in, the recording's frames.

Every part is a frame of the scene that holds its rest-pose mesh, so showing other joint values only sends poses.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.assembly import part_color
from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.cameras import unproject
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rotations import quaternion_from_rotation
from sim2art.geometry.transforms import apply
from sim2art.view.axes import AxisMark, mark_joint, uncertainty_cone
from sim2art.view.draft import Draft
from sim2art.view.rendering import tint_faces
from sim2art.view.turntable import frame_object

MAX_CLOUD = 60_000
"""Points of a frame that are shown."""
MIN_MARK_POINTS = 8


class DraftScene:
    """What the browser shows of one draft; `server` is a `viser.ViserServer`."""

    def __init__(self, server: Any, draft: Draft) -> None:
        self.server = server
        self.draft = draft
        self.marks: tuple[AxisMark | None, ...] = ()
        self._frames: list[Any] = []
        self._axes: list[Any] = []
        self._shown: list[Any] = []
        self._recording: list[Any] = []
        self.values = draft.estimate.trajectory.values[0].copy()
        self.build(draft)
        self.look_from_the_front()

    def build(self, draft: Draft, *, tint: float = 0.45) -> None:
        """Show another draft (or the same with other colours); joints of the same type keep their values."""
        values = draft.estimate.trajectory.values[0].copy()
        before = {joint.child: (joint.type, index) for index, joint in enumerate(self.draft.articulated_object.joints)}
        for index, joint in enumerate(draft.articulated_object.joints):
            kind, place = before.get(joint.child, (None, 0))
            if kind is joint.type:  # An angle is no length.
                values[index] = self.values[place]
        self.draft, self.values = draft, values
        with self.server.atomic():
            for handle in [*self._shown, *self._frames, *self._axes]:
                handle.remove()
            self._shown, self._frames, self._axes = [], [], []
            self.marks = _marks(draft)
            self._ball = frame_object(draft.articulated_object, draft.estimate.trajectory)
            for part in range(draft.num_parts):
                self._add_part(part, tint)
            for part in range(1, draft.num_parts):
                self._add_axis(part)
            self.pose(self.values)

    def pose(self, values: Float[np.ndarray, "joint"]) -> None:
        """Move the parts to joint values, rad or m."""
        self.values = np.array(values, dtype=np.float64)
        motions = link_motions(self.draft.articulated_object, self.values)
        for part, frame in enumerate(self._frames):
            _place(frame, motions[part])
        for index, frame in enumerate(self._axes):
            _place(frame, motions[self.draft.parent_of(index + 1)])

    def show_frame(self, index: int, picture: UInt8[np.ndarray, "height width 3"], *, with_cloud: bool) -> None:
        """Show where the camera stood in a used frame, with its picture, and what its depth saw."""
        video = self.draft.video
        assert video is not None
        self.hide_frame()
        height, width = video.depths.shape[1:]
        world_from_camera = video.world_from_camera[index]
        camera = self.server.scene.add_camera_frustum(
            "/recording/camera",
            fov=float(2 * np.arctan(0.5 * height / video.intrinsics[1, 1])),
            aspect=width / height,
            scale=0.12 * self.radius,
            thickness=0.003 * self.radius,
            color=(90, 100, 110),
            image=picture,
            format="jpeg",
            jpeg_quality=70,
            cast_shadow=False,
            receive_shadow=False,
        )
        _place(camera, world_from_camera)
        self._recording = [camera]
        if with_cloud:
            points, colors = self._cloud_of(index)
            self._recording.append(
                self.server.scene.add_point_cloud(
                    "/recording/points", points.astype(np.float32), colors, point_size=0.003 * self.radius
                )
            )

    def hide_frame(self) -> None:
        """Take the recording out of the scene."""
        for handle in self._recording:
            handle.remove()
        self._recording = []

    @property
    def radius(self) -> float:
        """Size of what is shown, m."""
        return self._ball[1]

    def look_from_the_front(self) -> None:
        """Let browsers that connect later look at the moving parts from where the video was taken."""
        center, radius = self._ball
        self.server.scene.set_up_direction((0.0, -1.0, 0.0))
        self.server.initial_camera.up = (0.0, -1.0, 0.0)
        self.server.initial_camera.look_at = tuple(center)
        self.server.initial_camera.position = tuple(center + radius * np.array([-0.7, -0.9, -2.4]))

    def set_visible(self, *, meshes: bool, axes: bool) -> None:
        """Show or hide parts and axes."""
        for frame in self._frames:
            frame.visible = meshes
        for frame in self._axes:
            frame.visible = axes

    def _add_part(self, part: int, tint: float) -> None:
        frame = self.server.scene.add_frame(f"/parts/{part}", show_axes=False)
        self._frames.append(frame)
        mesh = self.draft.meshes[part]
        if mesh is not None and len(mesh.faces):
            shape = encode_mesh(mesh, _vertex_colors(mesh, part_color(part), tint if part else 0.0))
            self._shown.append(
                self.server.scene.add_glb(f"/parts/{part}/mesh", shape, cast_shadow=False, receive_shadow=False)
            )

    def _add_axis(self, part: int) -> None:
        frame = self.server.scene.add_frame(f"/axes/{part}", show_axes=False)
        self._axes.append(frame)
        mark = self.marks[part - 1]
        if mark is None:
            return
        color = tuple(int(0.75 * channel) for channel in part_color(part))
        length = float(np.linalg.norm(mark.segment[1] - mark.segment[0]))
        thick = max(0.006 * self.radius, 0.008 * length)
        self._shown.append(
            self.server.scene.add_arrows(
                f"/axes/{part}/arrow", mark.segment[None].astype(np.float32), color,
                shaft_radius=thick, head_radius=2.6 * thick, head_length=7 * thick,
            )
        )  # fmt: skip
        if mark.ring is not None:
            steps = np.stack([mark.ring[:-1], mark.ring[1:]], axis=1).astype(np.float32)
            self._shown.append(
                self.server.scene.add_line_segments(f"/axes/{part}/ring", steps[:-4], color, thickness=1.6 * thick)
            )
            self._shown.append(
                self.server.scene.add_arrows(
                    f"/axes/{part}/ring_head", np.stack([mark.ring[-6], mark.ring[-1]])[None].astype(np.float32), color,
                    shaft_radius=0.8 * thick, head_radius=2.4 * thick, head_length=6 * thick,
                )
            )  # fmt: skip
        cone = uncertainty_cone(mark, self.draft.estimate.joints[part - 1])
        if cone is not None:
            self._shown.append(
                self.server.scene.add_mesh_simple(
                    f"/axes/{part}/doubt", cone.vertices.astype(np.float32), cone.faces.astype(np.uint32), color=color,
                    opacity=0.3, side="double", cast_shadow=False, receive_shadow=False,
                )
            )  # fmt: skip

    def _cloud_of(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Points that the depth of a frame saw, world frame, with the colours of their parts."""
        video, labels = self.draft.video, self.draft.labels
        assert video is not None
        rows, columns = np.nonzero(video.depths[index] > 0)
        stride = 1 + len(rows) // MAX_CLOUD
        rows, columns = rows[::stride], columns[::stride]
        depth = video.depths[index, rows, columns].astype(np.float64)
        pixels = np.stack([columns, rows], axis=1).astype(np.float64)
        points = apply(video.world_from_camera[index], unproject(video.intrinsics, pixels, depth))
        colors = video.images[index, rows, columns].astype(np.float64)
        if labels is not None:
            table = np.array([part_color(part) for part in range(self.draft.num_parts)], dtype=np.float64)
            parts = labels[index, rows, columns]
            moving = (parts > 0) & (parts < len(table))
            colors[moving] = 0.35 * colors[moving] + 0.65 * table[parts[moving]]
        return points, colors.astype(np.uint8)


def _marks(draft: Draft) -> tuple[AxisMark | None, ...]:
    """Where each joint is drawn, from its part's mesh; None for fixed joints and parts without one."""
    marks: list[AxisMark | None] = []
    for part in range(1, draft.num_parts):
        joint, mesh = draft.estimate.joints[part - 1].joint, draft.meshes[part]
        if joint.type is JointType.FIXED or mesh is None or len(mesh.vertices) < MIN_MARK_POINTS:
            marks.append(None)
            continue
        points = mesh.vertices[:: max(1, len(mesh.vertices) // 2000)]
        marks.append(mark_joint(joint, points, draft.estimate.trajectory.values[:, part - 1], draft.parent_of(part)))
    return tuple(marks)


def encode_mesh(mesh: TriangleMesh, colors: UInt8[np.ndarray, "vertex 4"]) -> bytes:
    """A mesh as a GLB file whose faces show on both sides: scans are open shells."""
    import trimesh
    from trimesh.exchange.gltf import export_glb

    def show_both_sides(tree: dict[str, Any]) -> None:
        tree["materials"] = [
            {"doubleSided": True, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}
        ]
        for shape in tree["meshes"]:
            for primitive in shape["primitives"]:
                primitive["material"] = 0

    # glTF vertex colours are linear light, images and screens are sRGB.
    linear = np.round(255 * (colors / 255.0) ** 2.2).astype(np.uint8)
    shape = trimesh.Trimesh(vertices=mesh.vertices, faces=mesh.faces, vertex_colors=linear, process=False)
    return export_glb(trimesh.Scene(shape), tree_postprocessor=show_both_sides)


def _vertex_colors(mesh: TriangleMesh, color: tuple[int, int, int], tint: float) -> UInt8[np.ndarray, "vertex 4"]:
    """Mean colour of the faces about each vertex, drawn towards the part's colour."""
    faces = tint_faces(mesh, color, tint)
    count = np.maximum(np.bincount(mesh.faces.ravel(), minlength=len(mesh.vertices)), 1)
    sums = [np.bincount(mesh.faces.ravel(), np.repeat(faces[:, c], 3), len(mesh.vertices)) for c in range(3)]
    rgb = np.clip(np.stack(sums, axis=1) / count[:, None], 0, 255)
    return np.concatenate([rgb, np.full((len(rgb), 1), 255.0)], axis=1).astype(np.uint8)


def _place(handle: Any, world_from_it: Float[np.ndarray, "4 4"]) -> None:
    handle.wxyz = quaternion_from_rotation(world_from_it[:3, :3])
    handle.position = world_from_it[:3, 3]
