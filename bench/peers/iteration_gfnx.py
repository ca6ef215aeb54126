"""gfnx's training iteration (rollout, loss, gradient, Adam) on the 20^4 hypergrid, and nothing else: no metrics, no logging. All
iterations of a call run inside one compiled loop, the fastest way gfnx can be driven. Its rollout is always of 81 padded steps, so that
its cost does not depend on the policy; all the same trained policies are Sluice's own weights, and rates are small, so that trajectories
are as long as in the other libraries' runs and stay so."""
import os
import sys
import types
import typing

os.environ.setdefault("JAX_PLATFORMS", "cpu")
try:
    import flashbax  # noqa: F401
except Exception:  # gfnx imports it for replay buffers and metrics; the timed loop needs neither

    class TrajectoryBufferState(typing.Generic[typing.TypeVar("T")]):
        pass

    for name, members in [("flashbax", dict(make_item_buffer=None)), ("flashbax.buffers", {}),
                          ("flashbax.buffers.trajectory_buffer", dict(TrajectoryBufferState=TrajectoryBufferState))]:
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
import jax

if not hasattr(jax, "tree_map"):  # gone from newer JAX
    jax.tree_map = jax.tree_util.tree_map
try:
    import jax.experimental.sparse  # noqa: F401
except Exception:  # imported by its metrics
    sys.modules["jax.experimental.sparse"] = types.ModuleType("jax.experimental.sparse")
import equinox as eqx
import gfnx
import jax.numpy as jnp
import numpy as np
import optax
from gfnx.utils import forward_rollout

from serve import serve
from weights import policy

STANDING = 1e-6
EPSILON = dict(fresh=0.1, early=0.1 * (1 - 2000 / 30000), converged=0.0)
tree_map = jax.tree_util.tree_map
lowest = jnp.finfo(jnp.float32).min


def flat(tree):
    return tree_map(lambda x: x.reshape((-1,) + x.shape[2:]), tree)


def picked(logits, invalid, action):
    log_p = jax.nn.log_softmax(jnp.where(invalid, lowest, logits), axis=-1)
    return jnp.take_along_axis(log_p, action[..., None], axis=-1)[..., 0]


def build(request):
    batch, width = request["batch"], request["width"]
    key, env_key, net_key = jax.random.split(jax.random.PRNGKey(0), 3)
    env = gfnx.HypergridEnvironment(gfnx.EasyHypergridRewardModule(), dim=4, side=20)
    forward, backward = env.action_space.n, env.backward_action_space.n

    class Net(eqx.Module):
        net: eqx.nn.MLP

        def __call__(self, x):
            f, b = jnp.split(self.net(x), [forward])
            return dict(forward_logits=f, backward_logits=b)

    model = Net(eqx.nn.MLP(env.observation_space.shape[0], forward + backward, width, 2, key=net_key))
    log_z = jnp.array(0.0)
    if request["policy"] != "fresh":
        w = policy(request["policy"])
        log_z = jnp.asarray(w["log_z"])
        w["out.weight"] = np.concatenate([w["policy.forward.weight"], w["policy.backward.weight"]], 1)
        w["out.bias"] = np.concatenate([w["policy.forward.bias"], w["policy.backward.bias"]])
        names = ["policy.torso.0", "policy.torso.1", "out"]
        model = eqx.tree_at(lambda m: [x for layer in m.net.layers for x in (layer.weight, layer.bias)], model,
                            [jnp.asarray(x) for n in names for x in (w[n + ".weight"].T, w[n + ".bias"])])
    epsilon = EPSILON[request["policy"]]
    env_params = env.init(env_key)
    arrays, static = eqx.partition(model, eqx.is_array)
    params = dict(net=arrays, log_z=log_z)
    labels = dict(net=tree_map(lambda _: "net", arrays), log_z="log_z")
    opt = optax.multi_transform(dict(net=optax.adam(STANDING), log_z=optax.adam(STANDING)), labels)

    def loss_fn(p, tr):
        net = eqx.combine(p["net"], static)
        prev, nxt = tree_map(lambda x: x[:, :-1], tr.state), tree_map(lambda x: x[:, 1:], tr.state)
        act, pad, log_r = tr.action[:, :-1], tr.pad[:, :-1], tr.log_gfn_reward[:, :-1]
        undo = env.get_backward_action(flat(prev), act.reshape(-1), flat(nxt), env_params)
        invalid, undo_invalid = env.get_invalid_mask(flat(prev), env_params), env.get_invalid_backward_mask(flat(nxt), env_params)
        out = jax.vmap(jax.vmap(net))(tr.obs)

        def cut(x, s):
            return x[:, s].reshape((-1,) + x.shape[2:])

        log_pf = picked(cut(out["forward_logits"], slice(0, -1)), invalid, act.reshape(-1)).reshape(act.shape)
        log_pb = picked(cut(out["backward_logits"], slice(1, None)), undo_invalid, undo).reshape(act.shape)
        log_pf, log_pb, log_r = (jnp.where(pad, 0.0, x).sum(1) for x in (log_pf, log_pb, log_r))
        return ((p["log_z"] + log_pf - log_pb - log_r) ** 2).mean()

    def iteration(_, s):
        key, p, o, seen = s
        key, rollout_key = jax.random.split(key)

        def act(rng, obs, arrs):
            out = jax.vmap(eqx.combine(arrs, static))(obs)
            explore = jax.random.bernoulli(jax.random.split(rng)[1], epsilon, (obs.shape[0],))
            return jnp.where(explore[:, None], 0.0, out["forward_logits"]), out

        tr, info = forward_rollout(rollout_key, batch, act, p["net"], env, env_params)
        loss, grads = jax.value_and_grad(loss_fn)(p, tr)
        updates, o = opt.update(grads, o, p)
        return key, optax.apply_updates(p, updates), o, jnp.stack([loss, seen[1] + info["trajectory_length"].mean()])

    @jax.jit
    def loop(n, s):
        return jax.lax.fori_loop(0, n, iteration, s)

    start = (key, params, opt.init(params), jnp.zeros(2))

    def run(n):
        seen = jax.block_until_ready(loop(n, start))[3]
        return dict(loss=float(seen[0]), mean_length=float(seen[1]) / n)

    return run


serve(build, dict(library="gfnx", version=getattr(gfnx, "__version__", "0.0.1"), jax=jax.__version__))
