"""`sim2art compare`: two evaluations of the same set, paired by clip."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from sim2art.evaluate.comparison import compare as pair
from sim2art.evaluate.comparison import comparison_to_dict, format_comparison, read_evaluation


def compare(
    first: tyro.conf.Positional[Path],
    second: tyro.conf.Positional[Path],
    *,
    method: str | None = None,
    against: str | None = None,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
) -> None:
    """Compare two reports of `sim2art evaluate`: what changed from the first to the second, and whether the clips can tell.

    Args:
        first: report.json, or the folder that holds it.
        second: The other one; it may be the same, to compare two of its methods.
        method: Whose scores; by default the first method of each report.
        against: Method of the second report, where it has another name.
        output: JSON file to write.
    """
    found = pair(read_evaluation(first, method), read_evaluation(second, against or method))
    print(format_comparison(found))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(comparison_to_dict(found), indent=1))
