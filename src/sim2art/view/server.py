"""The page in the browser: starts viser on a free port and puts scene and panel together."""

import contextlib
import io
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from sim2art.errors import InvalidValueError
from sim2art.optional import require
from sim2art.view.draft import Draft
from sim2art.view.session import EditSession

DEFAULT_PORT = 8080
NUM_PORTS = 100
"""Ports that `auto` tries, from the default one on."""


def open_viewer(session: EditSession, *, host: str, port: int, refine: Callable[[Draft], Draft] | None = None) -> Any:
    """Start the page and return the running `viser.ViserServer`.

    Args:
        host: Address to listen on; 127.0.0.1 for this machine only.
        port: Free, see `choose_port`.
        refine: Fits all parts and joints together, when at hand.

    Raises:
        MissingPackageError: When viser is not installed.
    """
    viser = require("viser", extra="view")
    from sim2art.view.panels import Panels
    from sim2art.view.scene import DraftScene

    logging.getLogger("websockets").setLevel(logging.WARNING)  # It tells of every connection.
    with contextlib.redirect_stdout(io.StringIO()):  # It prints a banner of its own.
        server = viser.ViserServer(host=host, port=port, label=f"sim2art - {session.draft.name}", verbose=False)
    scene = DraftScene(server, session.draft)
    Panels(server, scene, session, refine=refine)
    return server


def choose_port(host: str, port: str) -> int:
    """The port to use: the one asked for, or the first free one when "auto" is asked for.

    Raises:
        InvalidValueError: When the port is no number, is taken, or the address is not one of this machine.
    """
    if port == "auto":
        for candidate in range(DEFAULT_PORT, DEFAULT_PORT + NUM_PORTS):
            if _is_free(host, candidate):
                return candidate
        raise InvalidValueError(
            f"None of the ports {DEFAULT_PORT} to {DEFAULT_PORT + NUM_PORTS - 1} is free on {host}; pass --port with another."
        )
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidValueError(f"--port is '{port}'; a number from 1 to 65535 is needed, or auto.")
    if not _is_free(host, int(port)):
        raise InvalidValueError(
            f"Port {port} on {host} is taken, perhaps by another viewer. Pass --port auto for the next free one, or another number."
        )
    return int(port)


def serve(server: Any) -> None:
    """Keep the page up until Ctrl-C."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop()


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise InvalidValueError(f"--host is '{host}', which is no address of this machine ({error}).") from error
        except PermissionError as error:
            raise InvalidValueError(f"Port {port} may not be used by this user; choose one above 1023.") from error
        except OSError as error:
            if error.errno == 99:  # EADDRNOTAVAIL
                raise InvalidValueError(
                    f"--host is '{host}', which is no address of this machine; 0.0.0.0 listens on all of them."
                ) from error
            return False
    return True
