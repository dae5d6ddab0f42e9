"""Build a cabinet with a hinged door and a drawer, move it, and see where points go. NumPy only, runs at once."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.transforms import apply


def main() -> None:
    """Open the door by 90 degrees and the drawer by 30 cm."""
    cabinet = ArticulatedObject(
        name="cabinet",
        links=(Link(name="body"), Link(name="door"), Link(name="drawer")),
        joints=(
            Joint(
                name="hinge",
                type=JointType.REVOLUTE,
                parent="body",
                child="door",
                axis=np.array([0.0, 0.0, 1.0]),
                pivot=np.array([0.4, 0.0, 0.7]),  # Any point of the axis; the joint keeps the one nearest the origin.
            ),
            Joint(
                name="slide", type=JointType.PRISMATIC, parent="body", child="drawer", axis=np.array([0.0, -1.0, 0.0])
            ),
        ),
    )
    print("pivot of the hinge:", cabinet.joints[0].pivot)

    values = np.array([np.pi / 2, 0.3])  # rad, m; 0 is the rest pose.
    motions = link_motions(cabinet, values)
    handle = np.array([[-0.4, 0.0, 0.5]])  # At rest, object frame, m.
    print("handle of the open door:", apply(motions[cabinet.link_index("door")], handle)[0].round(3))
    print("front of the open drawer:", apply(motions[cabinet.link_index("drawer")], np.zeros((1, 3)))[0].round(3))

    # The sign of an axis is free: flip it, flip the value, and nothing changes.
    hinge = cabinet.joints[0]
    assert np.allclose(hinge.transform(0.5), hinge.flipped().transform(-0.5))


if __name__ == "__main__":
    main()
