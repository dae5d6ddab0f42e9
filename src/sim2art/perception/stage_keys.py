"""What the kept stages of perception depend on: exactly that, so that a resumed run repeats no more than it must.

Cameras are tracked over the whole image, with what moves found by the tracker itself and before any object is masked. So
they do not depend on the mask, on people, on flow, on features, nor on the number of frames and points. Files and folders
of the user's count by their content's names, sizes and times; weights by whether they are at hand, as `auto` asks that.
"""

import dataclasses
from typing import Any

from sim2art.perception.components import COMPONENTS
from sim2art.perception.pipeline import ObserveOptions
from sim2art.perception.prepare import choice_facts


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
    return dataclasses.asdict(options) | {task: choice_facts(task, options.choice(task)) for task in COMPONENTS}
