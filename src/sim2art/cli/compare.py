"""`sim2art compare`: two evaluations of the same set, paired by clip."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from sim2art.evaluate.comparison import compare as pair
from sim2art.evaluate.comparison import comparison_to_dict, format_comparison, read_evaluation


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Compare two reports of `sim2art evaluate`: what changed, and whether the clips can tell."""

    first: Positional[Path]
    """report.json, or the folder that holds it."""
    second: Positional[Path]
    """The other one; it may be the same, to compare two of its methods."""
    method: str | None = None
    """Whose scores; by default the first method of each report."""
    against: str | None = None
    """Method of the second report, where it has another name."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """JSON file to write."""


def compare(options: CompareOptions) -> None:
    found = pair(
        read_evaluation(options.first, options.method),
        read_evaluation(options.second, options.against or options.method),
    )
    print(format_comparison(found))
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(comparison_to_dict(found), indent=1))
