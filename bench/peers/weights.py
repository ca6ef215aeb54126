"""Reads Sluice's trained policies, so that a peer can draw trajectories of the same length."""
import json
import os
import struct

import numpy as np


def policy(name):
    """{tensor name: array} of testdata/NAME.safetensors; a weight is [in, out]."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testdata", name + ".safetensors")
    with open(path, "rb") as f:
        raw = f.read()
    (n,) = struct.unpack("<Q", raw[:8])
    out = {}
    for key, t in json.loads(raw[8 : 8 + n]).items():
        a, b = t["data_offsets"]
        out[key] = np.frombuffer(raw[8 + n + a : 8 + n + b], "<f4").reshape(t["shape"]).copy()
    return out
