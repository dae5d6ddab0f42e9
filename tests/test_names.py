"""Every name that code reads is bound somewhere. Linters are blind to it: jaxtyping's shape strings look undefined, too."""

import builtins
import dis
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

import sim2art

IMPLICIT = {"__file__", "__name__", "__doc__", "__spec__", "__path__", "__module__", "__qualname__", "__annotations__"}
SOURCES = sorted(Path(sim2art.__file__).parent.rglob("*.py"))


def _scopes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _scopes(constant)


def unbound_names(source: str) -> set[str]:
    """Names that are read as globals and that neither the module nor Python binds."""
    module = compile(source, "module", "exec", dont_inherit=True)
    known = IMPLICIT | set(dir(builtins))
    read: set[str] = set()
    for scope in _scopes(module):
        operations = list(dis.get_instructions(scope))
        stored = {str(x.argval) for x in operations if x.opname in ("STORE_NAME", "STORE_GLOBAL")}
        if scope is module:
            known |= stored
        known |= {str(x.argval) for x in operations if x.opname == "STORE_GLOBAL"}
        read |= {str(x.argval) for x in operations if x.opname == "LOAD_GLOBAL"}
        read |= {str(x.argval) for x in operations if x.opname == "LOAD_NAME"} - stored
    return read - known


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_names_are_bound(path: Path) -> None:
    assert unbound_names(path.read_text()) == set()


def test_an_unbound_name_is_found() -> None:
    assert unbound_names("import os\nclass A:\n    x = 1\n    y = x\ndef f(a):\n    return os.sep + a + lost") == {
        "lost"
    }
    assert unbound_names("print(__file__)\nmissing()") == {"missing"}
