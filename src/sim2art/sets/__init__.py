"""The sets that `sim2art evaluate` scores on: by name, made, rendered and put through the chain, or real. Start at `evaluation_sets.py`."""
