"""The tab in which a person corrects a result. Each control calls one edit; refusals are shown in words."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.errors import Sim2ArtError
from sim2art.geometry.rotations import any_perpendicular, quaternion_from_rotation, rotation_from_quaternion
from sim2art.view import edits
from sim2art.view.draft import Draft
from sim2art.view.draft_words import describe_joint, slider_span
from sim2art.view.refit import refit
from sim2art.view.scene import DraftScene
from sim2art.view.session import EditSession
from sim2art.view.splits import split_by_motion, split_by_plane
from sim2art.view.words import display_unit

NUDGE = np.deg2rad(2.0)
"""One press of a tilt button, rad."""


class EditPanel:
    """Controls for one chosen part; they are made anew after each edit."""

    def __init__(
        self,
        tab: Any,
        scene: DraftScene,
        session: EditSession,
        *,
        lock: AbstractContextManager[Any],
        on_edit: Callable[[], None],
        refine: Callable[[Draft], Draft] | None,
    ) -> None:
        """Make the controls that stay.

        Args:
            tab: Of viser, to be filled.
            lock: Held while an edit is made, so that callbacks run one at a time; one thread may take it again.
            on_edit: Brings what shows the draft in step with it.
            refine: Fits everything together, when at hand.
        """
        self.tab, self.scene, self.session, self.lock, self.refine = tab, scene, session, lock, refine
        self._show = on_edit
        self.gui = scene.server.gui
        self._made: list[Any] = []
        self._gizmo: Any = None
        self.part = 1
        with tab:
            self.message = self.gui.add_markdown("", order=-3.0)
            self.undo = self.gui.add_button("Undo", disabled=True, order=-2.0)
            self.save = self.gui.add_button("Save", color="green", disabled=True, order=-1.0)
        self.undo.on_click(lambda _: self._undo())
        self.save.on_click(lambda _: self._save())

    @property
    def draft(self) -> Draft:
        """As it stands."""
        return self.session.draft

    def build(self) -> None:
        """Make the controls for the chosen part."""
        for handle in reversed(self._made):
            handle.remove()
        self._made = []
        self._remove_gizmo()
        session = self.session
        self.undo.disabled = not session.can_undo
        self.save.disabled = not (session.can_save and session.is_changed)
        self.part = min(max(self.part, 0), self.draft.num_parts - 1)
        names = self.draft.part_names
        with self.tab:
            choice = self._keep(self.gui.add_dropdown("Part", names, initial_value=names[self.part], order=0.0))
            choice.on_update(lambda _: self._choose(choice.value))
            if self.part:
                self._build_joint()
            self._build_names()
            self._build_parts()

    def _build_joint(self) -> None:
        gui, part = self.gui, self.part
        joint = self.draft.estimate.joints[part - 1].joint
        self._keep(gui.add_markdown(describe_joint(self.draft, part), order=0.1))
        folder = self._keep(gui.add_folder("Joint", order=0.2))
        with folder:
            kind = gui.add_dropdown("Type", [kind.value for kind in JointType], initial_value=joint.type.value)
            kind.on_update(lambda _: self.apply(lambda d: edits.set_type(d, part, JointType(kind.value))))
            if joint.type is not JointType.FIXED:
                tilt = gui.add_button_group("Tilt axis 2°", ["left", "right", "up", "down"])
                tilt.on_click(lambda _: self._tilt(tilt.value))
                drag = gui.add_checkbox("Drag axis in the scene", initial_value=False)
                drag.on_update(lambda _: self._drag_axis() if drag.value else self._remove_gizmo())
                self._build_axis_numbers(part)
            others = [name for index, name in enumerate(self.draft.part_names) if index != part]
            parent = gui.add_dropdown("Hangs on", others, initial_value=self._name(self.draft.parent_of(part)))
            parent.on_update(lambda _: self.apply(lambda d: edits.set_parent(d, part, self._index(parent.value))))
        folder = self._keep(gui.add_folder("Fit to the video", order=0.3))
        with folder:
            gui.add_button("Fit axis and motion", hint="The type is kept as set above.").on_click(
                lambda _: self.apply(lambda d: refit(d, part), "Fitting")
            )
            gui.add_button("Fit motion only", hint="Axis and pivot stay as they are.").on_click(
                lambda _: self.apply(lambda d: refit(d, part, hold_axis=True), "Fitting")
            )
            if self.refine is not None:
                gui.add_button("Refine everything", hint="All parts and joints together; may change types.").on_click(
                    lambda _: self.apply(self.refine or (lambda d: d), "Refining")
                )
        if joint.type is not JointType.FIXED:
            self._build_limits(part)

    def _build_axis_numbers(self, part: int) -> None:
        gui, joint = self.gui, self.draft.estimate.joints[part - 1].joint
        with gui.add_folder("By numbers", expand_by_default=False):
            axis = gui.add_vector3("Axis", tuple(np.round(joint.axis, 4)), step=0.01)
            gui.add_button("Set axis").on_click(
                lambda _: self.apply(lambda d: edits.set_axis(d, part, np.array(axis.value)))
            )
            if joint.type is JointType.REVOLUTE:
                point = gui.add_vector3(
                    "Point of it (m)", tuple(np.round(edits.axis_center(self.draft, part), 4)), step=0.005
                )
                gui.add_button("Set pivot").on_click(
                    lambda _: self.apply(lambda d: edits.set_pivot(d, part, np.array(point.value)))
                )

    def _build_limits(self, part: int) -> None:
        gui, joint = self.gui, self.draft.estimate.joints[part - 1].joint
        factor, unit = display_unit(joint.type, is_metric=self.draft.is_metric)
        low, high = slider_span(self.draft, part)
        with self._keep(gui.add_folder("Limits", expand_by_default=False, order=0.4)):
            lowest = gui.add_number(f"Lowest ({unit})", round(low * factor, 2), step=0.1)
            highest = gui.add_number(f"Highest ({unit})", round(high * factor, 2), step=0.1)
            gui.add_button("Set limits").on_click(
                lambda _: self.apply(
                    lambda d: edits.set_limits(d, part, (lowest.value / factor, highest.value / factor))
                )
            )
            gui.add_button("Forget limits").on_click(lambda _: self.apply(lambda d: edits.set_limits(d, part, None)))

    def _build_names(self) -> None:
        gui, part = self.gui, self.part
        with self._keep(gui.add_folder("Name", expand_by_default=False, order=0.5)):
            name = gui.add_text("Name", self._name(part))
            gui.add_button("Rename").on_click(lambda _: self.apply(lambda d: edits.rename_part(d, part, name.value)))

    def _build_parts(self) -> None:
        gui, part = self.gui, self.part
        with self._keep(gui.add_folder("Merge and split", expand_by_default=False, order=0.6)):
            others = [name for index, name in enumerate(self.draft.part_names) if index != part]
            if part and others:
                into = gui.add_dropdown("Merge into", others)
                gui.add_button("Merge").on_click(
                    lambda _: self.apply(lambda d: edits.merge_parts(d, self._index(into.value), part))
                )
            gui.add_button("Split by motion").on_click(
                lambda _: self.apply(lambda d: split_by_motion(d, part), "Splitting")
            )
            plane = gui.add_checkbox("Place a cutting plane", initial_value=False)
            plane.on_update(lambda _: self._place_plane() if plane.value else self._remove_gizmo())
            gui.add_button("Cut").on_click(lambda _: self._cut())
        checked = self._keep(gui.add_button("I have checked this result", order=0.7))
        checked.on_click(lambda _: self.apply(edits.mark_checked))

    def apply(self, edit: Callable[[Draft], Draft], doing: str | None = None) -> None:
        """Make an edit and show what became of it."""
        with self.lock:
            before = self.draft
            if doing is not None:
                self.message.content = f"{doing} ..."
            try:
                after = self.session.apply(edit)
            except Sim2ArtError as error:
                self.message.content = f"**Not done.** {error}"
                return
            said = after.edits[len(before.edits) :]
            self.message.content = "; ".join(said) or "Nothing changed."
            if after is not before:
                self._show()

    def _undo(self) -> None:
        with self.lock:
            undone = self.draft.edits[-1:] if self.session.can_undo else ()
            self.session.undo()
            self.message.content = "".join(f"Undone: {words}" for words in undone)
            self._show()

    def _save(self) -> None:
        with self.lock:
            self.message.content = "Saving ... Exports that are there are written anew, which may take a while."
            try:
                words = self.session.save()
            except (Sim2ArtError, OSError) as error:
                self.message.content = f"**Not saved**, the result on disk is as it was. {error}"
                return
            self.message.content = words
            self._show()

    def _choose(self, name: str) -> None:
        with self.lock:
            self.part = self._index(name)
            self.build()

    def _tilt(self, way: str) -> None:
        """Turn the axis a little about one of the two directions across it that a viewer would call level and upright."""
        joint = self.draft.estimate.joints[self.part - 1].joint
        upright = np.array([0.0, -1.0, 0.0]) - joint.axis * -joint.axis[1]
        first = upright / np.linalg.norm(upright) if np.linalg.norm(upright) > 0.1 else any_perpendicular(joint.axis)
        second = np.cross(joint.axis, first)
        step = {"left": second, "right": -second, "up": first, "down": -first}[way]
        self.apply(lambda d: edits.set_axis(d, self.part, joint.axis + np.tan(NUDGE) * step))

    def _drag_axis(self) -> None:
        """A gizmo on the axis: turning it turns the axis, moving it moves the pivot."""
        self._remove_gizmo()
        part, joint = self.part, self.draft.estimate.joints[self.part - 1].joint
        gizmo = self._add_gizmo(edits.axis_center(self.draft, part), joint.axis)

        def take(_: Any) -> None:
            axis = rotation_from_quaternion(np.array(gizmo.wxyz))[:, 2]
            place = np.array(gizmo.position)

            def move(draft: Draft) -> Draft:
                changed = edits.set_axis(draft, part, axis)
                turns = joint.type is JointType.REVOLUTE
                return edits.set_pivot(changed, part, place) if turns else changed

            self.apply(move)

        gizmo.on_drag_end(take)

    def _place_plane(self) -> None:
        """A gizmo in the middle of the part whose blue axis is the plane's normal."""
        self._remove_gizmo()
        self._add_gizmo(edits.part_center(self.draft, self.part), np.array([1.0, 0.0, 0.0]), with_plane=True)

    def _cut(self) -> None:
        if self._gizmo is None:
            self.message.content = "**Not done.** Place the cutting plane first."
            return
        normal = rotation_from_quaternion(np.array(self._gizmo.wxyz))[:, 2]
        place, part = np.array(self._gizmo.position), self.part
        self.apply(lambda d: split_by_plane(d, part, place, normal), "Splitting")

    def _add_gizmo(self, place: np.ndarray, direction: np.ndarray, *, with_plane: bool = False) -> Any:
        """A handle to drag, its third (blue) axis along a direction; the parts go to their rest pose."""
        self.scene.pose(np.zeros(self.draft.num_parts - 1))
        side = any_perpendicular(direction)
        rotation = np.stack([side, np.cross(direction, side), direction], axis=1)
        size = self.scene.radius
        self._gizmo = self.scene.server.scene.add_transform_controls(
            "/gizmo", scale=0.35 * size, wxyz=quaternion_from_rotation(rotation), position=place, depth_test=False
        )
        if with_plane:
            self.scene.server.scene.add_box(
                "/gizmo/plane", dimensions=(1.2 * size, 1.2 * size, 0.002 * size), color=(250, 200, 60), opacity=0.4
            )
        return self._gizmo

    def _remove_gizmo(self) -> None:
        if self._gizmo is not None:
            self._gizmo.remove()
            self._gizmo = None

    def _keep(self, handle: Any) -> Any:
        self._made.append(handle)
        return handle

    def _name(self, part: int) -> str:
        return self.draft.part_names[part]

    def _index(self, name: str) -> int:
        return self.draft.part_names.index(name)
