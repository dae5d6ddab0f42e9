"""How far each method goes: arcs under noise, depth errors, uneven motion, drift, wrong flow, hands, many parts, no motion.

    python benchmarks/robustness.py OUTPUT [--quick] [--only arcs parts] [--plots docs/images]

One effect at a time on rendered cabinets whose motion is set by hand (see `robustness_scenes.py`). Writes
OUTPUT/robustness.json as it goes, and goes on from there when started again; draws the plots at the end. Plots need
matplotlib (pip install matplotlib). --quick uses one clip a case and fewer cases.
"""

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from robustness_plots import draw_plots
from robustness_scenes import Scene, Spoilage, make_clip

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import JointType
from sim2art.evaluate.metrics import score_clip
from sim2art.methods import load_method
from sim2art.observation.point_video import PointVideo
from sim2art.provenance import collect_provenance

Method = Callable[[PointVideo], ArticulationEstimate]
TURN, SLIDE = JointType.REVOLUTE, JointType.PRISMATIC
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One clip of one experiment."""

    experiment: str
    series: str
    """Curve of the plot."""
    x: float
    """Place on the plot's horizontal axis."""
    scene: Scene
    spoilage: Spoilage

    @property
    def key(self) -> str:
        """Name in the JSON file."""
        return f"{self.experiment}/{self.series}/{self.x:g}/{self.scene.seed}"


def list_cases(*, quick: bool) -> Iterator[Case]:
    """Every case, cheap experiments first."""
    num = 1 if quick else 4
    for seed in range(num):
        for arc in (3, 8, 15, 30, 60, 90) if not quick else (3, 10, 30, 90):
            for noise in (1, 2, 5, 10, 20) if not quick else (1, 5, 20):
                yield _case("arcs", f"{noise} mm", arc, Scene(amount=np.deg2rad(arc), seed=seed), noise=noise / 1000)
        for kind, word in ((TURN, "door, 30 deg"), (SLIDE, "drawer, 20 cm")):
            scene = Scene(kind=kind, amount=np.deg2rad(30) if kind is TURN else 0.2, seed=seed)
            for percent in (0, 0.2, 0.5, 1, 2) if not quick else (0, 0.5, 2):
                yield _case("flicker", word, percent, scene, flicker=percent / 100)
            for percent in (0, 1, 2, 5, 10) if not quick else (0, 2, 10):
                yield _case("scale bias", word, percent, scene, scale_bias=percent / 100)
            for percent in (0, 0.5, 1, 2, 4) if not quick else (0, 1, 4):
                yield _case("tilt", word, percent, scene, tilt=percent / 100)
            for cm in (0, 0.5, 1, 2, 5) if not quick else (0, 1, 5):
                yield _case("camera drift", word, cm, scene, drift=cm / 100)
            for percent in (0, 10, 20, 40, 60) if not quick else (0, 20, 60):
                yield _case("wrong flow", word, percent, scene, wrong_flow=percent / 100)
            for place, profile in enumerate(("steady", "pause", "reversal", "late", "jerk")):
                yield _case("motion", word, place, dataclasses.replace(scene, profile=profile))
            yield _case("hand", word, 1, dataclasses.replace(scene, has_hand=True))
            for count in (0, 1, 2, 4, 8, 20) if not quick else (0, 4, 20):
                columns, rows = (2, 2) if count <= 4 else (4, 2) if count <= 8 else (5, 4)
                many = dataclasses.replace(scene, num_parts=count, num_columns=columns, num_rows=rows)
                yield _case("parts", word, count, many)
        for arc in (0, 0.5, 1, 2, 3, 5) if not quick else (0, 1, 2, 3, 5):
            yield _case("near-static", "door", arc, Scene(amount=np.deg2rad(arc), seed=seed))


