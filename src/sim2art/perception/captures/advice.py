"""What to do with files that hold recordings in a form that is not read: one sentence each."""

from pathlib import Path

from sim2art.errors import InvalidFileError

_UNPACK = "is an archive: unpack it and pass what was in it (Record3D's .r3d files stay as they are)"
_ZED = "is a ZED recording: export it by ZED's own tool as colour and 16-bit depth images with the intrinsics in camera.json"
_MODEL = "is a finished model: what moves must be recorded as a video"
_BY_SUFFIX = {
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"), _UNPACK),
    **dict.fromkeys((".svo", ".svo2"), _ZED),
    **dict.fromkeys((".usdz", ".glb"), _MODEL),
    ".sens": "is ScanNet's packed recording: unpack it by ScanNet's SensReader (colour, depth, poses and intrinsics) and pass that folder",
    ".oni": "is an OpenNI recording: export it as colour and 16-bit depth images aligned to colour, with the intrinsics in camera.json",
    ".ply": "is a point cloud or mesh: what moves must be recorded as a video",
}
_FOLDER_FORM = (
    "Known for certain is our capture folder: rgb/NNNNNN.jpg, depth/NNNNNN.png (16 bit, 0 = none, aligned to colour) and "
    "camera.json"
)


def refuse_with_advice(path: Path) -> None:
    """Raise InvalidFileError, with what to do, where a path is of a kind known not to be read."""
    if path.is_file():
        advice = _BY_SUFFIX.get(path.suffix.lower())
        if advice is not None:
            raise InvalidFileError(f"{path} {advice}. {_FOLDER_FORM}.", path=path)
        return
    is_converted = any(path.glob("*_Depth_*.png")) and any(path.glob("*_Color_*.png"))
    if is_converted:
        raise InvalidFileError(
            f"{path} holds what rs-convert -p wrote: its *_Depth_*.png files are colour pictures of depth, from which no "
            "metres can be had. Pass the .bag file itself.",
            path=path,
        )
    packed = [file for file in path.iterdir() if file.suffix.lower() in _BY_SUFFIX]
    if packed and all(file in packed for file in path.iterdir()):
        raise InvalidFileError(
            f"{path} holds {packed[0].name}, which {_BY_SUFFIX[packed[0].suffix.lower()]}.", path=path
        )
