"""`states.csv`: the joint values of every frame as a table for other programs."""

import csv
from pathlib import Path

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.frame_states import FrameStates


def write_state_table(path: Path, states: FrameStates, articulated_object: ArticulatedObject) -> None:
    """One row a frame: its number, its time (s), and of each joint value (rad or m), sigma and whether its part is in view.

    A joint that could not be followed has no sigma.
    """
    names = [joint.name for joint in articulated_object.joints]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frame", "time", *(f"{name}{kind}" for name in names for kind in ("", "_sigma", "_visible"))])
        for row, frame in enumerate(states.frame_ids):
            cells: list[object] = [frame, f"{states.times[row]:.6f}"]
            for joint in range(len(names)):
                cells.append(f"{states.values[row, joint]:.6f}")
                cells.append(f"{states.sigmas[row, joint]:.6f}" if states.followed[joint] else "")
                cells.append(int(states.visible[row, joint]))
            table.writerow(cells)
