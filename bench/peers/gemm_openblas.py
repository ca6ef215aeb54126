"""One matrix product on one thread in the OpenBLAS that NumPy's wheels carry. An operand that is stored transposed goes to it as such."""
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

from serve import serve


def version():
    libraries = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{libraries['name']} {libraries['version']}"


def build(request):
    op, shape = request["product"].split("/")
    m, k, n = map(int, shape.split("x"))
    rng = np.random.default_rng(1)

    def operand(rows, cols, transposed):
        x = rng.standard_normal((cols, rows) if transposed else (rows, cols), dtype=np.float32)
        return x.T if transposed else x

    a, b, c = operand(m, k, op[0] == "t"), operand(k, n, op[1] == "t"), np.empty((m, n), np.float32)

    def run(times):
        for _ in range(times):
            np.matmul(a, b, out=c)
        return {}

    return run


serve(build, dict(library="numpy", version=np.__version__, blas=version()))
