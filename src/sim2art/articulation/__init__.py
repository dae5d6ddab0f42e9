"""Joints, articulated objects, trajectories, estimates: the nouns that every other package speaks in."""
