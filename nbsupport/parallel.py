"""Independent pieces of one computation on all threads that torch may use."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(work: Callable[[Piece], Result], pieces: Sequence[Piece], device: torch.device) -> Iterator[Result]:
    """Do the work of every piece and give the results in the order of the pieces.

    On a processor each thread takes whole pieces and torch shares nothing out meanwhile, neither within a piece nor
    between the results: many small operations gain little from it, and lose much where other programs hold a core. A
    GPU takes one piece after the other.

    Parameters
    ----------
    work : callable
        Takes a piece; what it gives must not depend on other pieces.
    pieces : sequence
    device : device
        Where `work` computes.

    Yields
    ------
    result
        The same, to the bit, for any number of threads.
    """
    threads = torch.get_num_threads()
    workers = threads if device.type == "cpu" else 1
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, pieces)
    finally:
        torch.set_num_threads(threads)
