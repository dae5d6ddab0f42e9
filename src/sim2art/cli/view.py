"""`sim2art view`: look at a result in the browser, and correct it."""

import logging
from pathlib import Path
from typing import Annotated

import tyro

from sim2art.drafts import load_draft, refine_draft, save_draft
from sim2art.view.draft import Draft
from sim2art.view.server import choose_port, open_viewer, serve
from sim2art.view.session import EditSession

logger = logging.getLogger(__name__)


def view(
    result: tyro.conf.Positional[Path],
    *,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None,
    host: str = "127.0.0.1",
    port: str = "8080",
) -> None:
    """Look at a result in the browser: parts, joints, the video; correct it, fit again, save.

    Args:
        result: Output folder of sim2art run.
        output: Where Save writes; the result folder itself when not given.
        host: Address to listen on; 0.0.0.0 lets other machines in.
        port: Port, or auto for the next free one.
    """
    number = choose_port(host, port)
    draft = load_draft(result)
    target = output or result

    def save(changed: Draft) -> str:
        overwrite = output is None or (target / "result.json").exists()
        return " ".join(["Saved.", *save_draft(changed, target, origin=result, overwrite=overwrite).notes])

    can_save = draft.video is not None and draft.points is not None
    session = EditSession(draft, save if can_save else None)
    server = open_viewer(session, host=host, port=number, refine=refine_draft if can_save else None)
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    print(f"Viewer: http://{shown}:{number}  (Ctrl-C ends it)", flush=True)
    if host == "127.0.0.1":
        print(
            f"From another machine: ssh -L {number}:localhost:{number} THIS_MACHINE, then the same address.", flush=True
        )
    serve(server)
