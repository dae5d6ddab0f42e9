"""`sim2art doctor`: which perception components and chains can run here, what is missing, and the command that mends it."""

from dataclasses import dataclass
from pathlib import Path

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.optional import is_installed
from sim2art.perception.components import CHAINS, COMPONENTS, Component, Lack, find_lacks, parse_choice
from sim2art.weights import has_weight


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """Say which components can run here, and how to get the others."""

    task: str | None = None
    """Only this task: depth, cameras, mask, people, flow or features."""


def doctor(options: DoctorOptions) -> None:
    if options.task is not None and options.task not in COMPONENTS:
        raise InvalidValueError(f"--task is '{options.task}'; known: {', '.join(COMPONENTS)}.")
    print(describe_components(tuple(COMPONENTS) if options.task is None else (options.task,)))
    if options.task is None:
        print(f"\n{describe_chains()}\n\n{describe_machine()}")


def describe_components(tasks: tuple[str, ...]) -> str:
    """One line for each component, with what it lacks below."""
    lines = []
    for task in tasks:
        lines.append(f"--{task}")
        for name, component in COMPONENTS[task].items():
            lacks = lacks_of(task, name)
            mark = "ok" if not lacks else "--"
            given = f"{name}:FOLDER" if component.needs_source else name
            lines.append(f"  {mark}  {given:<14}{component.what} [{component.license}]")
            lines += [f"        {lack.what} is missing: {lack.mend}" for lack in lacks]
            lines += [f"        {advice}" for advice in _advise(component)]
    return "\n".join(lines)


def _advise(component: Component) -> list[str]:
    """What would make a component better, as a list of none or one."""
    wish = component.better_with
    try:
        return [] if wish is None or has_weight(wish) else [f"better with weight {wish}: sim2art weights fetch {wish}"]
    except InvalidFileError as error:
        return [str(error)]


def describe_chains() -> str:
    """One line for each chain."""
    lines = ["--chain"]
    for name, choices in CHAINS.items():
        lacking = [f"--{task} {choice}" for task, choice in choices.items() if lacks_of(task, choice)]
        mark = "--" if lacking else "ok"
        words = " ".join(f"{task}={choice}" for task, choice in choices.items())
        lines.append(f"  {mark}  {name:<14}{words}" + (f"; lacks {', '.join(lacking)}" if lacking else ""))
    return "\n".join(lines)


def describe_machine() -> str:
    """What else matters: readers of videos, a GPU."""
    rows = [
        ("videos", "ok" if is_installed("av") else "--", "pip install 'sim2art[video]'"),
        ("Record3D files", "ok" if is_installed("lzfse") else "--", "pip install 'sim2art[captures]'"),
    ]
    lines = [f"  {mark}  {name}" + ("" if mark == "ok" else f": {mend}") for name, mark, mend in rows]
    lines.append(f"  {'ok' if _has_gpu() else '--'}  CUDA GPU (only vipe must have one; networks are faster with it)")
    return "\n".join(["machine", *lines])


def lacks_of(task: str, name: str) -> list[Lack]:
    """What a component lacks here, the user's files left aside."""
    component = COMPONENTS[task][name]
    return [] if component.needs_source else find_lacks(task, parse_choice(task, name))


def _has_gpu() -> bool:
    """Whether the driver knows a GPU; importing torch to ask would take seconds."""
    known = Path("/proc/driver/nvidia/gpus")
    return known.is_dir() and any(known.iterdir())
