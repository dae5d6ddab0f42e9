"""Which reader a path needs."""

from collections.abc import Callable
from pathlib import Path

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.advice import refuse_with_advice
from sim2art.perception.captures.azure_kinect import is_azure_kinect, read_azure_kinect
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, Capture, ColorCapture
from sim2art.perception.captures.capture_folder import is_capture_folder, read_capture_folder
from sim2art.perception.captures.frame_lists import drop_stale_times
from sim2art.perception.captures.image_folder import is_image_folder, read_image_folder
from sim2art.perception.captures.nerfstudio import is_nerfstudio, read_nerfstudio
from sim2art.perception.captures.polycam import is_polycam, read_polycam
from sim2art.perception.captures.record3d import is_record3d, read_record3d
from sim2art.perception.captures.record3d_exr import is_record3d_exr, read_record3d_exr
from sim2art.perception.captures.rgbd_folder import is_rgbd_folder, read_rgbd_folder
from sim2art.perception.captures.ros_bag import is_ros_bag, read_ros_bag
from sim2art.perception.captures.seven_scenes import is_seven_scenes, read_seven_scenes
from sim2art.perception.captures.stray_scanner import is_stray_scanner, read_stray_scanner
from sim2art.perception.captures.tum import is_tum, read_tum
from sim2art.perception.captures.video_file import VIDEO_SUFFIXES, is_video, read_video
from sim2art.perception.captures.vipe_output import is_vipe_output, read_vipe_output

READERS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], ColorCapture]], ...] = (
    ("Record3D (.r3d)", is_record3d, read_record3d),
    ("Stray Scanner (rgb.mp4, odometry.csv, depth/)", is_stray_scanner, read_stray_scanner),
    ("Record3D's EXR export (EXR_RGBD/)", is_record3d_exr, read_record3d_exr),
    ("Polycam raw data (keyframes/)", is_polycam, read_polycam),
    ("nerfstudio data (transforms.json)", is_nerfstudio, read_nerfstudio),
    ("7-Scenes or 3DMatch sequence (frame-NNNNNN.color.png, .depth.png)", is_seven_scenes, read_seven_scenes),
    ("ViPE output (rgb/, depth/, pose/, intrinsics/)", is_vipe_output, read_vipe_output),
    ("TUM RGB-D folder (rgb.txt, depth.txt)", is_tum, read_tum),
    (
        "colour and depth folders (RealSense, ScanNet, BundleSDF: color/ or rgb/, depth/, camera file)",
        is_rgbd_folder,
        read_rgbd_folder,
    ),
    ("capture folder (rgb/, depth/, camera.json)", is_capture_folder, read_capture_folder),
    ("Azure Kinect or Orbbec Femto (.mkv)", is_azure_kinect, read_azure_kinect),
    ("ROS 1 or ROS 2 recording, RealSense's .bag (.bag, metadata.yaml)", is_ros_bag, read_ros_bag),
    ("video (.mp4, .mov, .avi ...)", is_video, read_video),
    ("folder of pictures", is_image_folder, read_image_folder),
)
"""Name, test and reader of each format; the first whose test holds is used."""


def open_recording(path: Path, name: str | None = None) -> ColorCapture:
    """Open a recording with the reader that knows its format; it has depth when it is a `Capture`.

    Args:
        path: A file or folder.
        name: Which video, for a folder that holds results of several.

    Raises:
        InvalidFileError: When nothing is there or no reader knows it.
    """
    known = "; ".join(name for name, _, _ in READERS)
    if not path.exists():
        raise InvalidFileError(f"{path} does not exist. A recording is one of these: {known}.", path=path)
    if path.is_dir() and not any(path.iterdir()):
        raise InvalidFileError(f"{path} is an empty folder. Known recordings: {known}.", path=path)
    refuse_with_advice(path)
    for _, knows, read in READERS:
        if knows(path):
            return drop_stale_times(read_vipe_output(path, name) if read is read_vipe_output else read(path))
    if path.is_file():
        raise InvalidFileError(f"{path} is no recording that sim2art knows. Known: {known}.", path=path)
    found = ", ".join(sorted(file.name for file in path.iterdir())[:6])
    inner = [file for file in path.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES]
    hint = f" If the recording is {inner[0].name}, pass that file." if inner else ""
    raise InvalidFileError(
        f"{path} is no recording that sim2art knows; it holds: {found}.{hint} Known: {known}.", path=path
    )


def open_capture(path: Path) -> Capture:
    """Open a recording that has depth.

    Raises:
        InvalidFileError: When nothing is there, no reader knows it, or it has no depth.
    """
    capture = open_recording(path)
    if not isinstance(capture, Capture):
        kind = "a plain video" if path.is_file() else "images"
        raise InvalidFileError(f"{path} holds {kind} without depth. {HOW_TO_GET_DEPTH}.", path=path)
    return capture
