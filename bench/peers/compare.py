"""Times Sluice and its peers in interleaved rounds on the same cores and prints the table of ratios.

Every round asks each of them once for each workload, one after the other; the fastest of the rounds counts for all. A round is the mean of .3
seconds of iterations, at least one: short, so that on a machine with other work each finds a moment for itself. The peers' processes stay alive between rounds and sleep; Sluice is a new process each time. Called by run.sh."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = [1232, 8162, 65527]  # whole trajectories of 77 rows near 1,232, 8,192 and 65,536
ITERATIONS = [("fresh", 16), ("early", 16), ("converged", 16), ("fresh", 256), ("fresh", 4096)]
WIDTH = 256
FEATURES = 80  # one-hot inputs of a state, which the peers multiply as a dense row; `embed` gives us a dense row to multiply, too
KINDS = ["loss", "iteration", "gemm"]
PRODUCTS = ["nn/16x256x256", "nt/16x256x256", "nn/1232x80x256", "nn/1232x256x256", "nt/1232x256x256", "nn/1232x256x5",
            "tn/256x1232x256", "tn/80x1232x256", "nn/4096x256x256", "nt/4096x256x256", "nn/8192x512x512"]  # those of sluice bench gemm


class Peer:
    """A process that times workloads when it is asked to; started at its first request."""

    def __init__(self, name, python, script, **extra):
        self.name, self.extra, self.process = name, extra, None
        self.command = [python, os.path.join(HERE, script)]

    def ask(self, request):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
            self.describe = json.loads(self.process.stdout.readline() or "{}")
        try:
            self.process.stdin.write(json.dumps(dict(request, **self.extra)) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            return dict(error="its process has ended")

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


class Sluice:
    name = "sluice"

    def __init__(self, program):
        self.program = program
        self.describe = json.loads(subprocess.run([program, "version", "--json"], capture_output=True, text=True, check=True).stdout)

    def ask(self, request):
        args = ["--rounds", "1", "--least", "300ms", "--warm", "500ms", "--json"]
        if request["kind"] == "gemm":
            args = ["gemm", "--product", request["product"]] + args
        else:
            args += ["--width", str(request["width"]), "--workers", str(cores())]
        if request["kind"] == "loss":
            args = ["loss", "--rows", str(request["rows"])] + (["--embed", str(request["embed"])] if "embed" in request else []) + args
        elif request["kind"] == "iteration":
            args = ["iteration", "--policy", request["policy"], "--batch", str(request["batch"])] + args
        done = subprocess.run([self.program, "bench"] + args, capture_output=True, text=True)
        if done.returncode != 0:
            return dict(error=done.stderr.strip())
        line = json.loads(done.stdout)
        return dict(ms=line["ms_best"], mean_length=line["mean_length"], peak_share=line["peak_share"] * line["ms_median"] / line["ms_best"])

    def close(self):
        pass


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine():
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {cores()} cores, Python {platform.python_version()}"


def workloads(which):
    loss = [dict(kind="loss", rows=n, width=WIDTH) for n in ROWS] + [dict(kind="loss", rows=ROWS[0], width=WIDTH, embed=FEATURES)]
    iteration = [dict(kind="iteration", policy=p, batch=b, width=WIDTH) for p, b in ITERATIONS]
    gemm = [dict(kind="gemm", product=p) for p in PRODUCTS]
    return [w for w in loss + iteration + gemm if which in ("all", w["kind"])]


def short(x):
    return f"{x:,.0f}" if x >= 99.95 else f"{x:.3g}"


def title(w):
    if w["kind"] == "gemm":
        return w["product"]
    if w["kind"] == "loss":
        return ("dense-input " if "embed" in w else "") + f"loss path, {w['rows']:,} rows"
    return f"iteration, batch {w['batch']:,}, {w['policy']}"


def measure(us, peers, list_, rounds):
    """{(workload, name): the fastest answer, with all its milliseconds}"""
    best = {}
    for r in range(rounds):
        for i, w in enumerate(list_):
            for p in [us] + peers[w["kind"]]:
                if best.get((i, p.name), {}).get("error"):
                    continue
                begin = time.time()
                answer = p.ask(w)
                spent = time.time() - begin
                print(f"round {r + 1}/{rounds}  {title(w):34} {p.name:22} " +
                      (answer.get("error") or f"{answer['ms']:10.3f} ms") + f"  ({spent:.0f} s)", file=sys.stderr, flush=True)
                old = best.get((i, p.name))
                all_ms = (old["rounds_ms"] if old else []) + ([answer["ms"]] if "ms" in answer else [])
                if old is None or answer.get("ms", 1e99) < old.get("ms", 1e99):
                    best[(i, p.name)] = dict(answer)
                best[(i, p.name)]["rounds_ms"] = all_ms
                time.sleep(0.2)  # threads of whoever ran last go to sleep
    return best


def report(us, peers, list_, best, rounds):
    records, lines = [], []
    lines.append(f"Best of {rounds} interleaved rounds; {machine()}. Ratios are the peer's time over ours; in brackets "
                 "the median of the rounds' own, in which what a neighbour does to a core is on both sides.")
    for kind in KINDS:
        mine = [(i, w) for i, w in enumerate(list_) if w["kind"] == kind]
        if not mine:
            continue
        head = ["workload", "ours, ms"] + (["length", "it/s"] if kind == "iteration" else ["peak"])
        names = [p.name for p in peers[kind]]
        lines += ["", "| " + " | ".join(head + [f"{n}, ms | ratio" for n in names]) + " |",
                  "|---|" + "---:|" * (len(head) - 1 + 2 * len(names))]
        for i, w in mine:
            ours = best[(i, "sluice")]
            if "error" in ours:
                raise SystemExit(f"sluice: {ours['error']}")
            row = [title(w), short(ours["ms"])]
            row += [f"{ours['mean_length']:.1f}", short(1e3 / ours["ms"])] if kind == "iteration" else [f"{ours['peak_share']:.2f}"]
            record = dict(workload=w, name=title(w), ours=ours, peers={})
            ratios = []
            for p in peers[kind]:
                a = best[(i, p.name)]
                record["peers"][p.name] = a
                if "error" in a:
                    row += ["-", "-"]
                    continue
                a["ratio"] = a["ms"] / ours["ms"]
                a["median_ratio"] = statistics.median(theirs / own for theirs, own in zip(a["rounds_ms"], ours["rounds_ms"]))
                ratios.append(a["ratio"])
                length = f" (length {a['mean_length']:.1f})" if "mean_length" in a else ""
                row += [short(a["ms"]) + length, f"{short(a['ratio'])} ({short(a['median_ratio'])})"]
            record["ratio_to_fastest_peer"] = min(ratios, default=None)
            records.append(record)
            lines.append("| " + " | ".join(row) + " |")
    versions = {p.name: getattr(p, "describe", None) for p in [us] + sum(peers.values(), [])}
    lines += ["", "Versions: " + "; ".join(f"{n} {json.dumps(v)}" for n, v in versions.items() if v)]
    failed = {f"{p.name}: {title(w)}: {best[(i, p.name)]['error']}" for i, w in enumerate(list_) for p in peers[w["kind"]] if "error" in best[(i, p.name)]}
    lines += [f"Not measured: {x}" for x in sorted(failed)]
    return dict(machine=machine(), rounds=rounds, versions=versions, results=records), "\n".join(lines) + "\n"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--venvs", required=True)
    a.add_argument("--sluice", required=True)
    a.add_argument("--rounds", type=int, default=7)
    a.add_argument("--only", choices=["all"] + KINDS, default="all")
    a.add_argument("--no-compile", action="store_true", help="leave torch.compile out: it needs a C++ compiler")
    a.add_argument("--out", required=True, help="where results.json and results.md go")
    a = a.parse_args()
    python = {v: os.path.join(a.venvs, v, "bin", "python") for v in ("jax", "gfnx-pinned", "torch")}
    peers = dict(
        loss=[Peer("JAX", python["jax"], "dense_jax.py"), Peer("PyTorch eager", python["torch"], "dense_torch.py")]
        + ([] if a.no_compile else [Peer("PyTorch compiled", python["torch"], "dense_torch.py", compile=True)]),
        iteration=[Peer("gfnx, newest JAX", python["jax"], "iteration_gfnx.py"), Peer("gfnx, its JAX", python["gfnx-pinned"], "iteration_gfnx.py"),
                   Peer("torchgfn", python["torch"], "iteration_torchgfn.py")],
        gemm=[Peer("OpenBLAS", python["jax"], "gemm_openblas.py")])
    us, list_ = Sluice(a.sluice), workloads(a.only)
    try:
        best = measure(us, peers, list_, a.rounds)
    finally:
        for p in sum(peers.values(), []):
            p.close()
    record, text = report(us, peers, list_, best, a.rounds)
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "results.json"), "w") as f:
        json.dump(record, f, indent=2)
    with open(os.path.join(a.out, "results.md"), "w") as f:
        f.write(text)
    print(text, end="")


if __name__ == "__main__":
    main()
