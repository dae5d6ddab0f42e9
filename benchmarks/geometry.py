"""How near fused meshes come to the true surfaces, beside other libraries' fusion of the same frames.

    python benchmarks/geometry.py --work runs/geometry --methods sim2art open3d

Renders recordings of objects that others made (set `real-mesh-rgbd`) with the errors of a depth camera: range noise of
1.5 mm at 1 m that grows with the square of the distance, 0.2 % change of scale from frame to frame, a slow warp of 0.4 %, holes,
mixed pixels at edges, millimetre steps; and poses that drift a little. Joint values and part labels are the true ones, so that
fusion alone is measured. Per part and over the used frames:

- accuracy: distance of the mesh to the true surface, and the share of it within 5 and 10 mm;
- completeness: share of the true surface seen by at least two frames that has mesh within 5 and 10 mm;
- holes: share of it that has no mesh within 20 mm;
- normals: angle between the mesh and the true surface, median.

The base is measured where the object is, the room around it is not. Numbers are means over the parts of a recording.
"""

import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import trimesh
import tyro
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, part_name
from sim2art.export.meshes import fuse_part_meshes
from sim2art.geometry.cameras import unproject
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.io import video_from_arrays, video_to_arrays
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.perception.depth.filter import smooth_depth
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet
from sim2art.simulate.corruption import DEPTH_CAMERA
from sim2art.simulate.recordings import RecordingConfig, SimulatedRecording, render_recording

SENSOR = dataclasses.replace(
    DEPTH_CAMERA, scale=(0.0, 0.0), flicker=(0.002, 0.002), warp=(0.004, 0.004), noise=(0.0015, 0.0015)
)
SEEDS = (500003, 500005, 500009, 500013, 500014, 500015)
"""Door lock, drawer, laptop, microwave, sliding and hinged cabinet."""
_SEEN_STEP = 2
"""Every second pixel of a row and column says what was seen."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rendered recording with what a perfect method knows about it."""

    name: str
    video: RgbdVideo
    labels: np.ndarray
    estimate: ArticulationEstimate
    true_meshes: list[TriangleMesh]
    seen: list[Float[np.ndarray, "point 3"]]
    """Per part, rest pose: true surface points that at least two frames showed."""
    room: Float[np.ndarray, "point 3"]
    """The same of floor and walls."""


Method = Callable[[Case], list[TriangleMesh | None]]


