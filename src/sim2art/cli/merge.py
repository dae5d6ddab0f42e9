"""`sim2art merge`: results of one object from several videos, as one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from sim2art.drafts import load_draft, save_draft
from sim2art.errors import InvalidValueError
from sim2art.stages import check_output
from sim2art.view.draft_words import describe_joint
from sim2art.view.merging import MergeConfig, merge_drafts


@dataclass(frozen=True, kw_only=True)
class MergeOptions:
    """Join results of one object from several videos.

    They are laid on each other by the static part; ranges and parts are united.
    """

    results: Positional[tuple[Path, ...]]
    """Two or more output folders of sim2art run; the first gives the world and the names."""
    output: Annotated[Path, arg(aliases=["-o"])]
    """Folder for the joined result."""
    min_overlap: float = MergeConfig.min_overlap
    """Share of the static surfaces that must coincide."""
    seed: int = 0
    """Of the points that are laid on each other."""
    overwrite: bool = False
    """Replace an earlier result in the output folder."""


def merge(options: MergeOptions) -> None:
    if len(options.results) < 2:
        raise InvalidValueError(f"{len(options.results)} result(s) were given; two or more are needed to merge.")
    check_output(options.output, overwrite=options.overwrite)
    if options.output.resolve() in [result.resolve() for result in options.results]:
        raise InvalidValueError(
            f"{options.output} is one of the results to merge; choose another folder for the joined one."
        )
    merged = load_draft(options.results[0])
    for result in options.results[1:]:
        merged = merge_drafts(
            merged, load_draft(result), MergeConfig(min_overlap=options.min_overlap, seed=options.seed)
        )
        print(merged.edits[-1])
    saved = save_draft(merged, options.output, origin=options.results[0], overwrite=options.overwrite)
    for part in range(1, merged.num_parts):
        print(f"\n{merged.part_names[part]}\n" + describe_joint(merged, part).replace("*", "").replace("  \n", "\n"))
    for warning in (*merged.warnings, *saved.notes):
        print(f"Warning: {warning}")
    print(f"\nWritten: {len(saved.written)} files and folders in {options.output}")
