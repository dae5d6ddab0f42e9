"""Run methods over clips and score them. A method that raises has failed on that clip; the run goes on and lists it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.dataset.clip import Clip
from sim2art.evaluate.flow_metrics import FlowScore, mean_flow, score_flow
from sim2art.evaluate.metrics import score_clip, score_failure
from sim2art.evaluate.predictions import Answer, PredictionStore
from sim2art.evaluate.scores import ClipScore
from sim2art.evaluate.summary import Summary, group_by_family, summarize
from sim2art.observation.point_video import PointVideo

Method = Callable[[PointVideo], ArticulationEstimate]
"""Anything that can be scored."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkResult:
    """The scores of several methods over the same clips."""

    facts: dict[str, Any]
    """What was run: set, corruption, checkpoint, commit, machine."""
    scores: dict[str, tuple[ClipScore, ...]] = field(default_factory=dict)
    """By method, clips in the order of their names."""
    flow: tuple[FlowScore, ...] = ()
    """Mean quality of the observed flow over the clips, one entry a baseline."""

    @property
    def failures(self) -> dict[str, list[tuple[str, str]]]:
        """(clip, reason) of every failure, by method."""
        return {
            method: [(score.clip, score.failure) for score in scores if score.failure is not None]
            for method, scores in self.scores.items()
        }

    def summaries(self) -> dict[str, Summary]:
        """Each method over all clips."""
        return {method: summarize(scores) for method, scores in self.scores.items()}

    def family_summaries(self) -> dict[str, dict[str, Summary]]:
        """Each method over each family."""
        return {
            method: {family: summarize(group) for family, group in group_by_family(scores).items()}
            for method, scores in self.scores.items()
        }


def run_benchmark(
    clips: Iterable[Clip],
    methods: Mapping[str, Method],
    *,
    facts: dict[str, Any] | None = None,
    store: PredictionStore | None = None,
) -> BenchmarkResult:
    """Score every method on every clip.

    Args:
        clips: Taken one at a time, so a generator will do.
        methods: By the name that the tables show.
        facts: Carried into the result's header.
        store: Keeps each estimate; None keeps none.
    """
    runs, flows = [], []
    for clip in clips:
        runs.append(score_methods(clip, methods, store=store))
        flows.append(score_flow(clip))
    return gather_scores(runs, flows=flows, facts=facts or {})


def score_methods(
    clip: Clip, methods: Mapping[str, Method], *, store: PredictionStore | None = None, reuse: bool = False
) -> dict[str, ClipScore]:
    """Scores of every method on one clip, by method.

    Args:
        store: Keeps each estimate; None keeps none.
        reuse: Estimates that the store holds are scored, and not made again.
    """
    scores = {}
    for name, method in methods.items():
        start = time.perf_counter()
        held = store if reuse and store is not None and store.holds(name, clip) else None
        try:
            if held is None:
                answer = Answer(estimate=method(clip.video), seconds=time.perf_counter() - start)
            else:
                answer = held.read(name, clip)
        except Exception as error:
            # Any method may be scored, a peer's too: what it raises is its failure, not ours, and is listed.
            reason = f"{type(error).__name__}: {error}"
            scores[name] = score_failure(clip, reason, seconds=time.perf_counter() - start)
            continue
        if store is not None and held is None:
            store.write(name, clip, answer)
        scores[name] = score_clip(clip, answer.estimate, seconds=answer.seconds)
    return scores


def gather_scores(
    runs: Iterable[Mapping[str, ClipScore]],
    *,
    facts: dict[str, Any],
    flows: Sequence[tuple[FlowScore, ...]] = (),
) -> BenchmarkResult:
    """Join the scores of single clips, whatever order they came in."""
    by_method: dict[str, list[ClipScore]] = {}
    for run in runs:
        for method, score in run.items():
            by_method.setdefault(method, []).append(score)
    ordered = {method: tuple(sorted(scores, key=lambda score: score.clip)) for method, scores in by_method.items()}
    return BenchmarkResult(facts=facts, scores=ordered, flow=mean_flow(flows))
