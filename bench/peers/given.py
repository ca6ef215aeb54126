"""Given trajectories on the 20^4 hypergrid for the dense loss paths: the longest ones, 77 rows each, trajectory after trajectory."""
import numpy as np

DIM, SIDE = 4, 20
LONGEST = DIM * (SIDE - 1) + 1


def given(count, seed=0):
    """Arrays of count * 77 rows: one-hot input, masks and actions both ways, the first rows, and log R of each trajectory."""
    r = np.random.default_rng(seed)
    axes = np.tile(np.repeat(np.arange(DIM), SIDE - 1), (count, 1))
    axes = r.permuted(axes, axis=1)
    step = np.eye(DIM, dtype=np.int64)[axes]  # [count, 76, DIM]
    state = np.concatenate([np.zeros((count, 1, DIM), np.int64), step.cumsum(1)], 1).reshape(-1, DIM)
    n = len(state)
    x = np.zeros((n, DIM * SIDE), np.float32)
    for d in range(DIM):
        x[np.arange(n), d * SIDE + state[:, d]] = 1
    forward = np.concatenate([axes, np.full((count, 1), DIM)], 1).reshape(-1)
    backward = np.concatenate([np.zeros((count, 1), np.int64), axes], 1).reshape(-1)
    forward_mask = np.concatenate([state < SIDE - 1, np.ones((n, 1), bool)], 1)
    backward_mask = state > 0
    first = ~backward_mask.any(1)
    backward_mask[first, 0] = True  # nothing is read there, but a softmax over nothing is not a number
    log_r = np.full(count, np.log(1e-3 + 0.5), np.float32)  # of the far corner
    segment = np.repeat(np.arange(count), LONGEST)
    return dict(x=x, forward=forward, backward=backward, forward_mask=forward_mask, backward_mask=backward_mask,
                inner=(~first).astype(np.float32), log_r=log_r, segment=segment)
