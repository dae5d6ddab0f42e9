"""One part's convex decomposition as a process: an NPZ on standard input, an NPZ on standard output."""

import io
import os
import sys

import numpy as np

from sim2art.optional import require


def main() -> None:
    """Read vertices, faces and settings; write the corner points of all pieces, and how many each has."""
    coacd = require("coacd", extra="export")
    answer_to = os.dup(1)
    os.dup2(2, 1)  # The library prints on standard output, which is for the answer.
    coacd.set_log_level("error")
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as request:
        vertices, faces = request["vertices"], request["faces"]
        concavity, max_pieces, max_corners, max_seconds = request["settings"]
    if sys.platform != "win32":
        import resource

        # Of computing, so that a busy machine changes nothing; the caller's patience bounds the rest.
        resource.setrlimit(resource.RLIMIT_CPU, (int(np.ceil(max_seconds)), int(np.ceil(max_seconds)) + 1))
    pieces = coacd.run_coacd(
        coacd.Mesh(vertices, faces),
        threshold=float(concavity),
        max_convex_hull=int(max_pieces),
        max_ch_vertex=int(max_corners),
        decimate=True,
        # Scans are open shells and become closed ones a voxel or two thick.
        preprocess_mode="on",
        preprocess_resolution=30,
        resolution=400,
        mcts_iterations=10,
        mcts_nodes=6,
        mcts_max_depth=2,
    )
    memory = io.BytesIO()
    corners = [np.asarray(points, dtype=np.float64) for points, _ in pieces]
    np.savez(
        memory,
        points=np.concatenate(corners) if corners else np.zeros((0, 3)),
        counts=np.array([len(points) for points in corners], dtype=np.int64),
    )
    with os.fdopen(answer_to, "wb") as file:
        file.write(memory.getvalue())


if __name__ == "__main__":
    main()
