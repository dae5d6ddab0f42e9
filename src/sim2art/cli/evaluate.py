"""`sim2art evaluate`: score the network and the baselines on a simulated set."""

import dataclasses
import json
import logging
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from tqdm import tqdm
from tyro.conf import arg

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.dataset.clip import Clip
from sim2art.dataset.shards import read_shard, write_shard
from sim2art.dataset.splits import HalfName
from sim2art.errors import InvalidFileError, InvalidValueError, OutputExistsError
from sim2art.evaluate.benchmark import BenchmarkResult, Method, gather_scores, score_methods
from sim2art.evaluate.flow_metrics import FlowScore, score_flow
from sim2art.evaluate.metrics import score_failure
from sim2art.evaluate.predictions import PredictionStore
from sim2art.evaluate.report import format_report, write_report
from sim2art.evaluate.scores import ClipScore
from sim2art.methods import MethodName, load_method
from sim2art.observation.point_video import PointVideo
from sim2art.perception.components import COMPONENTS
from sim2art.perception.observation_io import observation_from_stage, observation_to_stage
from sim2art.provenance import collect_provenance, write_provenance
from sim2art.reconstruction.estimates import estimate_from_images, still_estimate
from sim2art.sets.evaluation_sets import COLOR_ONLY, EvaluationSet, SetName
from sim2art.sets.oracles import OracleName, make_oracle
from sim2art.sets.real_sets import RealRun, RealSetName, evaluate_real
from sim2art.sets.recorded_clips import ColorClip, SwapName
from sim2art.sets.refined_methods import REFINED, with_refined
from sim2art.simulate.generate import CorruptionName
from sim2art.stages import StageKeeper, fingerprint
from sim2art.weights import has_weight

