"""Clips of a data set on disk by number, read one at a time: training may visit them in any order, many times."""

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from sim2art.dataset.clip import Clip
from sim2art.dataset.clip_files import decode_clip
from sim2art.dataset.shards import list_whole_files, tell_left_out
from sim2art.errors import InvalidFileError, InvalidValueError


@dataclass(frozen=True)
class _Place:
    """Where a clip's two members lie in a tar, bytes."""

    path: Path
    arrays: tuple[int, int]
    facts: tuple[int, int]


class ClipSet(Sequence[Clip]):
    """All clips of a folder that `sim2art generate` wrote, in order; opened anew for each read, so processes may share it."""

    def __init__(self, folder: Path) -> None:
        """List the clips; files that are missing, cut short or damaged are left out, with a warning that counts them.

        Raises:
            InvalidFileError: When the index is missing, or no file is whole.
            InvalidValueError: When there are none.
        """
        self.folder = folder
        self._places: list[_Place] = []
        left_out: list[InvalidFileError] = []
        for path in list_whole_files(folder, left_out):
            try:
                self._places += _list_clips(path)
            except InvalidFileError as error:
                left_out.append(error)
        tell_left_out(folder, left_out, is_empty=not self._places)
        if not self._places:
            raise InvalidValueError(f"{folder} holds no clips; `sim2art generate` writes some.")

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Clip: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Clip]: ...

    def __getitem__(self, index: int | slice) -> Clip | Sequence[Clip]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = self._places[index]
        with place.path.open("rb") as file:
            file.seek(place.arrays[0])
            arrays = file.read(place.arrays[1])
            file.seek(place.facts[0])
            facts = file.read(place.facts[1])
        return decode_clip(arrays, facts, source=place.path)


def _list_clips(path: Path) -> list[_Place]:
    try:
        with tarfile.open(path, mode="r:") as tar:
            members = {member.name: (member.offset_data, member.size) for member in tar.getmembers()}
    except (tarfile.TarError, OSError) as error:
        raise InvalidFileError(
            f"Cannot list the clips of '{path}': {error}. Delete it and generate again.", path=path
        ) from error
    names = sorted(name.removesuffix(".json") for name in members if name.endswith(".json"))
    return [_Place(path, members[f"{name}.npz"], members[f"{name}.json"]) for name in names]
