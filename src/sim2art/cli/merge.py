"""`sim2art merge`: results of one object from several videos, as one."""

from pathlib import Path
from typing import Annotated

import tyro

from sim2art.drafts import load_draft, save_draft
from sim2art.errors import InvalidValueError
from sim2art.stages import check_output
from sim2art.view.draft_words import describe_joint
from sim2art.view.merging import MergeConfig, merge_drafts


def merge(
    results: tyro.conf.Positional[tuple[Path, ...]],
    *,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    min_overlap: float = MergeConfig.min_overlap,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Join results of one object from several videos: laid on each other by the static part, ranges and parts united.

    Args:
        results: Two or more output folders of sim2art run; the first gives the world and the names.
        output: Folder for the joined result.
        min_overlap: Share of the static surfaces that must coincide.
        seed: Of the points that are laid on each other.
        overwrite: Replace an earlier result in the output folder.
    """
    if len(results) < 2:
        raise InvalidValueError(f"{len(results)} result(s) were given; two or more are needed to merge.")
    check_output(output, overwrite=overwrite)
    if output.resolve() in [result.resolve() for result in results]:
        raise InvalidValueError(f"{output} is one of the results to merge; choose another folder for the joined one.")
    merged = load_draft(results[0])
    for result in results[1:]:
        merged = merge_drafts(merged, load_draft(result), MergeConfig(min_overlap=min_overlap, seed=seed))
        print(merged.edits[-1])
    saved = save_draft(merged, output, origin=results[0], overwrite=overwrite)
    for part in range(1, merged.num_parts):
        print(f"\n{merged.part_names[part]}\n" + describe_joint(merged, part).replace("*", "").replace("  \n", "\n"))
    for warning in (*merged.warnings, *saved.notes):
        print(f"Warning: {warning}")
    print(f"\nWritten: {len(saved.written)} files and folders in {output}")
