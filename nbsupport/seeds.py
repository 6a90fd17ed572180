"""Named random streams: adding one moves none of the others."""

import hashlib

import numpy as np


class Streams(dict):
    """Random generators by name, as items and as attributes: ``rng["noise"]`` is ``rng.noise``."""

    def __getattr__(self, name: str) -> np.random.Generator:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no random stream {name!r}; opened: {', '.join(self)}") from None


def streams(seed: int, *names: str, sample: int | None = None) -> Streams:
    """Open one independent random generator per name, all rooted in one seed.

    Parameters
    ----------
    seed : int
        Root of every stream, non-negative.
    *names : str
        For example ``"structure", "photokinetics", "noise"``.
    sample : int, optional
        Index of a sample; each has streams of its own, whichever job draws them and in whichever order.

    Returns
    -------
    Streams
        A stream depends on the seed, its name and the sample alone.

    Raises
    ------
    ValueError
        If no name or a name twice is given, or seed or sample is negative.

    Notes
    -----
    The name is hashed into the spawn key of `numpy.random.SeedSequence`, so a stream's place in the call is irrelevant.
    """
    if not names or len(set(names)) != len(names):
        raise ValueError(f"name each random stream once; got {names!r}")
    if seed < 0 or (sample is not None and sample < 0):
        raise ValueError(f"seed and sample must not be negative; got seed={seed}, sample={sample}")
    opened = Streams()
    for name in names:
        digest = hashlib.sha256(name.encode()).digest()[:16]
        key = np.frombuffer(digest, dtype="<u4").tolist() + ([] if sample is None else [sample])
        opened[name] = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
    return opened
