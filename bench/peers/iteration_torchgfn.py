"""torchgfn's training iteration (sample, loss, backward, Adam) on the 20^4 hypergrid, without validation or logging. Trained policies
are Sluice's own weights, so that trajectories are as long; rates are small, so that they stay so. Without exploration torchgfn may keep
the log-probabilities of sampling or compute them again: both are tried, and the faster one is timed."""
import os
import time

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
from importlib.metadata import version

import torch
from gfn.estimators import DiscretePolicyEstimator
from gfn.gflownet import TBGFlowNet
from gfn.gym import HyperGrid
from gfn.preprocessors import KHotPreprocessor
from gfn.samplers import Sampler
from gfn.utils.modules import MLP

from serve import serve
from weights import policy

torch.set_num_threads(THREADS)
STANDING = 1e-6
EPSILON = dict(fresh=0.1, early=0.1 * (1 - 2000 / 30000), converged=0.0)


def load(pf, pb, name):
    w = policy(name)
    linears = [m for m in pf.trunk if isinstance(m, torch.nn.Linear)] + [pf.last_layer, pb.last_layer]
    names = ["policy.torso.0", "policy.torso.1", "policy.forward", "policy.backward"]
    with torch.no_grad():
        for layer, n in zip(linears, names, strict=True):
            layer.weight.copy_(torch.from_numpy(w[n + ".weight"].T))
            layer.bias.copy_(torch.from_numpy(w[n + ".bias"]))
    return float(w["log_z"])


def build(request):
    torch.manual_seed(0)
    env = HyperGrid(ndim=4, height=20, reward_fn_str="original", reward_fn_kwargs=dict(R0=1e-3, R1=0.5, R2=2.0), device=torch.device("cpu"),
                    calculate_partition=False, store_all_states=False, debug=False)
    pre = KHotPreprocessor(height=20, ndim=4)
    pf = MLP(pre.output_dim, env.n_actions, hidden_dim=request["width"], n_hidden_layers=2)
    pb = MLP(pre.output_dim, env.n_actions - 1, hidden_dim=request["width"], n_hidden_layers=2, trunk=pf.trunk)
    log_z = load(pf, pb, request["policy"]) if request["policy"] != "fresh" else 0.0
    pf_estimator = DiscretePolicyEstimator(pf, env.n_actions, preprocessor=pre, is_backward=False)
    pb_estimator = DiscretePolicyEstimator(pb, env.n_actions, preprocessor=pre, is_backward=True)
    flow = TBGFlowNet(pf=pf_estimator, pb=pb_estimator, init_logZ=log_z)
    net = [p for k, p in flow.named_parameters() if "logZ" not in k]
    opt = torch.optim.Adam([dict(params=net, lr=STANDING), dict(params=flow.logz_parameters(), lr=STANDING)])
    sampler, epsilon = Sampler(estimator=pf_estimator), EPSILON[request["policy"]]

    def loop(n, keep):
        length = 0.0
        for _ in range(n):
            with torch.set_grad_enabled(keep):
                explore = dict(epsilon=epsilon) if epsilon else {}
                tr = sampler.sample_trajectories(env, n=request["batch"], save_logprobs=keep, save_estimator_outputs=False, **explore)
            opt.zero_grad()
            loss = flow.loss_from_trajectories(env, tr, recalculate_all_logprobs=not keep)
            loss.backward()
            opt.step()
            length += tr.terminating_idx.float().mean().item()
        return dict(loss=float(loss.detach()), mean_length=length / n)

    keep = False
    if epsilon == 0:
        loop(3, True), loop(3, False)
        took = []
        for way in (False, True):
            begin = time.perf_counter()
            loop(5, way)
            took.append(time.perf_counter() - begin)
        keep = took[1] < took[0]
    return lambda n: dict(loop(n, keep), log_probs="kept" if keep else "computed again")


serve(build, dict(library="torchgfn", version=version("torchgfn"), torch=torch.__version__, threads=torch.get_num_threads()))
