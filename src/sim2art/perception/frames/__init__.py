"""Frames: taken in, thinned out, and chosen by what moves; bars and warm-up told."""