ScoredName = MethodName | OracleName | Literal["image_joints"]
"""Oracles know part of the truth (see `oracles.py`)."""
logger = logging.getLogger(__name__)
CHAIN_WEIGHTS = sorted({c.weight for choices in COMPONENTS.values() for c in choices.values() if c.weight is not None})
"""Outside weights that the chains use where they are there: with other ones a recording gives another clip."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Score methods on a simulated set; print the table, write JSON."""

    set_name: Annotated[SetName | RealSetName, arg(name="set")] = "procedural-val"
    """Which clips: unseen objects of the training families, families never trained on, or objects that others made (real-mesh); or recordings (-rgbd) that go through the whole chain of `sim2art run`; or clips in which nothing moves (still) or 5 to 20 equal doors or drawers do (walls); or real recordings that --data holds (real-tracks, door, real-video)."""
    data: Path | None = None
    """Folder of the real recordings. real-tracks: MECHANISM/NAME.log; door: rgbd/ and marker_truth.json; real-video: clips/, annotations/ and rgbd_still/, all of which go through `sim2art run` with the first method."""
    only: tuple[str, ...] = ()
    """Names of clips of real-video to use."""
    corruption: CorruptionName = "real"
    """What is added to clean clips (not for the sets of recordings, which have their own sensors)."""
    half: HalfName = "tune"
    """tune to work with, sealed to be scored once at the end, or all. Real recordings have no sealed half."""
    num: int | None = None
    """Clips to use, from the first of the half on; by default all of it."""
    methods: tuple[ScoredName, ...] = ()
    """What to score; by default what `sim2art run` takes (image_joints in colour alone), and flow_clustering beside the network. true_parts and best_proposal know part of the truth: they show what the later stages could reach."""
    checkpoint: Path | None = None
    """Weights of the network; by default those that ship with sim2art."""
    refine: bool = True
    """Score each method also with the refiner behind it, as NAME_refined; the seconds there are the refiner's."""
    swap: tuple[SwapName, ...] = ()
    """Stages of the chain that the truth replaces (sets of recordings only), to see which one loses what."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """New folder for `report.json`, `report.txt` and every estimate; by default only the table is printed."""
    estimates: Path | None = None
    """Folder of estimates (real-video: of result folders) that an earlier run wrote: score those, run no method."""
    clips: Path | None = None
    """Folder that keeps the clips as files and hands them out again, since recordings take long to make. Delete it when the simulator or the chain changed."""
    workers: int = 1
    """Processes that share the clips."""
    overwrite: bool = False
    """Use the output folder even when it holds files; estimates of other code or weights in it are deleted."""
    resume: bool = False
    """Go on with a run of a simulated set or of real-video that was stopped: clips whose estimates or results the output folder holds are scored from these, if the same code and weights made them."""


def evaluate(options: EvaluateOptions) -> None:
    if not options.methods:
        options = dataclasses.replace(options, methods=_usual_methods(options.set_name))
    _check(options)
    if options.set_name == "real-tracks" or options.set_name == "door" or options.set_name == "real-video":
        real = RealRun(
            name=options.set_name, folder=options.data, methods=options.methods, checkpoint=options.checkpoint,
            refine=options.refine, output=options.output, results=options.estimates, only=options.only,
            workers=options.workers, resume=options.resume,
        )  # fmt: skip
        evaluate_real(real, partial(_load_methods, options.methods, options.checkpoint, refine=options.refine))
        return
    cases = EvaluationSet.choose(
        options.set_name, options.half, options.num, corruption=options.corruption, swaps=options.swap
    )
    job = Job(
        cases=cases, methods=options.methods, checkpoint=options.checkpoint, refine=options.refine,
        clip_folder=options.clips, weights=tuple(filter(has_weight, CHAIN_WEIGHTS)) if cases.uses_chain else (),
    )  # fmt: skip
    if options.clips is not None:
        _open_store(options.clips, cases)
    if options.estimates is not None:
        job = dataclasses.replace(job, store=_open_store(options.estimates, cases), use="read")
    elif options.output is not None:
        store = _open_store(options.output / "estimates", cases).begin(_describe_maker(job), resume=options.resume)
        job = dataclasses.replace(job, store=store, use="resume" if options.resume else "make")
    runs: list[CaseRun] = []
    try:
        with tqdm(total=len(cases.seeds), desc=cases.name, unit="clip", disable=not sys.stderr.isatty()) as bar:
            for run in run_cases(job, workers=options.workers):
                runs.append(run)
                bar.update()
    finally:  # Ctrl-C or an error: what was scored so far is shown and kept.
        if runs:
            result = gather_scores(
                [run.scores for run in runs],
                flows=[run.flow for run in runs],
                facts=_describe_run(job, runs, options.workers),
            )
            print(format_report(result))
            if options.output is not None:
                _write_output(options.output, result, cases)


def _usual_methods(name: str) -> tuple[ScoredName, ...]:
    return ("image_joints",) if name in (COLOR_ONLY, "real-video") else ("network", "flow_clustering")


def _check(options: EvaluateOptions) -> None:
    """Refuse options that do not go together, before anything is computed."""
    name, output = options.set_name, options.output
    if options.resume and output is None:
        raise InvalidValueError("--resume goes on in the folder of a run that was stopped: name it by --output.")
    holds_files = output is not None and output.exists() and any(output.iterdir())
    if output is not None and holds_files and not (options.overwrite or options.resume):
        raise OutputExistsError(
            f"{output} is not empty. Choose a new folder, or pass --resume to go on there, or --overwrite.", path=output
        )
    if "image_joints" in options.methods and name not in (COLOR_ONLY, "real-video"):
        raise InvalidValueError(
            f"--methods image_joints: set '{name}' has depth, and joints are not looked for in its images."
        )
    if name in get_args(RealSetName):
        if options.half != "tune":
            raise InvalidValueError(f"--half {options.half}: set '{name}' is all tune; nothing of it is sealed.")
    elif options.data is not None or options.only:
        raise InvalidValueError(
            f"--data and --only are for {', '.join(get_args(RealSetName))}; set '{name}' is generated."
        )


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every worker needs to know; plain values, so that it travels to other processes."""

    cases: EvaluationSet
    methods: tuple[ScoredName, ...]
    checkpoint: Path | None = None
    refine: bool = False
    """Whether each method is scored with the refiner too."""
    store: PredictionStore | None = None
    use: Literal["make", "resume", "read"] = "make"
    """Whether the store keeps estimates, hands out those it holds and keeps the others, or holds all."""
    clip_folder: Path | None = None
    weights: tuple[str, ...] = ()
    """Those of `CHAIN_WEIGHTS` that are on this machine, for sets of recordings."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the tables call the methods, refined ones beside their own."""
        refined = [own for own in self.methods if self.refine and own != "image_joints"]
        return tuple(name for own in self.methods for name in ((own, f"{own}{REFINED}") if own in refined else (own,)))

    def make_clip(self, seed: int) -> Clip:
        """The clip of a seed, from the clip folder when it is there."""
        if self.clip_folder is None:
            return self.cases.make_clip(seed)
        path = self.clip_folder / f"{seed:09d}.tar"
        if path.exists():
            return next(read_shard(path))
        clip = self.cases.make_clip(seed)
        write_shard(path, [clip])
        return clip

    def see_colors(self, seed: int) -> ColorClip:
        """The recording of a seed, from the clip folder when it is there."""
        if self.clip_folder is None:
            return self.cases.see_colors(seed)
        path, kept = self.clip_folder / f"{seed:09d}.tar", StageKeeper(self.clip_folder, resume=True)
        if path.exists():
            clip, stage = next(read_shard(path)), kept.load(path.stem, "")
            if stage is not None or clip.provenance.get("chain_failure") is not None:
                return ColorClip(clip, None if stage is None else observation_from_stage(stage))
        seen = self.cases.see_colors(seed)
        if seen.observation is not None:
            kept.keep(path.stem, "", observation_to_stage(seen.observation))
        write_shard(path, [seen.clip])
        return seen


@dataclass(frozen=True, kw_only=True)
class CaseRun:
    """The scores of one clip, the quality of its flow, and the memory that its process had used at most by then."""

    scores: Mapping[str, ClipScore]
    flow: tuple[FlowScore, ...]
    peak_memory: float
    """MiB, generator included."""


