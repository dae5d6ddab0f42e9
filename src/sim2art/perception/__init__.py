"""From a recording to what every method reads: captures, camera poses, frame choice, mask, lifted optical flow."""
