"""Where a result came from: versions, commit, machine, command. Written beside every output folder and checkpoint."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sim2art
from sim2art.file_names import readable_values


def collect_provenance(**facts: Any) -> dict[str, Any]:
    """Facts about this run as plain JSON values, joined with `facts`; paths in them as readable text."""
    return readable_values(
        {
            "sim2art": sim2art.__version__,
            "commit": _git_commit(),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
            "command": sys.argv,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            **facts,
        }
    )


def write_provenance(folder: Path, **facts: Any) -> None:
    """Write `provenance.json` into `folder`."""
    (folder / "provenance.json").write_text(json.dumps(collect_provenance(**facts), indent=2, default=str))


def _git_commit() -> str | None:
    """Commit of the checkout that this file is part of, with "+" when it has changes; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=root, capture_output=True, text=True, timeout=5, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if status else "")
