"""sim2art: one video of an object in motion to an articulated 3D model.

Importing this package is cheap: nothing heavy (torch, OpenCV, numba) loads until a function that needs it is called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2art.reconstruction.reconstruct import reconstruct
    from sim2art.reconstruction.reconstruction import Reconstruction

__version__ = "0.2.0"
__all__ = ["Reconstruction", "__version__", "reconstruct"]


def __getattr__(name: str) -> Any:
    if name in ("reconstruct", "Reconstruction"):
        from importlib import import_module

        return getattr(import_module(f"sim2art.reconstruction.{name.lower()}"), name)
    raise AttributeError(f"module 'sim2art' has no attribute {name!r}")
