"""No file and no function grows beyond what a reader holds in mind; what does has its reason here."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 350, 60, 8
KERNEL = "a compiled kernel: numba takes arrays one by one, and one pass over them is one loop"
ORDER = "one list of steps in the order of the method; no part of it is an idea of its own"
EXCEPTIONS = {
    "inference/refine/verdict.py:conclude": ORDER,
    "inference/score/evidence.py:lay_out_evidence": ORDER,
    "inference/score/signed_residuals.py:measure_signed_residuals": "the arrays of a kernel that it calls",
    "states/search.py:follow_joint": ORDER,
    "train/cached_examples.py:make_cached_example": ORDER,
    "train/loop.py:_train": ORDER,
}
"""Place -> reason. An entry that is no longer needed fails the test."""


def sizes(path: Path) -> Iterator[tuple[str, int, int, bool]]:
    """Name, lines, parameters of each function, and whether it is compiled."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            own = sum(argument.arg not in ("self", "cls") for argument in given)
            compiled = any("njit" in ast.unparse(decorator) for decorator in node.decorator_list)
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1, own, compiled


def too_large() -> dict[str, str]:
    """Places beyond the limits, compiled kernels left aside."""
    found: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        place, lines = path.relative_to(SOURCES / "sim2art").as_posix(), len(path.read_text("utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            found[place] = f"{lines} lines"
        for name, length, parameters, compiled in sizes(path):
            if not compiled and (length > MAX_FUNCTION_LINES or parameters > MAX_PARAMETERS):
                found[f"{place}:{name}"] = f"{length} lines, {parameters} parameters"
    return found


def test_files_and_functions_stay_small() -> None:
    found = too_large()
    new = {place: size for place, size in found.items() if place not in EXCEPTIONS}
    assert not new, "cut these by idea, or give a reason in EXCEPTIONS"
    assert set(EXCEPTIONS) <= set(found), "these exceptions are no longer needed"


def test_kernels_are_known_by_their_decorator() -> None:
    places = [name for path in SOURCES.rglob("*.py") for name, *_, compiled in sizes(path) if compiled]
    assert len(places) > 20, KERNEL
