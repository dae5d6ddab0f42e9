"""How many numbers the decision core holds: those with a name (constants, fields of settings) and those within functions.

Not counted: 0, 1, -1, 2 and 0.5, what guards a division or a logarithm (below 1e-4), places (indices, slices, axes, shapes),
sizes of patterns that types say, and the weights of networks. `decoders` serves other networks and is not of the core.

    python benchmarks/core_constants.py [-v]
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sim2art.inference

PLAIN = {0, 1, -1, 2, 0.5}
GUARD = 1e-4
NO_SIZES = {"axis", "indent", "dtype", "shape", "decimals", "seed", "stacklevel"}
"""Arguments that hold places."""


def is_number(node: ast.AST) -> bool:
    """Whether a node is a number that counts."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
        and node.value not in PLAIN
        and not 0 < abs(node.value) < GUARD
        and abs(node.value) < 1e6
    )


def find_numbers(node: ast.AST) -> Iterator[ast.Constant]:
    """Numbers below a node that are no places."""
    if is_number(node):
        assert isinstance(node, ast.Constant)
        yield node
        return
    for name, value in ast.iter_fields(node):
        if name in {"slice", "annotation", "returns", "decorator_list"}:
            continue
        children = value if isinstance(value, list) else [value]
        for child in children:
            if isinstance(child, ast.keyword) and child.arg in NO_SIZES:
                continue
            if isinstance(node, ast.Call) and name == "args" and _is_shape(node):
                continue
            if isinstance(child, ast.AST):
                yield from find_numbers(child)


def _is_shape(call: ast.Call) -> bool:
    """Whether a call's arguments are a shape: zeros((3, 3)), x.reshape(-1, 4)."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in {"zeros", "ones", "empty", "full", "eye", "reshape", "broadcast_to", "range", "swapaxes", "moveaxis"}


def count_file(path: Path) -> tuple[list[str], list[str]]:
    """Named constants, and places of numbers within functions."""
    tree = ast.parse(path.read_text())
    named: list[str] = []
    loose: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            named += [f"{path.stem}.{ast.unparse(target)}"] * bool(list(_values(node.value)))
        elif isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and item.value is not None and list(_values(item.value)):
                    named.append(f"{node.name}.{ast.unparse(item.target)}")
                elif isinstance(item, ast.FunctionDef):
                    loose += [f"{path.name}:{one.lineno} {one.value}" for one in find_numbers(item)]
        elif isinstance(node, ast.FunctionDef):
            loose += [f"{path.name}:{one.lineno} {one.value}" for one in find_numbers(node)]
    return named, loose


def _values(node: ast.AST) -> Iterator[ast.Constant]:
    """Any numbers of a value, plain ones as well: whoever names a number has chosen it."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, (int, float)) and not isinstance(one.value, bool):
            yield one


def main() -> None:
    root = Path(sim2art.inference.__file__).parent
    named, loose, lines = Counter[str](), Counter[str](), Counter[str]()
    told: list[str] = []
    for path in sorted(root.rglob("*.py")):
        package = path.relative_to(root).parts[0] if path.parent != root else "(loop)"
        if package == "decoders":
            continue
        names, places = count_file(path)
        named[package] += len(names)
        loose[package] += len(places)
        lines[package] += len(path.read_text().splitlines())
        told += [*names, *places]
    print(f"{'package':10}{'lines':>8}{'named':>8}{'within functions':>18}")
    for package in sorted(lines):
        print(f"{package:10}{lines[package]:8}{named[package]:8}{loose[package]:18}")
    print(f"{'all':10}{lines.total():8}{named.total():8}{loose.total():18}")
    if "-v" in sys.argv[1:]:
        print("\n".join(told))


if __name__ == "__main__":
    main()
