"""Optical flow, lifted to space by depth and camera."""
