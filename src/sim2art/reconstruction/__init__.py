"""From a recording to an articulated model and its files: `reconstruct` goes the whole way, `Reconstruction.save` writes."""
