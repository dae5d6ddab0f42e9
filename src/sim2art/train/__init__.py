"""Training: examples from clips, losses, the loop, its presets and logs."""
