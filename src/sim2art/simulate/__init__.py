"""The data engine: scenarios, a rasteriser, corruption, and the clips and recordings made from them."""
