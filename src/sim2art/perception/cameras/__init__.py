"""Where the camera was: recorded, tracked, or solved for by COLMAP; checked and made finer."""
