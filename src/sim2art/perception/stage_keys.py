"""What the kept stages of perception depend on: exactly that, so that a resumed run repeats no more than it must.

Cameras are tracked over the whole image, with what moves found by the tracker itself and before any object is masked. So
they do not depend on the mask, on people, on flow, on features, nor on the number of frames and points. Files and folders
of the user's count by their content's names, sizes and times; weights by whether they are at hand, as `auto` asks that.
"""

import dataclasses
from pathlib import Path
from typing import Any

from sim2art.perception.components import COMPONENTS, Choice, find_lacks
from sim2art.perception.options import ObserveOptions
from sim2art.stages import fingerprint
from sim2art.weights import has_weight


def camera_facts(options: ObserveOptions) -> dict[str, Any]:
    """What tracked cameras depend on, the recording aside."""
    return {
        "depth": choice_facts("depth", options.choice("depth")),
        "cameras": choice_facts("cameras", options.choice("cameras")),
        "complete": dataclasses.asdict(options.complete),
        "intake": dataclasses.asdict(options.intake),
        "scale": [options.known_length, options.marker],
    }


def observation_facts(options: ObserveOptions) -> dict[str, Any]:
    """What an observation depends on, the recording aside: everything."""
    choices = {task: choice_facts(task, options.choice(task)) for task in COMPONENTS}
    if options.choice("mask").name == "auto":
        choices["mask"] = [*choices["mask"], not find_lacks("mask", Choice(name="u2net"))]
    return dataclasses.asdict(options) | choices


def choice_facts(task: str, choice: Choice) -> list[Any]:
    """What makes one choice differ from another: name, content of the user's place for it, whether its weight is there."""
    place = None if choice.source is None else Path(choice.source).expanduser()
    content = fingerprint(place) if place is not None and place.exists() else choice.source
    component = COMPONENTS[task][choice.name]
    weight = component.weight or component.better_with
    return [choice.name, content, weight is not None and has_weight(weight)]
