"""What the peers' processes share: they stay alive between rounds and time a workload when they are asked to.

A request is one JSON object a line on stdin, {"rows": 1232, ...}; the answer is one JSON object a line on stdout, {"ms": 3.6, ...}.
A workload is built, compiled and warmed up at its first request.
"""
import json
import sys
import time


WARM = 0.5  # seconds of the workload before the clock runs: as much arithmetic as Sluice is given


def serve(build, describe, least=0.3):
    """build(request) returns run(n) -> dict, which runs n iterations to their end and says what was seen (such as mean_length)."""
    runs = {}
    print(json.dumps(describe), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        key = json.dumps(request, sort_keys=True)
        try:
            if key not in runs:
                runs[key] = calibrate(build(request), request.get("least", least))
            run, n = runs[key]
            begin = time.perf_counter()
            while time.perf_counter() - begin < WARM:  # threads, caches and the processor's clock
                run(max(1, n // 4))
            begin = time.perf_counter()
            seen = run(n)
            ms = 1e3 * (time.perf_counter() - begin) / n
            answer = dict(ms=ms, iterations=n, **seen)
            runs[key] = run, max(1, round(1e3 * request.get("least", least) / ms))  # a slow start must not decide for good
        except Exception as e:  # one workload that cannot be had must not end the others
            answer = dict(error=f"{type(e).__name__}: {e}".splitlines()[0][:200])
        print(json.dumps(answer), flush=True)


def calibrate(run, least):
    """run and how many iterations take `least` seconds. The first calls compile; the slow ones after that are left behind."""
    run(1)
    n = 1
    while True:
        begin = time.perf_counter()
        run(n)
        took = time.perf_counter() - begin
        if took > least / 2:
            return run, max(1, round(n * least / took))
        n = max(2 * n, min(8 * n, int(n * least / (2 * took))))
