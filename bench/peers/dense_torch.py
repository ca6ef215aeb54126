"""The trajectory-balance loss path in PyTorch, eager or through torch.compile; the formula is that of dense_jax.py."""
import os

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
import torch
from torch import nn

from given import given
from serve import serve

torch.set_num_threads(THREADS)


def build(request):
    count, width = request["rows"] // 77, request["width"]
    d = {k: torch.from_numpy(v) for k, v in given(count).items()}
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(80, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 9))
    log_z = nn.Parameter(torch.zeros(()))
    opt = torch.optim.Adam([dict(params=net.parameters(), lr=1e-3), dict(params=[log_z], lr=0.1)], fused=True)

    def picked(logits, mask, action):
        return torch.log_softmax(logits.masked_fill(~mask, -torch.inf), -1).gather(1, action[:, None])[:, 0]

    def loss():
        h = net(d["x"])
        log_pf = picked(h[:, :5], d["forward_mask"], d["forward"])
        log_pb = picked(h[:, 5:], d["backward_mask"], d["backward"]) * d["inner"]
        sums = torch.zeros(count).index_add(0, d["segment"], log_pf - log_pb)
        return ((log_z + sums - d["log_r"]) ** 2).mean()

    f = torch.compile(loss) if request.get("compile") else loss

    def run(n):
        for _ in range(n):
            opt.zero_grad(set_to_none=True)
            value = f()
            value.backward()
            opt.step()
        return dict(loss=float(value.detach()))

    return run


serve(build, dict(library="torch", version=torch.__version__, threads=torch.get_num_threads()))
