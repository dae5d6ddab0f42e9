"""The joint values of every frame of a recording, once parts and joints are known from the used ones."""
