"""Seconds of each stage, with a line of the log about it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger(__name__)


class StageClock:
    """Times each stage and says one line about it."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time what happens inside; the yielded function takes a few words about what was found."""
        words: list[str] = []
        start = time.perf_counter()
        yield words.append
        self.timings[name] = time.perf_counter() - start
        logger.info("%-20s %-60s %6.1f s", name, ", ".join(words), self.timings[name])

    def kept(self, name: str, value: Any) -> Any:
        """Note a stage that an earlier run had finished."""
        self.timings[name] = 0.0
        logger.info("%-20s %-60s", name, "kept from the run before")
        return value
