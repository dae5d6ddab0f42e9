"""Part of the simulate-and-check gate: the object with a free base, let fall onto level ground from a hand's breadth."""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.verdict import Outcome, SimulationCheck
from sim2art.export.physics import PhysicsModel
from sim2art.geometry.transforms import apply

HEIGHT = 0.02
"""m above the ground."""
MAX_SECONDS = 5.0
"""Within which it must come to rest."""
_CALM_SPEED = 0.05
"""m/s and rad/s."""
_CALM_SECONDS = 0.25
_TIPPED = np.deg2rad(10.0)


def check_drop(mujoco: Any, model: PhysicsModel, path: Path, *, max_speed: float) -> SimulationCheck:
    """Let the object fall: it must come to rest, and nothing may fly off; that it tips over is told.

    Args:
        model: What the file was written from.
        path: From `write_mjcf`, for no target.
        max_speed: rad/s or m/s; beyond it the object has exploded.
    """
    corners = [piece.vertices for shape in model.collisions for piece in shape.pieces]
    base = model.articulated_object.link_index(model.articulated_object.root)
    if not model.collisions[base].pieces:
        return _check(Outcome.NOT_CHECKED, "the base has no geometry to stand on")
    lowest = float(apply(model.root_from_world, np.concatenate(corners))[:, 2].min())
    sim = _with_free_base(mujoco, model, path, lift=HEIGHT - lowest)
    data = mujoco.MjData(sim)
    calm_since: float | None = None
    while data.time < MAX_SECONDS:
        mujoco.mj_step(sim, data)
        speed = float(np.abs(data.qvel).max(initial=0.0))
        if not np.all(np.isfinite(data.qpos)) or not speed < max_speed:
            return _check(Outcome.FAILED, "let fall, the object explodes: parts move faster than anything real")
        if any(warning.number for warning in data.warning):
            return _check(Outcome.FAILED, "let fall, MuJoCo warns that the state is unstable")
        calm_since = None if speed > _CALM_SPEED or data.ncon == 0 else calm_since or float(data.time)
        if calm_since is not None and data.time - calm_since > _CALM_SECONDS:
            break
    else:
        return _check(Outcome.FAILED, f"let fall, it does not come to rest within {MAX_SECONDS:g} s")
    up = np.zeros(9)
    mujoco.mju_quat2Mat(up, data.qpos[3:7])
    tilt = float(np.arccos(np.clip(up[8], -1.0, 1.0)))
    words = f"falls {100 * HEIGHT:g} cm and comes to rest in {calm_since:.1f} s"
    return _check(
        Outcome.PASSED,
        words
        if tilt < _TIPPED
        else f"{words}, tipped over by {np.rad2deg(tilt):.0f} deg: what was seen of it stands so",
    )


def _check(outcome: Outcome, words: str) -> SimulationCheck:
    return SimulationCheck(name="drop", outcome=outcome, words=words)


def _with_free_base(mujoco: Any, model: PhysicsModel, path: Path, *, lift: float) -> Any:
    """The model with its base let go above level ground."""
    spec = mujoco.MjSpec.from_file(str(path))
    base = spec.body(model.articulated_object.root)
    outer = base.parent
    outer.pos = [0, 0, lift]
    outer.add_freejoint()
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], friction=[model.config.contact_friction, 0.005, 0.0001]
    )
    return spec.compile()
