"""What `run.log` and a probe's row cost the training thread, with a sidecar reading beside it.

    python -m benchmarks.log_call [--calls 5000] [--pause 0.002]

Prints microseconds a call: median, 99th percentile and largest. Nothing is sent: the run is offline.
"""

import argparse
import tempfile
import time
from array import array
from collections.abc import Callable

import ergoscope
from benchmarks.machine import about


def measure(act: Callable[[int], None], *, calls: int, pause_s: float) -> list[float]:
    """Time calls, in microseconds, sorted."""
    times = []
    for number in range(calls):
        begin = time.perf_counter()
        act(number)
        times.append((time.perf_counter() - begin) * 1e6)
        if pause_s:
            time.sleep(pause_s)
    return sorted(times)


def main() -> None:
    """Measure rows of several widths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--pause", type=float, default=0.002, help="seconds between calls, for a training's own work")
    options = parser.parse_args()
    print(about())
    with tempfile.TemporaryDirectory() as folder:
        run = ergoscope.init(mode="offline", dir=folder, silent=True)
        for width in (1, 10, 100, 1000):
            data = {f"layer.{i}/norm": float(i) for i in range(width)}
            table = run.outlet.table(list(data))
            packed = array("d", data.values()).tobytes()
            rows: dict[str, Callable[[int], None]] = {
                "log": lambda step, data=data: run.log(data, step=step),  # type: ignore[misc]  # bound here
                "row": lambda step, table=table, packed=packed: run.outlet.row(  # type: ignore[misc]  # bound here
                    table, step, packed, dtype="f8"
                ),
            }
            for name, act in rows.items():
                times = measure(act, calls=options.calls, pause_s=options.pause)
                middle, high = times[len(times) // 2], times[int(len(times) * 0.99)]
                print(f"{name} of {width:4} values: median {middle:7.1f} us, p99 {high:7.1f}, max {times[-1]:8.1f}")
        run.finish()


if __name__ == "__main__":
    main()
