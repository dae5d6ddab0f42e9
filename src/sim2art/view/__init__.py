"""Pictures and pages for people: overlays on the frames, motion charts, a mesh renderer, the report."""