def main(
    *,
    work: Path = Path("runs/geometry"),
    seeds: tuple[int, ...] = SEEDS,
    frames: int = 16,
    methods: tuple[str, ...] = ("sim2art",),
) -> None:
    """Render what is missing, fuse, measure, print the table.

    Args:
        work: Keeps the rendered recordings and the meshes.
        seeds: Of the set real-mesh-rgbd.
        frames: Of the 48 that a recording has, evenly chosen.
        methods: What to compare: sim2art, open3d (pip install open3d), marching_cubes (pip install scikit-image).
    """
    print(
        "| recording | method | faces | distance | < 5 mm | < 10 mm | seen < 5 mm | seen < 10 mm | holes | normals | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    rows: dict[str, list[np.ndarray]] = {method: [] for method in methods}
    for seed in seeds:
        case = load_case(work, seed, frames)
        for method in methods:
            start = time.process_time()
            meshes = METHODS[method](case)
            seconds = time.process_time() - start
            for part, mesh in enumerate(meshes):
                if mesh is not None:
                    (work / "meshes").mkdir(exist_ok=True)
                    trimesh.Trimesh(mesh.vertices, mesh.faces, face_colors=mesh.colors, process=False).export(
                        work / "meshes" / f"{case.name}-{method}-{part}.ply"
                    )
            row = np.nanmean([measure(case, part, mesh) for part, mesh in enumerate(meshes)], axis=0)
            rows[method].append(np.append(row, seconds))
            _print_row(case.name, method, rows[method][-1])
    if len(seeds) > 1:
        for method in methods:
            _print_row("mean", method, np.mean(rows[method], axis=0))
    facts = collect_provenance()
    print(f"\n{len(seeds)} recordings, {frames} frames each. {facts['machine']}; commit {facts['commit']}.")


def _print_row(name: str, method: str, row: np.ndarray) -> None:
    faces, distance, *shares, normals, seconds = row
    words = [f"{100 * share:.1f} %" for share in shares]
    print(
        f"| {name} | {method} | {faces:.0f} | {1000 * distance:.1f} mm | " + " | ".join(words) +
        f" | {normals:.1f} deg | {seconds:.1f} |",
        flush=True,
    )  # fmt: skip


def measure(case: Case, part: int, mesh: TriangleMesh | None) -> np.ndarray:
    """Faces, median distance, accuracy at 5 and 10 mm, completeness at 5 and 10 mm, holes, angle of normals (deg)."""
    seen, truth = case.seen[part], case.true_meshes[part]
    if mesh is None or len(mesh.faces) == 0:
        return np.array([0, np.nan, np.nan, np.nan, 0.0, 0.0, 1.0, np.nan])
    true_points, true_faces = trimesh.sample.sample_surface(
        trimesh.Trimesh(truth.vertices, truth.faces, process=False), 200_000, seed=0
    )
    true_tree = KDTree(true_points)
    ours = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    points, faces = trimesh.sample.sample_surface(ours, 60_000, seed=0)
    near = true_tree.query(points)[0] < KDTree(case.room).query(points)[0]  # The room is not measured.
    distance = _to_surface(points[near], true_points, true_tree, truth, np.asarray(true_faces))
    _, nearest = KDTree(points).query(seen)
    reached = np.linalg.norm(points[nearest] - seen, axis=1)
    gap = np.abs(np.einsum("pi,pi->p", points[nearest] - seen, ours.face_normals[faces[nearest]]))
    off = np.where(reached < 0.012, gap, reached)  # Samples are sparse: beside one, its plane stands for the mesh.
    _, place = true_tree.query(points[near])
    true_normals = trimesh.Trimesh(truth.vertices, truth.faces, process=False).face_normals[true_faces[place]]
    cosine = np.abs(np.einsum("pi,pi->p", true_normals, ours.face_normals[faces[near]]))
    angle = float(np.rad2deg(np.median(np.arccos(np.clip(cosine, 0.0, 1.0)))))
    return np.array([
        len(mesh.faces), np.median(distance), (distance < 0.005).mean(), (distance < 0.01).mean(),
        (off < 0.005).mean(), (off < 0.01).mean(), (off > 0.02).mean(), angle,
    ])  # fmt: skip


def _to_surface(
    points: np.ndarray, samples: np.ndarray, tree: KDTree, truth: TriangleMesh, faces: np.ndarray
) -> np.ndarray:
    """Distance to the true surface: to the planes of the nearest samples' faces, where those are near; m."""
    distances, nearest = tree.query(points, k=3)
    a, b, c = (truth.vertices[truth.faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    planes = np.abs(np.einsum("pki,pki->pk", points[:, None] - samples[nearest], normals[faces[nearest]]))
    return np.where(distances[:, 0] < 0.02, planes.min(axis=1), distances[:, 0])


def load_case(work: Path, seed: int, num_frames: int) -> Case:
    """A recording from the work folder, rendered when it is not there yet."""
    name = EvaluationSet.choose("real-mesh-rgbd", num=18).families(seed)[0].removeprefix("real:")
    path = work / f"{name}-{seed}.npz"
    config = RecordingConfig(
        families=EvaluationSet.choose("real-mesh-rgbd", num=18).families(seed), depth=SENSOR, hand_share=0.0
    )
    if not path.is_file():
        work.mkdir(parents=True, exist_ok=True)
        made = render_recording(config, seed)
        print(f"rendered {name}", file=sys.stderr, flush=True)
        _save(made, path)
    return _read(path, f"{name}-{seed}", num_frames)


def _save(made: SimulatedRecording, path: Path) -> None:
    truth = made.truth
    joints = [f"{j.name}|{j.type.value}|{j.parent}|{j.child}" for j in truth.articulated_object.joints]
    arrays = video_to_arrays(made.to_video()) | {
        "labels": np.where(made.object_masks | (made.part_images > 0), made.part_images, 255).astype(np.uint8),
        "rooms": made.part_images == 0,
        "true_depths": made.stage.depths.astype(np.float32),
        "true_poses": made.stage.world_from_camera,
        "values": truth.trajectory.values,
        "joints": np.array(joints),
        "links": np.array([link.name for link in truth.articulated_object.links]),
        "axes": np.array([joint.axis for joint in truth.articulated_object.joints]),
        "pivots": np.array([np.zeros(3) if j.pivot is None else j.pivot for j in truth.articulated_object.joints]),
    }
    for index, link in enumerate(truth.articulated_object.links):
        assert link.mesh is not None
        arrays |= {f"vertices_{index}": link.mesh.vertices, f"faces_{index}": link.mesh.faces}
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]


def _read(path: Path, name: str, num_frames: int) -> Case:
    from sim2art.articulation.assembly import part_motions
    from sim2art.articulation.joint import Joint, JointType
    from sim2art.articulation.trajectory import JointTrajectory

    with np.load(path) as file:
        kept = {key: file[key] for key in file.files}
    links = [str(link) for link in kept["links"]]
    joints = []
    for index, word in enumerate(kept["joints"]):
        joint_name, kind, parent, child = str(word).split("|")
        joints.append(
            Joint(
                name=joint_name, type=JointType(kind), parent=part_name(links.index(parent)),
                child=part_name(links.index(child)), axis=kept["axes"][index],
                pivot=kept["pivots"][index] if kind == "revolute" else None,
            )
        )  # fmt: skip
    order = np.argsort([links.index(str(word).split("|")[3]) for word in kept["joints"]])
    joints = [joints[i] for i in order]
    whole = video_from_arrays(kept)
    chosen = np.unique(np.linspace(0, len(whole.times) - 1, num_frames).round().astype(int))
    video = RgbdVideo(
        times=whole.times[chosen],
        images=whole.images[chosen],
        depths=np.array([smooth_depth(depth) for depth in whole.depths[chosen]]),
        object_masks=whole.object_masks[chosen],
        intrinsics=whole.intrinsics,
        world_from_camera=whole.world_from_camera[chosen],
        is_metric=True,
    )
    estimate = ArticulationEstimate(
        part_probabilities=np.ones((len(chosen), 1, len(links))) / len(links),
        joints=tuple(JointEstimate(joint=j, type_probabilities={j.type: 1.0}, confidence=1.0) for j in joints),
        trajectory=JointTrajectory(
            joint_names=tuple(joint.name for joint in joints),
            times=whole.times[chosen],
            values=kept["values"][chosen][:, order],
        ),
    )
    true_depths, poses = kept["true_depths"][chosen].astype(np.float64), kept["true_poses"][chosen]
    # Labels hold the room too, as those of a real recording may: it is part of what stands still.
    labels = np.where(kept["rooms"][chosen] & (kept["labels"][chosen] == 255), 0, kept["labels"][chosen])
    motions = part_motions(estimate)
    seen = [
        _seen_points(kept["labels"][chosen] == part, true_depths, whole.intrinsics, poses, motions[:, part])
        for part in range(len(links))
    ]
    room = _seen_points(kept["labels"][chosen] == 255, true_depths, whole.intrinsics, poses, motions[:, 0])
    meshes = [
        TriangleMesh(vertices=kept[f"vertices_{i}"], faces=kept[f"faces_{i}"].astype(np.int64))
        for i in range(len(links))
    ]
    return Case(
        name=name,
        video=video,
        labels=labels.astype(np.uint8),
        estimate=estimate,
        true_meshes=meshes,
        seen=seen,
        room=room,
    )


def _seen_points(
    on_part: Bool[np.ndarray, "frame height width"],
    depths: Float[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    poses: Float[np.ndarray, "frame 4 4"],
    motions: Float[np.ndarray, "frame 4 4"],
) -> Float[np.ndarray, "point 3"]:
    """True surface points in the rest pose, one a cell of 4 mm, of cells that at least two frames showed."""
    cells: list[np.ndarray] = []
    points: list[np.ndarray] = []
    for frame in range(len(depths)):
        rows, columns = np.nonzero(on_part[frame] & (depths[frame] > 0))
        keep = (rows % _SEEN_STEP == 0) & (columns % _SEEN_STEP == 0)
        rows, columns = rows[keep], columns[keep]
        pixels = np.stack([columns, rows], axis=1).astype(np.float64)
        found = apply(
            inverse(motions[frame]) @ poses[frame], unproject(intrinsics, pixels, depths[frame][rows, columns])
        )
        cell, first = np.unique(np.floor(found / 0.008).astype(np.int64), axis=0, return_index=True)
        cells.append(cell)
        points.append(found[first])
    _, first, counts = np.unique(np.concatenate(cells), axis=0, return_index=True, return_counts=True)
    return np.concatenate(points)[first[counts >= 2]]


def _fuse_with_sim2art(case: Case) -> list[TriangleMesh | None]:
    return fuse_part_meshes(case.video, case.labels, case.estimate)


def _fuse_with_open3d(case: Case) -> list[TriangleMesh | None]:
    """Open3D's volume of voxel blocks (TSDF), one a part, at our default voxel for the distance, with its marching cubes.

    Its older `ScalableTSDFVolume` gave no mesh at all (0.20, a single frame of a drawer at 0.9 m).
    """
    import open3d
    from open3d.core import Tensor

    from sim2art.articulation.assembly import part_motions

    video, motions = case.video, part_motions(case.estimate)
    camera = Tensor(video.intrinsics)
    meshes: list[TriangleMesh | None] = []
    for part in range(len(case.true_meshes)):
        on_part = case.labels == part
        depth = float(np.median(video.depths[on_part & (video.depths > 0)]))
        voxel = max(0.002, depth * max(1.5 / video.intrinsics[0, 0], 0.004))
        kind = open3d.core.float32
        volume = open3d.t.geometry.VoxelBlockGrid(
            ("tsdf", "weight", "color"), (kind, kind, kind), (1, 1, 3), voxel, block_resolution=8, block_count=20_000
        )
        for frame in range(len(video.times)):
            masked = np.where(on_part[frame], video.depths[frame], 0.0).astype(np.float32)
            image = open3d.t.geometry.Image(Tensor(masked[..., None]))
            color = open3d.t.geometry.Image(Tensor(video.images[frame].astype(np.float32) / 255))
            extrinsic = Tensor(np.ascontiguousarray(inverse(video.world_from_camera[frame]) @ motions[frame, part]))
            if masked.any():
                limits = {"depth_scale": 1.0, "depth_max": 10.0, "trunc_voxel_multiplier": 3.0}
                blocks = volume.compute_unique_block_coordinates(image, camera, extrinsic, **limits)
                volume.integrate(blocks, image, color, camera, camera, extrinsic, **limits)
        found = volume.extract_triangle_mesh(weight_threshold=1.0)
        vertices, faces = found.vertex.positions.numpy(), found.triangle.indices.numpy()
        meshes.append(TriangleMesh(vertices=vertices.astype(np.float64), faces=faces.astype(np.int64)))
    return meshes


def _fuse_with_marching_cubes(case: Case) -> list[TriangleMesh | None]:
    """Our volume, and scikit-image's marching cubes in place of surface nets."""
    from skimage.measure import marching_cubes

    def extract(coordinates: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low = coordinates.min(axis=0)
        shape = coordinates.max(axis=0) - low + 1
        volume, known = np.ones(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
        volume[tuple((coordinates - low).T)] = distances
        known[tuple((coordinates - low).T)] = True
        cells = known.copy()
        for axis in range(3):  # A cell counts where all its corners are known.
            cells &= np.roll(cells, -1, axis=axis)
        vertices, faces, _, _ = marching_cubes(volume, 0.0, mask=cells, gradient_direction="ascent")
        return vertices.astype(np.float64) + low, faces.astype(np.int64)

    with mock.patch("sim2art.export.meshes.extract_surface", extract):
        return fuse_part_meshes(case.video, case.labels, case.estimate)


METHODS: dict[str, Method] = {
    "sim2art": _fuse_with_sim2art,
    "open3d": _fuse_with_open3d,
    "marching_cubes": _fuse_with_marching_cubes,
}

if __name__ == "__main__":
    tyro.cli(main)
