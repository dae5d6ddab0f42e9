"""The viewer in a real browser: it loads, a slider moves a part, an edit is fitted and saved. Pictures are kept.

They go to `out/screenshots`, to be looked at.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sim2art.articulation.joint import JointType
from sim2art.drafts import save_draft
from sim2art.export.result import read_result
from tests.view.drafts import make_draft

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader"
).split()
SCREENSHOTS = Path(__file__).parents[2] / "out" / "screenshots"
MAX_START, MAX_LOAD = 3.0, 5.0
"""s, on a machine with nothing else to do."""


def patience() -> float:
    """How much longer things may take: a machine that is busy with other work measures that work."""
    return max(1.0, 3.0 * os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("view") / "cabinet"
    save_draft(make_draft(), output, origin=output)
    return output


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "sim2art.cli.main", "view", str(folder), "--port", "auto"]
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as viewer:
        assert viewer.stdout is not None
        line = viewer.stdout.readline()
        took = time.monotonic() - start
        found = re.search(r"http://\S+", line)
        try:
            assert found, line
            assert took < MAX_START * patience()
            yield found.group()
        finally:
            viewer.terminate()


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with api.sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=browser, headless=True, args=FLAGS,
            viewport={"width": 900, "height": 640},
        )  # fmt: skip
        context.set_default_timeout(60_000)
        opened = context.new_page()
        opened.problems = []
        opened.on("console", lambda message: message.type == "error" and opened.problems.append(message.text))
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        start = time.monotonic()
        opened.goto(address)
        opened.get_by_text("Joints", exact=True).first.wait_for()
        opened.load_seconds = time.monotonic() - start
        time.sleep(3)
        yield opened
        context.close()


def press(page: Any, text: str) -> None:
    """Click on a button or tab; by event, as a software renderer leaves no time to hover."""
    page.get_by_text(text, exact=True).first.dispatch_event("click")
    time.sleep(1)


def picture(page: Any, name: str) -> np.ndarray:
    """The 3D view, left of the panel; the page is kept as a file."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, timeout=120_000)
    return np.array(Image.open(path).convert("RGB")).astype(int)[:, :520]


def slide_to_end(page: Any, label: str) -> None:
    """Move a slider to its highest value by keyboard."""
    name = page.get_by_text(label, exact=True).first.get_attribute("for")
    page.locator(f'[id="{name}"] [role=slider]').press("End")
    time.sleep(2)


def choose(page: Any, label: str, option: str) -> None:
    """Pick from a drop-down list."""
    name = page.get_by_text(label, exact=True).first.get_attribute("for")
    page.locator(f'[id="{name}"]').click(force=True)
    page.get_by_role("option", name=option, exact=True).dispatch_event("click")
    time.sleep(1)


def wait_for(page: Any, words: str) -> None:
    page.get_by_text(words).first.wait_for(timeout=120_000)


def test_the_page_loads_and_says_what_was_found(page: Any) -> None:
    assert page.load_seconds < MAX_LOAD * patience()
    assert page.get_by_text("Two moving parts: one turns, one slides").count()
    assert page.get_by_text("part_2 moved little").count()
    shown = picture(page, "viewer_look")
    assert shown.std() > 10


def test_a_slider_moves_its_part(page: Any) -> None:
    before = picture(page, "viewer_closed")
    slide_to_end(page, "part_1 (°)")
    after = picture(page, "viewer_open")
    assert (np.abs(after - before).max(axis=2) > 25).mean() > 0.01


def test_the_time_line_moves_the_parts_and_shows_the_frame(page: Any) -> None:
    slide_to_end(page, "Frame")
    picture(page, "viewer_frame")
    values = [x.get_attribute("aria-valuenow") for x in page.get_by_role("slider").all()]
    assert float(values[0]) == 7
    assert float(values[2]) == pytest.approx(25, abs=0.3)


def test_an_edit_and_a_fit_change_the_saved_joint(page: Any, folder: Path) -> None:
    before = read_result(folder / "result.json").joints[0]
    page.locator("[role=tab][title=Edit]").click(force=True)
    choose(page, "Part", "part_2")
    wait_for(page, "Prismatic (slides)")
    choose(page, "Part", "part_1")
    wait_for(page, "Revolute (turns)")
    choose(page, "Type", "prismatic")
    wait_for(page, "part_1: type set to prismatic")
    press(page, "Fit axis and motion")
    wait_for(page, "part_1: axis and motion fitted again")
    picture(page, "viewer_edit")
    press(page, "Save")
    wait_for(page, "Saved.")
    after = read_result(folder / "result.json").joints[0]
    assert before.joint.type is JointType.REVOLUTE
    assert after.joint.type is JointType.PRISMATIC
    assert json.loads((folder / "provenance.json").read_text())["edits"][0] == "part_1: type set to prismatic"
    press(page, "Undo")
    wait_for(page, "Undone: part_1")
    picture(page, "viewer_undone")


def test_nothing_went_wrong_in_the_browser(page: Any) -> None:
    assert page.problems == []
