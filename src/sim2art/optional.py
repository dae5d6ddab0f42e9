"""Optional packages: `require` turns a failed import into an install command. The only place that guards an import."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from sim2art.errors import MissingPackageError


def require(module: str, *, extra: str) -> ModuleType:
    """Import and return an optional module.

    Args:
        module: Dotted name, such as "mujoco".
        extra: The extra of sim2art that installs it, such as "export".

    Raises:
        MissingPackageError: When it is not installed; the message is the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"Package '{module}' is needed here and not installed. Run: pip install 'sim2art[{extra}]'"
        ) from error


def is_installed(module: str) -> bool:
    """Whether a top-level module can be imported; it is not."""
    return find_spec(module) is not None
