"""A saved result as a MuJoCo model, with a push at every joint: `make demo`, then this. `pip install 'sim2art[export]'`."""

import sys
from pathlib import Path

from sim2art.articulation.joint import JointType
from sim2art.export.package import ExportOptions, export_result
from sim2art.export.saved import load_result
from sim2art.export.targets import Export, Format
from sim2art.optional import require


def main(folder: Path = Path(__file__).parents[1] / "out" / "demo") -> None:
    """Write object.xml into the result folder, load it, and push every joint towards its upper end for a second.

    Args:
        folder: Output of `sim2art run`.
    """
    mujoco = require("mujoco", extra="export")
    # One hull a part is enough to move things; without it, drawers are hollow, which takes a few seconds a part.
    options = ExportOptions(exports=(Export(format=Format.MJCF),), decompose=False, check=False)
    exported = export_result(load_result(folder), options)

    model = mujoco.MjModel.from_xml_path(str(folder / "object.xml"))
    data = mujoco.MjData(model)
    print(f"{exported.result.name}: {model.nbody} bodies, {model.njnt} joints, step {model.opt.timestep:g} s")
    for found in exported.result.joints:
        name, low, high = found.joint.name, *model.joint(found.joint.name).range
        mujoco.mj_resetData(model, data)
        mujoco.mj_forward(model, data)
        joint = data.joint(name)
        for _ in range(round(1.0 / model.opt.timestep)):
            # A spring and a damper that are as strong as the part is heavy.
            inertia = model.dof_M0[model.joint(name).dofadr[0]]
            joint.qfrc_applied = joint.qfrc_bias + inertia * (400.0 * (high - joint.qpos) - 40.0 * joint.qvel)
            mujoco.mj_step(model, data)
        unit = "rad" if found.joint.type is JointType.REVOLUTE else "m"
        print(f"  {name}: pushed to {joint.qpos[0]:.2f} {unit}, range {low:.2f} .. {high:.2f}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
