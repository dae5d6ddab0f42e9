"""The simulate-and-check gate: does an export hold together in MuJoCo?

The base is held in the world, as in every export. Checked are: it compiles; at rest no two parts overlap (but a part
and the one that carries it, whose contacts simulators leave out); left alone it stays calm; with its base let go it falls
onto the ground and comes to rest (`gate_drop`); each joint, driven from end to end, gets there; and a ball fits into what
looks like a drawer. Where up is a guess, that is told. A part that moves by its own weight, which the recording does not
show, says that a guess, or what a person said, may be wrong; an up that a device measured is not doubted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.articulation.verdict import Outcome, SimulationCheck, SimulationVerdict
from sim2art.errors import MissingPackageError
from sim2art.export.cavities import Cavity, find_cavity
from sim2art.export.gate_drop import check_drop
from sim2art.export.physics import PhysicsModel
from sim2art.optional import require

_PROBE = "sim2art_probe"
_ASKEW = 0.1
"""An axis is level or upright when its cosine is this near to 0 or 1."""


_OVERLAP = 2e-3
"""Parts may overlap this much at rest, m: engines leave such slack themselves."""
_SETTLE_SECONDS = 2.0
_DRIVE_SECONDS, _HOLD_SECONDS = 1.0, 0.5
"""At each end of a joint's range."""
_STIFFNESS = 50.0
"""Of the driver, as the frequency it gives the part, rad/s."""
_MISSED = 0.02
"""Share of its range that a joint may stay away from an end."""


def check_simulation(model: PhysicsModel, path: Path, *, max_speed: float = 50.0) -> SimulationVerdict:
    """Simulate the MJCF file that `write_mjcf` wrote of a model for no target.

    Beyond `max_speed` (rad/s or m/s) the object has exploded.

    Returns:
        Every check with its outcome; one that says "not checked" where MuJoCo is not installed.
    """
    try:
        mujoco = require("mujoco", extra="export")
    except MissingPackageError as error:
        return SimulationVerdict(engine="", checks=(_check("compile", Outcome.NOT_CHECKED, str(error)),))
    engine = f"MuJoCo {mujoco.__version__}"
    try:
        gate = _Gate(mujoco, model, path, max_speed)
    except (ValueError, mujoco.FatalError) as error:
        words = f"MuJoCo refuses the file: {str(error).splitlines()[0]}"
        return SimulationVerdict(engine=engine, checks=(_check("compile", Outcome.FAILED, words),))
    compiled = _check("compile", Outcome.PASSED, f"{len(model.joints)} joint(s), {gate.num_pieces} collision piece(s)")
    drop = check_drop(mujoco, model, path, max_speed=max_speed)
    checks = [compiled, gate.check_rest(), *gate.check_settling(), drop]
    for index, joint in enumerate(model.articulated_object.joints):
        if joint.type is not JointType.FIXED:
            checks.append(gate.check_reach(index))
        if joint.type is JointType.PRISMATIC:
            checks.append(gate.check_drawer(index))
    return SimulationVerdict(engine=engine, checks=tuple(checks))


def _check(name: str, outcome: Outcome, words: str, joint: str | None = None) -> SimulationCheck:
    return SimulationCheck(name=name, outcome=outcome, words=words, joint=joint)


