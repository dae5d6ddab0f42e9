"""`sim2art view`: look at a result in the browser, and correct it."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from sim2art.drafts import load_draft, refine_draft, save_draft
from sim2art.view.draft import Draft
from sim2art.view.server import choose_port, open_viewer, serve
from sim2art.view.session import EditSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """Look at a result in the browser: parts, joints, the video; correct it, fit again, save."""

    result: Positional[Path]
    """Output folder of sim2art run."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Where Save writes; the result folder itself when not given."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in."""
    port: str = "8080"
    """Port, or auto for the next free one."""


def view(options: ViewOptions) -> None:
    number = choose_port(options.host, options.port)
    draft = load_draft(options.result)
    target = options.output or options.result

    def save(changed: Draft) -> str:
        overwrite = options.output is None or (target / "result.json").exists()
        return " ".join(["Saved.", *save_draft(changed, target, origin=options.result, overwrite=overwrite).notes])

    can_save = draft.video is not None and draft.points is not None
    session = EditSession(draft, save if can_save else None)
    server = open_viewer(session, host=options.host, port=number, refine=refine_draft if can_save else None)
    shown = "localhost" if options.host in ("127.0.0.1", "0.0.0.0") else options.host
    print(f"Viewer: http://{shown}:{number}  (Ctrl-C ends it)", flush=True)
    if options.host == "127.0.0.1":
        print(
            f"From another machine: ssh -L {number}:localhost:{number} THIS_MACHINE, then the same address.", flush=True
        )
    serve(server)
