"""Ways to damage the files of a folder, and words for what was done: what `hostile_inputs.py` draws from.

Each takes a file and a random generator. None knows what the file is for; those that need a form (JSON, a table, an archive,
a picture) leave files of another form to the others.
"""

import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Damage = Callable[[Path, np.random.Generator], str | None]
"""Changes a file in place; None when the file is not of its form."""
ODD_VALUES: tuple[Any, ...] = (
    None, True, "", "text", "\udcff", [], {}, [[]], 0, -1, 10**30, 1e308, -1e308, math.nan, math.inf, -math.inf, 1e-320,
    [math.nan], "../../escaped", "/dev/zero", {"a": 1}, 2**31, 2**63,
)  # fmt: skip
_ODD_WORDS = ("nan", "inf", "-inf", "1e400", "9" * 400, "", "text", "0x10", "-1", "1,2", "\0", "\udcff")
_TABLES = (".csv", ".txt", ".obj", ".xml", ".urdf", ".mtl")
ESCAPED = "escaped"
"""Name of the file that an archive's path escape would leave behind."""


def truncate(file: Path, rng: np.random.Generator) -> str:
    """Cut the end off."""
    content = file.read_bytes()
    kept = int(rng.integers(0, max(len(content), 1)))
    file.write_bytes(content[:kept])
    return f"cut to {kept} of {len(content)} bytes"


def flip_bits(file: Path, rng: np.random.Generator) -> str:
    """Flip a few bits, more often near the start, where headers are."""
    content = bytearray(file.read_bytes())
    if not content:
        return "empty already"
    count = int(rng.choice([1, 3, 30]))
    for _ in range(count):
        place = int(rng.integers(0, min(len(content), 200) if rng.random() < 0.5 else len(content)))
        content[place] ^= 1 << int(rng.integers(0, 8))
    file.write_bytes(bytes(content))
    return f"{count} bits flipped"


def fill(file: Path, rng: np.random.Generator) -> str:
    """Keep the size and lose the content."""
    size = file.stat().st_size
    file.write_bytes(bytes(size) if rng.random() < 0.5 else rng.bytes(size))
    return "filled with zeros or noise"


def remove(file: Path, rng: np.random.Generator) -> str:
    """Delete the file."""
    file.unlink()
    return "removed"


def replace_by_folder(file: Path, rng: np.random.Generator) -> str:
    """Put a folder in its place."""
    file.unlink()
    file.mkdir()
    return "a folder in its place"


def replace_by_link(file: Path, rng: np.random.Generator) -> str:
    """Put a symbolic link in its place: to nowhere, to itself, to its folder, to endless zeros, to a file outside."""
    aims = {"nowhere": "no/such/file", "itself": file.name, "its folder": ".", "other": "/etc/hostname"}
    where = list(aims)[int(rng.integers(0, len(aims)))]
    file.unlink()
    file.symlink_to(aims[where])
    return f"a link to {where}"


def swap(file: Path, rng: np.random.Generator) -> str | None:
    """Give it the content of another file of the folder."""
    others = [
        other
        for other in sorted(file.parent.rglob("*"))
        if other.is_file() and not other.is_symlink() and other != file
    ]
    if not others:
        return None
    other = others[int(rng.integers(0, len(others)))]
    file.write_bytes(other.read_bytes())
    return f"the content of {other.name}"


def change_json(file: Path, rng: np.random.Generator) -> str | None:
    """Put an odd value somewhere into a JSON file, or take an entry away."""
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return None
    places = list(_places(content))
    if not places or rng.random() < 0.1:
        odd = ODD_VALUES[int(rng.integers(0, len(ODD_VALUES)))]
        file.write_text(json.dumps(odd))
        return f"all of it is {odd!r}"[:60]
    # Shallow places first: the thousandth number of a pose tells little.
    deepest = int(rng.integers(1, 1 + max(len(place) for place in places)))
    places = [place for place in places if len(place) <= deepest]
    place = places[int(rng.integers(0, len(places)))]
    owner = content
    for key in place[:-1]:
        owner = owner[key]
    if rng.random() < 0.2:
        del owner[place[-1]]
        words = "is gone"
    else:
        odd = ODD_VALUES[int(rng.integers(0, len(ODD_VALUES)))]
        owner[place[-1]] = odd
        words = f"is {odd!r}"[:40]
    file.write_text(json.dumps(content))
    return f"{'.'.join(map(str, place))} {words}"


def change_table(file: Path, rng: np.random.Generator) -> str | None:
    """Change a word of a text file, or drop or repeat a line."""
    if file.suffix.lower() not in _TABLES:
        return None
    lines = file.read_bytes().decode(errors="surrogateescape").splitlines()
    if not lines:
        return None
    row = int(rng.integers(0, len(lines)))
    kind = rng.random()
    if kind < 0.2:
        del lines[row]
        words = f"line {row + 1} is gone"
    elif kind < 0.4:
        lines.insert(row, lines[row])
        words = f"line {row + 1} is there twice"
    else:
        parts = lines[row].replace(",", " , ").replace('"', ' " ').split(" ")
        odd = _ODD_WORDS[int(rng.integers(0, len(_ODD_WORDS)))]
        parts[int(rng.integers(0, len(parts)))] = odd
        lines[row] = " ".join(parts)
        words = f"a word of line {row + 1} is {odd!r}"[:60]
    file.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    return words


