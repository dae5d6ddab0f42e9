"""Models that come as a folder (config and safetensors weights) from the Hugging Face hub: names, licences, local places.

Nothing is fetched unasked: a run loads from a folder on this machine, `sim2art weights fetch NAME` puts it there. A
folder is looked for at the user's path, in `$SIM2ART_WEIGHTS/models/NAME`, then in the cache (`~/.cache/sim2art`).
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.optional import require
from sim2art.weights import weight_folders

_SUMS, _ORIGIN = "sha256.json", "origin.json"
_PATTERNS = ["*.json", "*.safetensors", "*.txt", "LICENSE*", "README.md"]


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """One model of the hub."""

    repository: str
    revision: str
    """Branch, tag or commit."""
    license: str
    is_gated: bool = False
    """Whether its licence must be accepted on the hub first."""


MODELS: dict[str, HubModel] = {
    "da2": HubModel(
        repository="depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf", revision="main", license="Apache-2.0"
    ),
    "depthpro": HubModel(repository="apple/DepthPro-hf", revision="main", license="Apple AMLR (research only)"),
    "sam2": HubModel(repository="facebook/sam2.1-hiera-small", revision="main", license="Apache-2.0"),
    "dinov2": HubModel(repository="facebook/dinov2-small", revision="main", license="Apache-2.0"),
    "dinov3": HubModel(
        repository="facebook/dinov3-vitl16-pretrain-lvd1689m", revision="main", license="DINOv3 License", is_gated=True
    ),
}


def find_model(name: str, source: str | None = None) -> Path | None:
    """The whole folder of a model, or None when it is not on this machine.

    Args:
        name: A name of `MODELS`.
        source: The user's own folder; nothing else is looked at then.

    Raises:
        InvalidFileError: When a folder is there but is not whole, or the user's folder is not there.
    """
    if source is not None:
        _check_whole(Path(source).expanduser())
        return Path(source).expanduser()
    look_up(name)
    for folder in weight_folders():
        path = folder / "models" / name
        if path.is_dir():
            _check_whole(path)
            return path
    return None


def require_model(name: str, source: str | None = None) -> Path:
    """The whole folder of a model.

    Raises:
        InvalidFileError: When it is not on this machine, with how to get it.
    """
    path = find_model(name, source)
    if path is None:
        model = look_up(name)
        raise InvalidFileError(
            f"Model '{name}' ({model.repository}, {model.license}) is not on this machine. Run: sim2art weights fetch {name}"
            f"{gate_words(model)}; or name a folder that holds it: {name}:/path/to/folder.",
            path=weight_folders()[-1] / "models" / name,
        )
    return path


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Download a model from the hub into the cache folder; it appears whole or not at all.

    The commit that a branch stood at is noted in `origin.json`, so that the same files can be had again.

    Args:
        name: A name of `MODELS`.
        revision: Branch, tag or commit; None takes the one of `MODELS`. A model that is there in another one is refused.

    Raises:
        InvalidFileError: When the hub cannot be reached, or the licence was not accepted.
    """
    found = find_model(name)
    if found is not None:
        if revision is not None and revision not in _origin_of(found).values():
            raise InvalidFileError(
                f"{found} holds model '{name}' of {_origin_of(found) or 'an unknown revision'}, not of {revision}. Delete that "
                "folder to fetch another.",
                path=found,
            )
        return found
    model, target = look_up(name), weight_folders()[-1] / "models" / name
    if os.environ.get("HF_HUB_OFFLINE") or os.environ.get("SIM2ART_OFFLINE"):
        raise InvalidFileError(
            f"Model '{name}' ({model.repository}) is not on this machine, and fetching is switched off (HF_HUB_OFFLINE or "
            f"SIM2ART_OFFLINE is set). Unset it, or copy the model's folder to {target}.",
            path=target,
        )
    hub: Any = require("huggingface_hub", extra="full")
    partial = target.with_name(f"{name}.{os.getpid()}.part")
    partial.mkdir(parents=True, exist_ok=True)
    try:
        hub.snapshot_download(
            model.repository, revision=revision or model.revision, local_dir=str(partial), allow_patterns=_PATTERNS
        )
        commit = _commit_of(partial)
        shutil.rmtree(partial / ".cache", ignore_errors=True)
        _check_whole(partial)
        origin = {"repository": model.repository, "revision": revision or model.revision, "commit": commit}
        (partial / _ORIGIN).write_text(json.dumps(origin, indent=2))
        (partial / _SUMS).write_text(json.dumps(_sums(partial), indent=2))
        partial.replace(target)
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        # Gated, missing and unreachable all derive from these.
        raise InvalidFileError(
            f"Could not fetch {model.repository} from the hub: {first_line(error)}{gate_words(model)}. Without a way to the hub, "
            f"copy the model's folder from a machine that has one to {target}.",
            path=target,
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def describe_origin(name: str) -> str:
    """Repository and revision of a model: the commit of what is on this machine where it is known."""
    model = look_up(name)
    try:
        path = find_model(name)
    except InvalidFileError:
        path = None
    origin = {} if path is None else _origin_of(path)
    return f"{model.repository}@{origin.get('commit') or origin.get('revision') or model.revision}"


def verify_model(name: str) -> bool:
    """Whether a model's files are as they were fetched; False when nothing was noted then.

    Raises:
        InvalidFileError: When the model is not there or a file has changed.
    """
    path = require_model(name)
    if not (path / _SUMS).is_file():
        return False
    noted, found = json.loads((path / _SUMS).read_text()), _sums(path)
    changed = sorted(file for file in noted if found.get(file) != noted[file])
    if changed:
        raise InvalidFileError(
            f"{path}: {', '.join(changed)} changed since the model was fetched. Delete the folder and fetch it again.",
            path=path,
        )
    return True


def look_up(name: str) -> HubModel:
    """A model by its name."""
    if name not in MODELS:
        raise InvalidValueError(f"No model is called '{name}'; known: {', '.join(MODELS)}.")
    return MODELS[name]


def gate_words(model: HubModel) -> str:
    """What must be done first for a model whose licence must be accepted."""
    if not model.is_gated:
        return ""
    return f" (first accept its licence at https://huggingface.co/{model.repository} and run: hf auth login)"


def _check_whole(path: Path) -> None:
    """Raise InvalidFileError unless a folder holds a config and every weight file that it speaks of."""
    if not path.is_dir():
        raise InvalidFileError(f"{path} is no folder; a model's folder with config.json is needed.", path=path)
    missing = [] if (path / "config.json").is_file() else ["config.json"]
    index = path / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        except (KeyError, ValueError) as error:
            raise InvalidFileError(f"{index} is damaged: {error}. Fetch the model again.", path=index) from error
        missing += [shard for shard in shards if not (path / shard).is_file()]
    elif not any(path.glob("*.safetensors")):
        missing.append("model.safetensors")
    if missing:
        raise InvalidFileError(
            f"{path} is not a whole model: {', '.join(missing)} is missing. Delete the folder and fetch it again.",
            path=path,
        )


def _commit_of(folder: Path) -> str | None:
    """The commit that the hub's client notes beside each file it fetches, or None."""
    for note in sorted((folder / ".cache" / "huggingface" / "download").glob("*.metadata")):
        words = note.read_text().split()
        if words and len(words[0]) == 40:
            return words[0]
    return None


def _origin_of(folder: Path) -> dict[str, str]:
    """What was noted when a model was fetched; nothing for folders that the user put there."""
    try:
        noted = json.loads((folder / _ORIGIN).read_text())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in noted.items() if isinstance(value, str)} if isinstance(noted, dict) else {}


def _sums(path: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.iterdir())
        if file.is_file() and file.name != _SUMS
    }


def first_line(error: Exception) -> str:
    """Kind and first line of an error of another library, for a sentence of ours."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no words'])[0][:200]}"
