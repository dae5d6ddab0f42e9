"""Options of a verb: one dataclass a verb, documented field by field. tyro makes the command line of it, JSON a file.

Fields marked `ONCE` are about one run (where it writes, whether it may replace): they are not kept in the file.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sim2art.errors import DAMAGED, InvalidFileError, SchemaError

ONCE: Final = {"once": True}
"""Metadata of a field that belongs to one run alone."""
_SCHEMA = "schema"
_MEND = "Give the config.json of a result that this version wrote, or leave --config out and name the options."
T = TypeVar("T")


def options_type(verb: Callable[..., None]) -> type[Any]:
    """The dataclass that a verb's function takes as its only argument."""
    hints = get_type_hints(verb)
    hints.pop("return", None)
    (kind,) = hints.values()
    assert isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return kind


def parse_options(kind: type[T], words: Sequence[str], *, prog: str) -> T:
    """Options from the words of a command line; those of the file after `--config`, where it is known, stand behind them.

    Args:
        kind: The verb's dataclass; its docstring is the help's first line. With a field `config` it takes a file.
        words: What follows the verb.
        prog: What the help calls the program.
    """
    import tyro

    place = _place_of_config(words) if "config" in {field.name for field in dataclasses.fields(kind)} else None  # pyright: ignore[reportArgumentType]
    if place is None:
        return tyro.cli(kind, prog=prog, args=list(words))
    return tyro.cli(kind, prog=prog, args=list(words), default=read_options(kind, place))


def options_to_dict(options: Any, *, schema: str) -> dict[str, Any]:
    """What can be given back by `--config`, as values that JSON can hold; paths are absolute."""
    return {_SCHEMA: schema, **_to_dict(options)}


def read_options(kind: type[T], path: Path) -> T:
    """Options that `options_to_dict` gave a file; what the file does not name is as by default, or `tyro.MISSING`.

    Raises:
        InvalidFileError: When the file is missing, damaged or holds an option that is not known, with how to mend it.
        SchemaError: When the file was written for something else.
    """
    if path.is_dir():
        path = path / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidFileError(f"--config: there is no file '{path}'. {_MEND}", path=path) from error
    except DAMAGED as error:
        raise InvalidFileError(f"--config: '{path}' is damaged ({error}). {_MEND}", path=path) from error
    schema = getattr(kind, "SCHEMA", None)
    found = content.pop(_SCHEMA, None) if isinstance(content, dict) else None
    if found != schema:
        raise SchemaError(f"--config: '{path}' has schema {found!r}, and '{schema}' is read. {_MEND}", path=path)
    try:
        return from_json(kind, content)
    except (ValueError, ArithmeticError) as error:  # A number may be too large for a float.
        raise InvalidFileError(f"--config: '{path}' {error}. {_MEND}", path=path) from error


def words_of(options: Any) -> list[str]:
    """The words of a command line that give the same options; defaults and what is about one run are left out."""
    words: list[str] = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.metadata.get("once") or value == field.default:
            continue
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(option if value else f"--no-{field.name.replace('_', '-')}")
        elif isinstance(value, list | tuple):
            words += [option, *map(str, value)]
        else:
            word = str(value.absolute() if isinstance(value, Path) else value)
            words += [f"{option}={word}"] if word.startswith("-") else [option, word]
    return words


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Names of the options in which two results of `options_to_dict` differ."""
    names: list[str] = []
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names += differing(one, other)
        elif one != other:
            names.append(name)
    return names


def _place_of_config(words: Sequence[str]) -> Path | None:
    """The word after the last `--config`."""
    place = None
    for index, word in enumerate(words):
        if word.startswith("--config="):
            place = Path(word.partition("=")[2])
        elif word == "--config" and index + 1 < len(words):
            place = Path(words[index + 1])
    return place


def _to_dict(options: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.metadata.get("once"):
            continue
        if dataclasses.is_dataclass(value):
            value = _to_dict(value)
        kept[field.name] = str(value.absolute()) if isinstance(value, Path) else value
    return kept


def from_json(kind: type[T], content: Any) -> T:
    """A dataclass from a table of JSON values, each of its field's type; fields of one run alone stay `tyro.MISSING`.

    Raises:
        ValueError: When they do not fit; says what is wrong.
    """
    if not isinstance(content, dict):
        raise ValueError(f"holds {content!r} where a table of options is needed")
    fields = {field.name: field for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]
    hints = get_type_hints(kind)
    unknown = sorted(name for name in content if name not in fields or fields[name].metadata.get("once"))
    if unknown:
        raise ValueError(f"holds '{unknown[0]}', which is no option that a file can set")
    values, missing = {}, []
    for name, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name in content or dataclasses.is_dataclass(hints[name]):
            values[name] = _value(name, hints[name], content.get(name, {}))
        elif not has_default and not field.metadata.get("once"):
            raise ValueError(f"lacks '{name}'")
        elif not has_default:
            missing.append(name)
    made = kind(**values, **dict.fromkeys(missing, Path()))
    for name in missing:  # Set from behind: it is of no type that the field allows.
        import tyro

        object.__setattr__(made, name, tyro.MISSING)
    return made


def _value(name: str, hint: Any, value: Any) -> Any:
    """One value as the field's type wants it."""
    if get_origin(hint) is Annotated:
        return _value(name, get_args(hint)[0], value)
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value)  # pyright: ignore[reportArgumentType]
    if get_origin(hint) in (Union, types.UnionType):
        if value is None:
            return None
        (hint,) = (choice for choice in get_args(hint) if choice is not type(None))
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise ValueError(f"has {value!r} for '{name}'; known: {', '.join(map(str, get_args(hint)))}")
    if hint is Path and isinstance(value, str) and "\0" not in value:
        return Path(value)
    if get_origin(hint) is dict and isinstance(value, dict):
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is hint:
        return value
    raise ValueError(f"has {value!r} for '{name}', where {getattr(hint, '__name__', hint)} is needed")
