"""Stand-in recordings and pictures of the two tutorials (docs/tutorial_video.md, docs/tutorial_depth.md).

    python docs/make_tutorial.py record out/tutorial   # drawer.mp4 as a phone would film it, drawer_rgbd/ with depth
    python docs/make_tutorial.py draw out/tutorial     # docs/images/tutorial_*.jpg, after the tutorials' commands ran there

One chest is rendered twice: by a camera that stands still, colour alone, and by one that goes around it, with the noisy
depth of a depth camera and drifting poses.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sim2art.articulation.trajectory import JointTrajectory
from sim2art.drafts import load_draft
from sim2art.optional import require
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.joint_motions import MotionConfig
from sim2art.simulate.recording_files import write_recording
from sim2art.simulate.recordings import RecordingConfig, SimulatedRecording, render_recording
from sim2art.view.draft import Draft
from sim2art.view.overlays import draw_overview
from sim2art.view.turntable import render_motion

FAMILY, SEED = "drawer_chest", 3
FPS = 10
STEPS = 4
MOTION = MotionConfig(
    num_moving_shares=(1.0,), static_share=0.0, trembling_share=0.0, closed_share=1.0, opening=(0.8, 1.0)
)
IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Do what the command line asks for."""
    folder = Path(sys.argv[2])
    {"record": record, "draw": draw}[sys.argv[1]](folder)


def record(folder: Path) -> None:
    """Render both recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_video(_render(static_share=1.0), folder / "drawer.mp4")
    write_recording(_render(static_share=0.0), folder / "drawer_rgbd")


def draw(folder: Path) -> None:
    """Draw what was found in the recordings, and the models at the joint values that MuJoCo gives them."""
    for name in ("video", "depth"):
        result = folder / name
        found = load_draft(result)
        assert found.video is not None
        assert found.labels is not None
        _save(draw_overview(found.video, found.labels, found.estimate, width=360), f"tutorial_{name}_parts")
        _save(_simulated(found, result / "object.xml"), f"tutorial_{name}_model")


def _render(*, static_share: float) -> SimulatedRecording:
    camera = CameraConfig(
        fov_deg=(60.0, 60.0),
        fill=(0.6, 0.7),
        azimuth_deg=(-35.0, -25.0),
        elevation_deg=(22.0, 30.0),
        orbit_deg=(25.0, 35.0),
        static_share=static_share,
    )
    config = RecordingConfig(
        families=(FAMILY,),
        num_frames=40,
        width=640,
        height=480,
        fps=FPS,
        hand_share=0.0,
        motion=MOTION,
        camera=camera,
    )
    return render_recording(config, SEED)


def _write_video(recording: SimulatedRecording, path: Path) -> None:
    av = require("av", extra="video")
    height, width = recording.images.shape[1:3]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in recording.images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def _simulated(found: Draft, model_file: Path) -> np.ndarray:
    """The exported model while MuJoCo drives every joint from one end of its range to the other, drawn by us."""
    mujoco = require("mujoco", extra="export")
    model = mujoco.MjModel.from_xml_path(str(model_file))
    data = mujoco.MjData(model)
    names = tuple(joint.name for joint in found.articulated_object.joints)
    values = np.zeros((STEPS, len(names)))
    for step in range(STEPS):
        mujoco.mj_resetData(model, data)
        for index, name in enumerate(names):
            low, high = model.joint(name).range
            target = low + (high - low) * step / (STEPS - 1)
            joint = data.joint(name)
            inertia = model.dof_M0[model.joint(name).dofadr[0]]
            mujoco.mj_forward(model, data)
            for _ in range(round(1.0 / model.opt.timestep)):
                joint.qfrc_applied = joint.qfrc_bias + inertia * (400.0 * (target - joint.qpos) - 40.0 * joint.qvel)
                mujoco.mj_step(model, data)
            values[step, index] = joint.qpos[0]
    print(f"{model_file}: {names}, values by MuJoCo {np.round(values, 3).tolist()}")
    moved = JointTrajectory(joint_names=names, times=np.arange(float(STEPS)), values=values)
    pictures = render_motion(found.articulated_object, moved, steps=STEPS, size=(360, 270))
    return np.hstack([np.where(x[..., 3:] > 0, x[..., :3], 255).astype(np.uint8) for x in pictures])


def _save(picture: np.ndarray, name: str) -> None:
    path = IMAGES / f"{name}.jpg"
    Image.fromarray(picture).save(path, quality=82, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