def change_arrays(file: Path, rng: np.random.Generator) -> str | None:
    """Change an array of an .npz or .npy file: not a number, huge, another shape or type."""
    if file.suffix not in (".npz", ".npy"):
        return None
    try:
        loaded = np.load(file, allow_pickle=False)
        arrays = dict(loaded) if file.suffix == ".npz" else {"": loaded}
    except (ValueError, OSError, zipfile.BadZipFile):
        return None
    name = list(arrays)[int(rng.integers(0, len(arrays)))]
    kinds: dict[str, Callable[[np.ndarray], Any]] = {
        "not a number": lambda x: np.full(x.shape, np.nan),
        "infinite": lambda x: np.full(x.shape, np.inf),
        "huge": lambda x: np.full(x.shape, 1e38),
        "flat": lambda x: x.reshape(-1),
        "one shorter": lambda x: x[:-1] if x.ndim else x,
        "empty": lambda x: np.zeros(0),
        "text": lambda x: np.array("text"),
        "whole numbers": lambda x: np.zeros(x.shape, np.int64),
    }
    kind = list(kinds)[int(rng.integers(0, len(kinds)))]
    if rng.random() < 0.1:
        del arrays[name]
        kind = "gone"
    else:
        arrays[name] = kinds[kind](arrays[name])
    memory = io.BytesIO()
    if file.suffix == ".npz":
        np.savez(memory, **arrays)
    else:
        np.save(memory, arrays.get("", np.zeros(0)))
    file.write_bytes(memory.getvalue())
    return f"array '{name}' is {kind}"


def change_archive(file: Path, rng: np.random.Generator) -> str | None:
    """Change a zip: entries whose paths lead outside, that are gone, doubled or empty, or speak of a huge size."""
    if not zipfile.is_zipfile(file) or file.suffix == ".npz":
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, zlib.error):
        return None
    if not entries:
        return None
    kind = int(rng.integers(0, 5))
    at = int(rng.integers(0, len(entries)))
    if kind == 0:
        entries += [(f"../../{ESCAPED}", b"x"), (f"/tmp/sim2art_{ESCAPED}", b"x"), (f"rgbd/../../{ESCAPED}", b"x")]
        words = "entries that lead outside"
    elif kind == 1:
        words = f"entry {entries.pop(at)[0]} is gone"
    elif kind == 2:
        entries[at] = (entries[at][0], b"")
        words = f"entry {entries[at][0]} is empty"
    elif kind == 3:
        entries[at] = (entries[at][0], bytes(200 * 2**20))
        words = f"entry {entries[at][0]} holds 200 MB of zeros"
    else:
        entries[at] = (entries[at][0], entries[int(rng.integers(0, len(entries)))][1])
        words = f"entry {entries[at][0]} has another's content"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return words


def enlarge_picture(file: Path, rng: np.random.Generator) -> str | None:
    """Let a PNG's header speak of a huge, empty or odd picture, with a right checksum."""
    content = bytearray(file.read_bytes())
    if not content.startswith(b"\x89PNG") or len(content) < 33:
        return None
    width, height = ((60000, 60000), (2**31 - 1, 1), (0, 0), (1, 1), (2000, 3000))[int(rng.integers(0, 5))]
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    file.write_bytes(bytes(content))
    return f"a header of {width}x{height} px"


GENERAL: tuple[Damage, ...] = (truncate, flip_bits, flip_bits, fill, remove, replace_by_folder, replace_by_link, swap)
FORMED: tuple[Damage, ...] = (change_json, change_table, change_arrays, change_archive, enlarge_picture)


def damage_one(place: Path, rng: np.random.Generator) -> str:
    """Damage one file of a folder (or the file itself); half of the time by its form, where there is a way.

    Small folders of many alike files are drawn by kind first: one of a thousand pictures matters no more than the one
    table beside them.
    """
    files = [place] if place.is_file() else [x for x in sorted(place.rglob("*")) if x.is_file() and not x.is_symlink()]
    if not files:
        return "nothing is left to damage"
    kinds = sorted({(file.parent, file.suffix) for file in files})
    kind = kinds[int(rng.integers(0, len(kinds)))]
    alike = [file for file in files if (file.parent, file.suffix) == kind]
    file = alike[int(rng.integers(0, len(alike)))]
    name = file.name if place.is_file() else str(file.relative_to(place))
    if rng.random() < 0.6:
        for index in rng.permutation(len(FORMED)):
            words = FORMED[int(index)](file, rng)
            if words is not None:
                return f"{name}: {words}"
    words = GENERAL[int(rng.integers(0, len(GENERAL)))](file, rng)
    return f"{name}: {words or 'left as it is'}"


def _places(content: Any, place: tuple[Any, ...] = ()) -> Any:
    """Every place in a JSON value, as a path of keys."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield (*place, key)
        yield from _places(content[key], (*place, key))