class _Gate:
    """A compiled model with a ball to probe with, which waits far below."""

    def __init__(self, mujoco: Any, model: PhysicsModel, path: Path, max_speed: float) -> None:
        spec = mujoco.MjSpec.from_file(str(path))
        probe = spec.worldbody.add_body(name=_PROBE, mocap=True, pos=[0, 0, -100])
        probe.add_geom(name=_PROBE, type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.01, 0, 0])
        self.mujoco, self.model, self.max_speed = mujoco, model, max_speed
        self.sim = spec.compile()
        self.data = mujoco.MjData(self.sim)
        self.num_pieces = sum(len(shape.pieces) for shape in model.collisions)

    def check_rest(self) -> SimulationCheck:
        """No two parts overlap in the rest pose."""
        self._reset()
        overlaps = self._overlaps()
        if not overlaps:
            return _check("rest", Outcome.PASSED, "no parts overlap at rest")
        (first, second), depth = max(overlaps.items(), key=lambda item: item[1])
        words = f"{first} and {second} overlap by {1000 * depth:.0f} mm at rest"
        return _check(
            "rest", Outcome.FAILED, words + (f" (and {len(overlaps) - 1} more pairs)" if len(overlaps) > 1 else "")
        )

    def check_settling(self) -> list[SimulationCheck]:
        """Left alone under gravity, nothing flies off; and what that says about up."""
        self._reset()
        trouble = self._run(_SETTLE_SECONDS)
        if trouble is not None:
            return [_check("settle", Outcome.FAILED, f"left alone, {trouble}"), self._check_up([])]
        moved = []
        for index, joint in enumerate(self.model.articulated_object.joints):
            low, high = self.model.joints[index].limits
            drift = self._value(index) - self._rest(index)
            if joint.type is not JointType.FIXED and abs(drift) > 0.05 * (high - low):
                moved.append(f"{joint.name} moves {_amount(joint.type, drift)} by its own weight")
        words = f"calm after {_SETTLE_SECONDS:g} s"
        return [_check("settle", Outcome.PASSED, "; ".join([words, *moved])), self._check_up(moved)]

    def _check_up(self, moved: list[str]) -> SimulationCheck:
        """Whether up is known, and what speaks against a guess (a camera turned by a right angle fits as well) or a person's word."""
        up = self.model.up
        turn = "if the camera was turned on its side, give --up left or --up right; if this up is right, --up top"
        if moved and up.source != "gravity":
            advice = (
                turn
                if up.is_guess
                else "unless something held it in the recording, give --up as another side or as x,y,z"
            )
            return _check("up", Outcome.FAILED, f"{up.words}, and with it {'; '.join(moved)}: {advice}")
        if not up.is_guess:
            return _check("up", Outcome.PASSED, up.words)
        odd = []
        for joint in self.model.articulated_object.joints:
            tilt = abs(float(joint.axis @ up.direction))
            if joint.type is JointType.REVOLUTE and tilt < _ASKEW:
                odd.append(f"the hinge {joint.name} lies level, as that of a flap or lid, not of a door")
            if joint.type is JointType.PRISMATIC and tilt > 1 - _ASKEW:
                odd.append(f"the slide {joint.name} runs up, not level as a drawer's")
        return _check("up", Outcome.NOT_CHECKED, "; ".join([up.words, *odd]) + (f": {turn}" if odd else ""))

    def check_reach(self, index: int) -> SimulationCheck:
        """Driven to both ends of its range with the other joints held at rest, a joint gets there."""
        joint, limits = self.model.articulated_object.joints[index], self.model.joints[index].limits
        self._reset()
        tolerance = max(_MISSED * (limits[1] - limits[0]), 2e-3)
        for end in limits:
            trouble = self._drive(index, end)
            if trouble is not None:
                return _check("reach", Outcome.FAILED, f"driven to {_amount(joint.type, end)}, {trouble}", joint.name)
            value = self._value(index)
            if abs(value - end) > tolerance:
                child = joint.child
                met = sorted(
                    {name for pair in self._overlaps(at_least=-1e-3) if child in pair for name in pair} - {child}
                )
                words = f"gets to {_amount(joint.type, value)} of {_amount(joint.type, end)}"
                return _check(
                    "reach", Outcome.FAILED, words + (f": {child} meets {', '.join(met)}" if met else ""), joint.name
                )
        span = " to ".join(_amount(joint.type, end) for end in limits)
        return _check("reach", Outcome.PASSED, f"goes from {span}", joint.name)

    def check_drawer(self, index: int) -> SimulationCheck:
        """With a slide at its far end, a ball fits into the hollow that its part shows from above."""
        joint = self.model.articulated_object.joints[index]
        cavity = find_cavity(self.model, index)
        if cavity is None:
            return _check("drawer", Outcome.NOT_CHECKED, f"{joint.child} shows no hollow from above", joint.name)
        self._reset()
        for other in range(len(self.model.joints)):
            self._set(other, cavity.value if other == index else self._rest(other))
        filled = self._fill(cavity)
        words = (
            f"a ball of {200 * cavity.radius:.1f} cm in the {100 * cavity.depth:.0f} cm deep hollow of {joint.child}"
        )
        if filled > _OVERLAP:
            return _check("drawer", Outcome.FAILED, f"no room for {words}: collision pieces fill it", joint.name)
        return _check("drawer", Outcome.PASSED, f"room for {words}", joint.name)

    def _fill(self, cavity: Cavity) -> float:
        """How deep the collision pieces reach into a ball in the cavity, m."""
        self.sim.geom(_PROBE).size[0] = cavity.radius
        self.sim.geom_rbound[self.sim.geom(_PROBE).id] = cavity.radius
        self.data.mocap_pos[0] = cavity.center
        self.mujoco.mj_forward(self.sim, self.data)
        probe = self.sim.geom(_PROBE).id
        return max((-c.dist for c in self.data.contact if probe in c.geom), default=0.0)

    def _reset(self) -> None:
        self.mujoco.mj_resetData(self.sim, self.data)
        for index in range(len(self.model.joints)):
            self._set(index, self._rest(index))
        self.mujoco.mj_forward(self.sim, self.data)

    def _rest(self, index: int) -> float:
        """The rest pose's value, 0, or the limit nearest to it."""
        return float(np.clip(0.0, *self.model.joints[index].limits))

    def _address(self, index: int) -> tuple[int, int] | None:
        joint = self.model.articulated_object.joints[index]
        if joint.type is JointType.FIXED:
            return None
        found = self.sim.joint(joint.name)
        return int(found.qposadr[0]), int(found.dofadr[0])

    def _set(self, index: int, value: float) -> None:
        address = self._address(index)
        if address is not None:
            self.data.qpos[address[0]] = value

    def _value(self, index: int) -> float:
        address = self._address(index)
        return 0.0 if address is None else float(self.data.qpos[address[0]])

    def _overlaps(self, at_least: float = _OVERLAP) -> dict[tuple[str, str], float]:
        """Deepest overlap (m) of each pair of links that touch, where it is more than `at_least`."""
        found: dict[tuple[str, str], float] = {}
        for contact in self.data.contact:
            names = sorted(self.sim.body(self.sim.geom_bodyid[geom]).name for geom in contact.geom)
            if -contact.dist > at_least:
                found[names[0], names[1]] = max(found.get((names[0], names[1]), 0.0), -float(contact.dist))
        return found

    def _drive(self, index: int, end: float) -> str | None:
        """Push a joint to `end` and hold it there, all others at rest; says what went wrong."""
        count = len(self.model.joints)
        start = [self._value(other) for other in range(count)]
        goal = [end if other == index else self._rest(other) for other in range(count)]
        begin = self.data.time

        def push() -> None:
            share = min((self.data.time - begin) / _DRIVE_SECONDS, 1.0)
            inertia = np.zeros((self.sim.nv, self.sim.nv))
            self.mujoco.mj_fullM(self.sim, self.data, inertia)
            for other in range(count):
                address = self._address(other)
                if address is None:
                    continue
                place, dof = address
                wanted = start[other] + share * (goal[other] - start[other])
                # Critically damped; no stronger than the joint's motor, but that its weight and friction are borne.
                pull = _STIFFNESS**2 * (wanted - self.data.qpos[place]) - 2 * _STIFFNESS * self.data.qvel[dof]
                force = inertia[dof, dof] * pull
                effort = self.model.joints[other].effort
                friction = self.model.joints[other].friction * np.sign(wanted - self.data.qpos[place])
                self.data.qfrc_applied[dof] = self.data.qfrc_bias[dof] + friction + np.clip(force, -effort, effort)

        trouble = self._run(_DRIVE_SECONDS + _HOLD_SECONDS, push)
        self.data.qfrc_applied[:] = 0.0
        return trouble

    def _run(self, seconds: float, push: Callable[[], None] | None = None) -> str | None:
        """Step for a while; says what went wrong."""
        end = self.data.time + seconds
        while self.data.time < end:
            if push is not None:
                push()
            self.mujoco.mj_step(self.sim, self.data)
            speed = np.abs(self.data.qvel).max(initial=0.0)
            if not np.all(np.isfinite(self.data.qpos)) or not speed < self.max_speed:
                return "the object explodes: parts move faster than anything real"
            if any(warning.number for warning in self.data.warning):
                return "MuJoCo warns that the state is unstable"
        return None


def _amount(kind: JointType, value: float) -> str:
    """A joint value for a person."""
    return f"{np.rad2deg(value):.1f} deg" if kind is JointType.REVOLUTE else f"{100 * value:.1f} cm"
