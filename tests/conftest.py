"""Shape checks at run time for every test, hypothesis profiles, and one thread a process."""

import ast
import os

# Before NumPy loads: the tests run in several processes, one thread each.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import jaxtyping._import_hook as import_hook  # noqa: E402
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