def main(
    output: tyro.conf.Positional[Path],
    *,
    quick: bool = False,
    only: tuple[str, ...] = (),
    plots: Path | None = None,
    checkpoint: Path | None = None,
    plots_only: bool = False,
) -> None:
    """Run the cases that are not done yet, and draw.

    Args:
        output: Folder of robustness.json.
        quick: Fewer cases, one clip each.
        only: Names of experiments, such as arcs or parts; all by default.
        plots: Folder of the plots; OUTPUT by default.
        checkpoint: Weights of the network.
        plots_only: Draw what is there.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    output.mkdir(parents=True, exist_ok=True)
    path = output / "robustness.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    if not plots_only:
        content["provenance"] = collect_provenance(quick=quick, checkpoint=checkpoint)
        methods = load_methods(checkpoint)
        cases = [case for case in list_cases(quick=quick) if not only or case.experiment in only]
        start = time.perf_counter()
        done: dict[tuple[Scene, Spoilage], str] = {}
        for index, case in enumerate(cases):
            # Experiments share their base case.
            same = done.setdefault((case.scene, case.spoilage), case.key)
            if case.key in content["cases"]:
                continue
            record = content["cases"][same] if same in content["cases"] else run_case(case, methods)
            content["cases"][case.key] = {**record, **_place(case)}
            path.write_text(json.dumps(content, default=str))
            logger.info("%d of %d, %.0f s: %s", index + 1, len(cases), time.perf_counter() - start, case.key)
    for file in draw_plots(content["cases"], plots or output):
        print(file)
    print_admissions(content["cases"])


def print_admissions(cases: dict[str, dict[str, Any]]) -> None:
    """What the refined answers say of themselves where much is wrong: many parts, and a depth scale that is off."""
    for key, record in cases.items():
        answer = record["methods"]["network + refiner"]
        if record["experiment"] in ("parts", "scale bias") and "status" in answer:
            found = sum(joint["is_success"] for joint in answer["joints"])
            print(f"{key}: {found} of {answer['num_true']} found, {answer['claims']} claimed, {answer['status']}")
            for reason in answer.get("reasons", ()):
                print(f"    {reason}")


def load_methods(checkpoint: Path | None) -> dict[str, Method]:
    """The network with and without the refiner, and flow clustering."""
    from sim2art.inference.refine.refine import refine

    network, clustering = load_method("network", checkpoint), load_method("flow_clustering", None)
    known: dict[int, ArticulationEstimate] = {}

    def answer(video: PointVideo) -> ArticulationEstimate:
        known.clear()
        known[id(video)] = network(video)
        return known[id(video)]

    def refined(video: PointVideo) -> ArticulationEstimate:
        return refine(video, known[id(video)] if id(video) in known else network(video))

    return {"network": answer, "network + refiner": refined, "flow_clustering": clustering}


def run_case(case: Case, methods: dict[str, Method]) -> dict[str, Any]:
    """Scores of all methods on one case, as JSON values."""
    clip = make_clip(case.scene, case.spoilage)
    record: dict[str, Any] = {**_place(case), "methods": {}}
    for name, method in methods.items():
        start = time.perf_counter()
        try:
            estimate = method(clip.video)
        except Exception as error:  # What a method raises is its failure, and is counted.
            record["methods"][name] = {"failure": f"{type(error).__name__}: {error}", "joints": [], "claims": 0}
            logger.warning("%s: %s failed: %s", case.key, name, error)
            continue
        score = score_clip(clip, estimate)
        sure = [x for x in estimate.joints if x.status is estimate.status is Status.OK and x.confidence >= 0.5]
        record["methods"][name] = {
            "seconds": time.perf_counter() - start,
            "status": estimate.status.value,
            "reasons": list(estimate.reasons),
            "mean_iou": score.mean_iou,
            "claims": len(estimate.joints),
            "sure_claims": len(sure),
            "num_true": len(score.joints),
            "joints": [
                {
                    "is_matched": joint.is_matched,
                    "is_type_right": joint.is_type_right,
                    "axis_deg": joint.axis_deg,
                    "position_cm": joint.position_cm,
                    "is_success": joint.is_success(max_deg=10.0, max_cm=10.0),
                }
                for joint in score.joints
            ],
            "wrong_claims": sum(not claim.is_right for claim in score.claims),
        }
    return record


def _place(case: Case) -> dict[str, Any]:
    """Where a case stands in the plots."""
    return {"experiment": case.experiment, "series": case.series, "x": case.x}


def _case(experiment: str, series: str, x: float, scene: Scene, **spoilage: float) -> Case:
    return Case(experiment=experiment, series=series, x=x, scene=scene, spoilage=Spoilage(**spoilage))


if __name__ == "__main__":
    tyro.cli(main)
