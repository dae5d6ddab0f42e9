"""The control panel of the viewer: one tab to look, one to correct. What a button does is in `edits`, `splits`, `refit`."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.view.axes import AxisMark, mark_axes
from sim2art.view.draft import Draft
from sim2art.view.draft_words import describe_draft, slider_span
from sim2art.view.edit_panel import EditPanel
from sim2art.view.scene import DraftScene
from sim2art.view.session import EditSession
from sim2art.view.time_line import make_time_line
from sim2art.view.words import display_unit

PICTURE_WIDTH = 480
PLAY_SECONDS = 4.0
"""One pass over the recording, at least."""


class Panels:
    """Both tabs, kept in step with the scene; callbacks run one at a time."""

    def __init__(
        self,
        server: Any,
        scene: DraftScene,
        session: EditSession,
        *,
        refine: Callable[[Draft], Draft] | None = None,
    ) -> None:
        """Build the panel.

        Args:
            server: A `viser.ViserServer`.
            refine: Fits all parts and joints together, when that is at hand.
        """
        self.server, self.scene, self.session = server, scene, session
        self.lock = threading.RLock()
        self.sliders: list[Any] = []
        self._axis_marks: tuple[AxisMark | None, ...] | None = None
        self._playing = threading.Event()
        self.time_line = make_time_line(session.draft)
        self._quiet = False
        gui = server.gui
        gui.configure_theme(
            control_layout="collapsible", control_width="large", show_logo=False, show_share_button=False
        )
        gui.set_panel_label("sim2art")
        self.summary = gui.add_markdown("")
        tabs = gui.add_tab_group()
        with tabs.add_tab("Look"):
            self._build_time_line()
            self.motion_folder = gui.add_folder("Joints")
            self._build_choices()
        self.edit = EditPanel(
            tabs.add_tab("Edit"), scene, session, lock=self.lock, on_edit=self.show_draft, refine=refine
        )
        self.show_draft()
        if self.draft.video is not None:
            self.go_to_frame(0)

    @property
    def draft(self) -> Draft:
        """As it stands."""
        return self.session.draft

    def show_draft(self) -> None:
        """Bring scene and panel in step with the session's draft."""
        with self.lock, self.server.atomic():
            self._axis_marks = None
            self.scene.build(self.draft, tint=0.45 if self.by_part.value else 0.0)
            self.scene.set_visible(meshes=self.meshes.value, axes=self.axes.value)
            self.summary.content = describe_draft(self.draft, is_changed=self.session.is_changed)
            self._build_sliders()
            self.edit.build()
            if self.draft.video is not None:
                self._show_recording()

    def go_to_frame(self, index: int) -> None:
        """Show a frame: the parts where they were in it, and the picture of the used frame nearest to it."""
        with self.lock:
            self._show_recording()
            self.scene.pose(self.time_line.values_at(index, self.draft))
            self._set_sliders()

    def _build_time_line(self) -> None:
        gui, draft = self.server.gui, self.draft
        if draft.video is None:
            gui.add_markdown("*The used frames were not kept with this result.*")
            self.time = self.picture = None
            return
        blank = np.zeros((8, 8, 3), dtype=np.uint8)
        self.picture = gui.add_image(blank, format="jpeg", jpeg_quality=80)
        self.time = gui.add_slider("Frame", 0, max(len(self.time_line) - 1, 1), 1, 0)
        self.play = gui.add_button("Play", icon=None)
        time_line = self.time
        time_line.on_update(lambda _: None if self._quiet else self.go_to_frame(time_line.value))
        self.play.on_click(lambda _: self._toggle_play())

    def _build_choices(self) -> None:
        gui = self.server.gui
        with gui.add_folder("Show", expand_by_default=False):
            self.meshes = gui.add_checkbox("Meshes", initial_value=True)
            self.axes = gui.add_checkbox("Axes", initial_value=True)
            self.by_part = gui.add_checkbox("Part colours", initial_value=True)
            self.cloud = gui.add_checkbox("Points of the frame", initial_value=False)
            self.camera = gui.add_checkbox("Camera", initial_value=True)
        for box in (self.meshes, self.axes):
            box.on_update(lambda _: self.scene.set_visible(meshes=self.meshes.value, axes=self.axes.value))
        for box in (self.cloud, self.camera):
            box.on_update(lambda _: self._show_recording())
        self.by_part.on_update(lambda _: self.show_draft())

    def _build_sliders(self) -> None:
        for handle in self.sliders:
            handle.remove()
        self.sliders = []
        draft = self.draft
        with self.motion_folder:
            for part in range(1, draft.num_parts):
                joint = draft.estimate.joints[part - 1].joint
                factor, unit = display_unit(joint.type, is_metric=draft.is_metric)
                low, high = (_shown(x, factor) for x in slider_span(draft, part))
                slider = self.server.gui.add_slider(
                    f"{draft.part_names[part]} ({unit})",
                    low,
                    high,
                    0.1 if factor > 1 else (high - low) / 100,
                    float(np.clip(_shown(self.scene.values[part - 1], factor), low, high)),
                    disabled=joint.type is JointType.FIXED,
                )
                slider.on_update(lambda _: None if self._quiet else self._pose_from_sliders())
                self.sliders.append(slider)

    def _pose_from_sliders(self) -> None:
        with self.lock:
            draft = self.draft
            if len(self.sliders) != draft.num_parts - 1:
                return
            factors = [display_unit(found.joint.type, is_metric=draft.is_metric)[0] for found in draft.estimate.joints]
            self.scene.pose(np.array([s.value / f for s, f in zip(self.sliders, factors, strict=True)]))

    def _set_sliders(self) -> None:
        """Move the sliders to the scene's values, without their callbacks."""
        self._quiet = True
        try:
            for part, slider in enumerate(self.sliders, start=1):
                joint = self.draft.estimate.joints[part - 1].joint
                factor, _ = display_unit(joint.type, is_metric=self.draft.is_metric)
                slider.value = float(np.clip(_shown(self.scene.values[part - 1], factor), slider.min, slider.max))
        finally:
            self._quiet = False

    def _show_recording(self) -> None:
        """The picture of the chosen frame in the panel, and its camera in the scene."""
        from sim2art.view.overlays import draw_frames

        draft = self.draft
        if draft.video is None or self.time is None or self.picture is None:
            return
        with self.lock:
            index = int(self.time_line.nearest_used[min(self.time.value, len(self.time_line) - 1)])
            picture = draft.video.images[index]
            if draft.labels is not None:
                if self._axis_marks is None:
                    self._axis_marks = mark_axes(draft.video, draft.labels, draft.estimate)
                picture = draw_frames(
                    draft.video, draft.labels, draft.estimate, [index], width=PICTURE_WIDTH, marks=self._axis_marks
                )[0]
            self.picture.image = picture
            if self.camera.value or self.cloud.value:
                self.scene.show_frame(index, picture, with_cloud=self.cloud.value)
            else:
                self.scene.hide_frame()

    def _toggle_play(self) -> None:
        if self._playing.is_set():
            self._playing.clear()
            return
        self._playing.set()
        self.play.label = "Stop"
        threading.Thread(target=self._play, daemon=True).start()

    def _play(self) -> None:
        count = len(self.time_line)
        assert self.time is not None
        start = 0 if self.time.value >= count - 1 else self.time.value
        for index in range(start, count):
            if not self._playing.is_set():
                break
            self._quiet = True
            self.time.value = index
            self._quiet = False
            self.go_to_frame(index)
            time.sleep(PLAY_SECONDS / count)
        self._playing.clear()
        self.play.label = "Play"


def _shown(value: float, factor: float) -> float:
    """A joint value as a slider shows it: tenths of a degree or centimetre, or four digits of an unknown unit."""
    return round(float(value) * factor, 1 if factor > 1 else 4)
