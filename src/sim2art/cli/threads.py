"""One thread where several would only wait for each other: said to the numeric libraries before they load.

A run is made of many short products and small networks. Shared out to several threads, each takes as long and all but one
thread spend the time spinning until the next: on two busy cores that more than doubles the CPU seconds of a run and its wall
time too. What does gain from more cores asks for them: optical flow (several images at a time) and networks that look at
whole images (`perception.features.torch_images.on_all_cores`). Training keeps the libraries' own numbers.
"""

import os
from collections.abc import MutableMapping

ONE_THREAD = "SIM2ART_ONE_THREAD"
"""Set to 1 in the environment where we chose, not the user."""
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_VERBS_WITH_THREADS = ("train",)


def set_threads(verb: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Ask for one thread, unless the user asked for a number or the verb gains from many.

    NumPy's OpenBLAS, SciPy's and torch's OpenMP read this when they are loaded, so it comes before any of them.
    """
    if verb in _VERBS_WITH_THREADS or any(variable in environment for variable in _VARIABLES):
        return
    environment.update(dict.fromkeys(_VARIABLES, "1"))
    environment[ONE_THREAD] = "1"
    environment.setdefault("OMP_WAIT_POLICY", "passive")  # Threads that have nothing to do sleep.
