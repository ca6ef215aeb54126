"""The trajectory-balance loss path in JAX: given one-hot rows -> MLP 80-W-W-(5+4) -> masked log-softmax of both heads -> sums ->
loss -> gradient -> Adam (log Z with its own rate). Nothing is drawn. All iterations of a call run inside one compiled loop."""
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.numpy as jnp
import optax

from given import given
from serve import serve


def build(request):
    count, width = request["rows"] // 77, request["width"]
    data = {k: jnp.asarray(v) for k, v in given(count).items()}
    keys = jax.random.split(jax.random.PRNGKey(0), 3)

    def linear(key, fan_in, fan_out):
        return dict(w=jax.random.uniform(key, (fan_in, fan_out), minval=-fan_in**-0.5, maxval=fan_in**-0.5), b=jnp.zeros(fan_out))

    params = dict(net=[linear(keys[0], 80, width), linear(keys[1], width, width), linear(keys[2], width, 9)], log_z=jnp.zeros(()))
    opt = optax.multi_transform(dict(net=optax.adam(1e-3), log_z=optax.adam(0.1)), dict(net="net", log_z="log_z"))

    def picked(logits, mask, action):
        log_p = jax.nn.log_softmax(jnp.where(mask, logits, jnp.finfo(jnp.float32).min))
        return jnp.take_along_axis(log_p, action[:, None], 1)[:, 0]

    def loss(p, d):
        h = d["x"]
        for i, layer in enumerate(p["net"]):
            h = h @ layer["w"] + layer["b"]
            if i < 2:
                h = jax.nn.relu(h)
        log_pf = picked(h[:, :5], d["forward_mask"], d["forward"])
        log_pb = picked(h[:, 5:], d["backward_mask"], d["backward"]) * d["inner"]
        return ((p["log_z"] + jax.ops.segment_sum(log_pf - log_pb, d["segment"], count) - d["log_r"]) ** 2).mean()

    @jax.jit
    def loop(n, p, o, d):
        def body(_, s):
            p, o, _ = s
            value, grads = jax.value_and_grad(loss)(p, d)
            updates, o = opt.update(grads, o, p)
            return optax.apply_updates(p, updates), o, value

        return jax.lax.fori_loop(0, n, body, (p, o, jnp.zeros(())))

    start = opt.init(params)

    def run(n):
        _, _, value = jax.block_until_ready(loop(n, params, start, data))
        return dict(loss=float(value))

    return run


serve(build, dict(library="jax", version=jax.__version__))
