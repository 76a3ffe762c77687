"""Several real processes that train together, on this machine."""

import multiprocessing
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

import numpy as np
import torch
from torch import distributed

from ergoscope_server.store.points import Points

T = TypeVar("T")
Rows = list[tuple[int, dict[str, float]]]  # what one rank records: steps, and at each the values by their keys
SECONDS = 120.0


def run_ranks(function: Callable[[int], T], world: int = 2) -> list[T]:
    """What a function returns on each rank of a gloo group of fresh processes."""
    context = multiprocessing.get_context("spawn")
    port = free_port()
    pipes = [context.Pipe(duplex=False) for _ in range(world)]
    started = [
        context.Process(target=_child, args=(function, rank, world, port, pipes[rank][1])) for rank in range(world)
    ]
    for process in started:
        process.start()
    try:
        results = []
        for rank, (receiver, _) in enumerate(pipes):
            assert receiver.poll(SECONDS), f"rank {rank} gave nothing within {SECONDS} s"
            results.append(receiver.recv())
    finally:
        for process in started:
            process.join(10)
            process.kill()
            process.join()
    for rank, result in enumerate(results):
        assert not isinstance(result, BaseException), f"rank {rank}: {result!r}"
    return results


def series(rows: Rows, key: str) -> Points:
    """One of the series in what a rank recorded."""
    found = [(step, row[key]) for step, row in rows if key in row]
    return Points(np.array([s for s, _ in found], np.int64), np.array([v for _, v in found], np.float64))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _child(function: Callable[[int], object], rank: int, world: int, port: int, answer: Connection) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=world)
    try:
        result = function(rank)
        distributed.barrier()
        answer.send(result)
    except BaseException as error:
        answer.send(RuntimeError(f"{type(error).__name__}: {error}"))
    finally:
        distributed.destroy_process_group()
