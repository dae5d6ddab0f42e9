"""Files for others: part meshes fused from depth, URDF, animated GLB, `result.json`, label images."""
