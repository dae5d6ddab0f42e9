"""Charts have round ticks that hold the values."""

import xml.etree.ElementTree as ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.view.charts import Curve, draw_motion_chart, nice_ticks


@given(low=st.floats(-1e4, 1e4), span=st.floats(0, 1e4), count=st.integers(2, 8))
def test_ticks_are_even_and_hold_the_range(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    assert 2 <= len(ticks) <= count + 3
    step = np.diff(ticks)
    np.testing.assert_allclose(step, step[0], rtol=1e-3)
    slack = 1e-6 * step[0] + 1e-9
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack


def test_a_chart_is_well_formed_and_has_a_dot_per_frame() -> None:
    times, values = np.linspace(0, 2, 9), np.linspace(0, -35, 9)
    chart = ElementTree.fromstring(draw_motion_chart(times, values, color="#123456", unit=" cm", title="t &amp; u"))
    dots = chart.findall("circle")
    assert len(dots) == 9
    heights = [float(dot.get("cy", "nan")) for dot in dots]
    assert np.all(np.diff(heights) > 0)
    texts = [text.text for text in chart.findall("text")]
    assert "0 cm" in texts
    assert "2 s" in texts
    assert any(text is not None and text.startswith("\N{MINUS SIGN}") for text in texts)


def test_a_still_joint_gives_a_chart() -> None:
    assert "polyline" in draw_motion_chart(np.arange(3.0), np.zeros(3), color="red", unit="°", title="still")


def test_the_curve_of_every_frame_is_dashed_out_of_view_and_has_its_band() -> None:
    visible = np.array([True, True, False, False, True, True])
    curve = Curve(times=np.arange(6) / 10, values=np.arange(6.0), sigmas=np.full(6, 0.2), visible=visible)
    chart = ElementTree.fromstring(
        draw_motion_chart(np.array([0.0, 0.5]), np.array([0.0, 5.0]), color="#123456", unit="°", title="t", curve=curve)
    )
    lines = chart.findall("polyline")
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, True, False]
    # Each stretch begins where the one before ends, so that the curve has no gaps.
    ends = [(line.get("points", "").split()[0], line.get("points", "").split()[-1]) for line in lines]
    assert ends[0][1] == ends[1][0] and ends[1][1] == ends[2][0]
    assert len(chart.findall("circle")) == 2 and len(chart.findall("polygon")) == 1
