"""Our own object families. `FAMILIES` is the one table: name -> function that draws an object of that family."""

from collections.abc import Callable

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.base_cabinet import make_base_cabinet
from sim2art.assets.procedural.book import make_book
from sim2art.assets.procedural.casement_window import make_casement_window
from sim2art.assets.procedural.chest import make_chest
from sim2art.assets.procedural.control_panel import make_control_panel
from sim2art.assets.procedural.desk import make_desk
from sim2art.assets.procedural.desk_lamp import make_desk_lamp
from sim2art.assets.procedural.dishwasher import make_dishwasher
from sim2art.assets.procedural.door_drawer_cabinet import make_door_drawer_cabinet
from sim2art.assets.procedural.drawer_chest import make_drawer_chest
from sim2art.assets.procedural.drop_leaf_table import make_drop_leaf_table
from sim2art.assets.procedural.eyeglasses import make_eyeglasses
from sim2art.assets.procedural.flap_box import make_flap_box
from sim2art.assets.procedural.flip_phone import make_flip_phone
from sim2art.assets.procedural.folding_chair import make_folding_chair
from sim2art.assets.procedural.laptop import make_laptop
from sim2art.assets.procedural.microwave import make_microwave
from sim2art.assets.procedural.monitor import make_monitor
from sim2art.assets.procedural.office_chair import make_office_chair
from sim2art.assets.procedural.oven import make_oven
from sim2art.assets.procedural.piano import make_piano
from sim2art.assets.procedural.pliers import make_pliers
from sim2art.assets.procedural.printer import make_printer
from sim2art.assets.procedural.refrigerator import make_refrigerator
from sim2art.assets.procedural.room_door import make_room_door
from sim2art.assets.procedural.safe import make_safe
from sim2art.assets.procedural.scissors import make_scissors
from sim2art.assets.procedural.sliding_box import make_sliding_box
from sim2art.assets.procedural.sliding_window import make_sliding_window
from sim2art.assets.procedural.stapler import make_stapler
from sim2art.assets.procedural.suitcase import make_suitcase
from sim2art.assets.procedural.toaster import make_toaster
from sim2art.assets.procedural.toilet import make_toilet
from sim2art.assets.procedural.trash_can import make_trash_can
from sim2art.assets.procedural.wardrobe import make_wardrobe
from sim2art.assets.procedural.washing_machine import make_washing_machine

MakeObject = Callable[[np.random.Generator], ArticulatedObject]

_TRAINING: dict[str, MakeObject] = {
    "base_cabinet": make_base_cabinet,
    "drawer_chest": make_drawer_chest,
    "door_drawer_cabinet": make_door_drawer_cabinet,
    "wardrobe": make_wardrobe,
    "refrigerator": make_refrigerator,
    "microwave": make_microwave,
    "dishwasher": make_dishwasher,
    "room_door": make_room_door,
    "sliding_window": make_sliding_window,
    "casement_window": make_casement_window,
    "flap_box": make_flap_box,
    "trash_can": make_trash_can,
    "suitcase": make_suitcase,
    "stapler": make_stapler,
    "scissors": make_scissors,
    "folding_chair": make_folding_chair,
    "eyeglasses": make_eyeglasses,
    "chest": make_chest,
    "desk": make_desk,
    "desk_lamp": make_desk_lamp,
    "sliding_box": make_sliding_box,
    "office_chair": make_office_chair,
    "drop_leaf_table": make_drop_leaf_table,
    "monitor": make_monitor,
    "book": make_book,
    "laptop": make_laptop,
    "oven": make_oven,
}
_NOVEL: dict[str, MakeObject] = {
    "toilet": make_toilet,
    "washing_machine": make_washing_machine,
    "flip_phone": make_flip_phone,
    "pliers": make_pliers,
    "safe": make_safe,
    "printer": make_printer,
    "piano": make_piano,
    "toaster": make_toaster,
}

_LATER: dict[str, MakeObject] = {"control_panel": make_control_panel}

FAMILIES: dict[str, MakeObject] = {**_TRAINING, **_LATER, **_NOVEL}
VALIDATION_FAMILIES: tuple[str, ...] = tuple(_TRAINING)
"""Families that procedural-val and procedural-rgbd draw from: not those that came later, so that their clips stay what they were."""
TRAINING_FAMILIES: tuple[str, ...] = (*_TRAINING, *_LATER)
"""Families that models may be trained on."""
NOVEL_FAMILIES: tuple[str, ...] = tuple(_NOVEL)
"""Families kept for evaluation only, of other construction than those trained on."""
