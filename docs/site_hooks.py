"""Brings the texts at the top of the repository (CONVENTIONS.md and others) into the documentation site.

They stay where a reader of the repository looks for them, and are written once. Links between them and docs/ hold in
both places: here they are turned to where the page is on the site. What the site does not have, such as a folder, is
named but not linked.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from pymdownx.slugs import slugify

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "CONVENTIONS.md",
    "DATA_CARD.md",
    "MODEL_CARD.md",
)
"""Texts at the top of the repository that are pages of the site; the README is its first."""
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]*)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Name headings as code hosts do, so that a link to a heading holds in both places."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the repository's top to those of docs/."""
    for name in PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links to where their targets are on the site."""
    here = Path("." if page.file.src_uri in PAGES else "docs", page.file.src_uri).parent

    def turned(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        place = os.path.normpath(here / target)  # In the repository, from its top.
        if not target or (place.startswith("docs/") and here.parts):
            return found[0]  # Within docs/ links hold on the site as they are.
        place = place.removeprefix("docs/")
        up = "../" * (len(Path(page.file.src_uri).parts) - 1)
        is_image = found.string[found.start() - 1 : found.start()] == "!"
        there = is_image or files.get_file_from_path(place) is not None
        return f"[{text}]({up}{place}{anchor})" if there else text

    return _LINK.sub(turned, markdown)