def run_cases(job: Job, *, workers: int) -> Iterator[CaseRun]:
    """Scores of all clips, in the order they are done."""
    if workers <= 1:
        _start_worker(job)
        yield from map(_run_case, job.cases.seeds)
        return
    # One thread a process: several threads each would only fight over the cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_quiet_worker, initargs=(job,)) as pool:
        yield from pool.imap_unordered(_run_case, job.cases.seeds)
        pool.close()  # Workers that end by themselves print no stack traces, as COLMAP's library does when it is killed.
        pool.join()


# Set once in each process, so that weights load once and not for every clip.
_state: dict[str, Any] = {}


def _load_methods(names: tuple[ScoredName, ...], checkpoint: Path | None, *, refine: bool) -> dict[str, Method]:
    """The methods among some names, which may also be oracles', each with its refined form where asked."""
    known: tuple[MethodName, ...] = get_args(MethodName)
    methods = {name: load_method(name, checkpoint) for name in known if name in names}
    return with_refined(methods) if refine else methods


def _start_worker(job: Job) -> None:
    methods: dict[str, Method] = {}
    if job.use != "read":
        methods = _load_methods(job.methods, job.checkpoint, refine=job.refine)
    _state.update(job=job, methods=methods)


def _start_quiet_worker(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the workers.
    _start_worker(job)


def _run_case(seed: int) -> CaseRun:
    job: Job = _state["job"]
    clip, observation = job.see_colors(seed)[:2] if job.cases.depth_is_guessed else (job.make_clip(seed), None)
    oracles: dict[str, Method] = {
        name: make_oracle(name, clip) for name in job.methods if name == "true_parts" or name == "best_proposal"
    }
    known: dict[str, Method] = {**_state["methods"], **(with_refined(oracles) if job.refine else oracles)}
    methods: dict[str, Method] = {name: known[name] for name in job.names if name in known}
    if "image_joints" in job.names and observation is not None:
        methods["image_joints"] = lambda _: estimate_from_images(observation).estimate
    failure = clip.provenance.get("chain_failure")
    if job.use == "read":
        assert job.store is not None
        methods = {name: partial(_no_estimate, job.store.path_of(name, clip)) for name in job.names}
    elif not clip.provenance.get("moves", True):  # As in `sim2art run`: where nothing moves, no method is asked.
        methods = {name: partial(still_estimate, reasons=("no motion seen",)) for name in job.names}
    if failure is not None:
        scores = {name: score_failure(clip, failure) for name in job.names}
    else:
        scores = score_methods(clip, methods, store=job.store, reuse=job.use != "make")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return CaseRun(scores=scores, flow=score_flow(clip), peak_memory=peak)


def _no_estimate(path: Path, _: PointVideo) -> ArticulationEstimate:
    raise InvalidFileError(f"{path} is not there; run the method again.", path=path)


def _open_store(folder: Path, cases: EvaluationSet) -> PredictionStore:
    config = dataclasses.asdict(cases)
    del config["num"], config["half"]  # Another part of the same set: a clip is what its seed says.
    return PredictionStore(folder=folder, config=config).open()


def _describe_maker(job: Job) -> dict[str, str]:
    """What an estimate depends on beside its set: code and weights, those by which recordings become clips included."""
    origin = collect_provenance()
    return {
        "sim2art": str(origin["sim2art"]),
        "commit": str(origin["commit"]),
        "checkpoint": "shipped" if job.checkpoint is None else f"{job.checkpoint} ({fingerprint(job.checkpoint)})",
        "weights": ", ".join(job.weights) or "none",
    }


def _describe_run(job: Job, runs: list[CaseRun], workers: int) -> dict[str, Any]:
    """The report's header."""
    origin = collect_provenance()
    cases = job.cases
    done = f"{len(runs)} of {len(cases.seeds)} (stopped early)" if len(runs) < len(cases.seeds) else str(len(runs))
    return {
        "set": cases.name,
        "half": cases.half,
        "clips": done,
        "corruption": "sensor model of the recordings" if cases.is_recorded else cases.corruption,
        "swapped": ", ".join(cases.swaps) or None,
        "checkpoint": str(job.checkpoint or "shipped") if "network" in job.methods else None,
        "estimates": str(job.store.folder) if job.store and job.use == "read" else None,
        "weights": ", ".join(job.weights) or "none" if cases.uses_chain else None,
        "commit": origin["commit"],
        "machine": f"{origin['machine']}; {workers} processes",
        "memory": f"{max(run.peak_memory for run in runs):.0f} MiB at most in a process, generator included",
        "time": origin["time"],
    }


def _write_output(output: Path, result: BenchmarkResult, cases: EvaluationSet) -> None:
    output.mkdir(parents=True, exist_ok=True)
    write_report(result, output / "report.json")
    (output / "report.txt").write_text(format_report(result) + "\n")
    (output / "config.json").write_text(json.dumps(dataclasses.asdict(cases), indent=2))
    write_provenance(output)
    logger.info("Wrote %s", output / "report.json")
