"""Which regions of the images follow which motion, told by carrying them from frame to frame and looking what is there."""
