"""Shape checks at run time for every test, hypothesis profiles, and one thread a process."""

import ast
import os
import shutil
from pathlib import Path

# Before NumPy loads: the tests run in several processes, one thread each.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import jaxtyping._import_hook as import_hook  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "default", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# `--jaxtyping-packages` wraps every function below its decorators. Numba compiles the function it is given, so a
# wrapped kernel fails: kernels are left as they are, as if marked with `typing.no_type_check`.
_KERNEL_DECORATORS = {"njit", "jit", "vectorize", "guvectorize"}
_is_no_type_check = import_hook._is_no_type_check


def _is_unchecked(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _KERNEL_DECORATORS or _is_no_type_check(node)
    if isinstance(node, ast.Attribute):
        return node.attr in _KERNEL_DECORATORS or _is_no_type_check(node)
    if isinstance(node, ast.Call):
        return _is_unchecked(node.func)
    return _is_no_type_check(node)


import_hook._is_no_type_check = _is_unchecked


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, and say why."""
    for item in items:
        if item.get_closest_marker("gpu") and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"no recordings at {SHARED}"))
        if item.get_closest_marker("browser") and not any(map(shutil.which, ("chromium", "google-chrome", "firefox"))):
            item.add_marker(pytest.mark.skip(reason="no web browser"))


SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Outside recordings, beside the checkout."""


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
