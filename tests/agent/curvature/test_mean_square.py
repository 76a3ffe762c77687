"""The mean-square threshold of SGD, worked out exactly over all batches, against the trace."""

import itertools

import numpy as np
import pytest

from ergoscope.curvature.mean_square import trace_ratio


def _growth(features: np.ndarray, rate: float, batch: int) -> float:
    """Factor of the second moment in one step, over all batches without repeats."""
    size = features.shape[1]
    maps = [np.eye(size) - rate * a.T @ a / batch for a in map(np.array, itertools.combinations(features, batch))]
    return float(np.abs(np.linalg.eigvals(np.mean([np.kron(m, m) for m in maps], axis=0))).max())


def _threshold(features: np.ndarray, batch: int) -> float:
    n, size = features.shape
    p = (n - batch) / (batch * (n - 1))
    hessian = features.T @ features / n
    single = np.mean([np.kron(h, h) for h in (np.outer(a, a) for a in features)], axis=0)
    moved = (1 - p) * np.kron(hessian, hessian) + p * single
    kept = 0.5 * (np.kron(hessian, np.eye(size)) + np.kron(np.eye(size), hessian))
    return float(2 / np.linalg.eigvals(np.linalg.pinv(kept) @ moved).real.max())


@pytest.mark.parametrize("batch", [1, 2, 3, 6])
def test_for_orthogonal_examples_the_trace_is_the_exact_threshold(batch: int) -> None:
    features = np.sqrt(3.0) * np.eye(6)  # tr H = 3
    edge = 2 * batch / 3.0

    assert trace_ratio(edge, trace=3.0, batch=batch) == pytest.approx(1.0)
    assert _threshold(features, batch) == pytest.approx(edge, rel=1e-12)
    assert _growth(features, 0.999 * edge, batch) < 1 < _growth(features, 1.001 * edge, batch)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_for_random_examples_the_edge_is_never_beyond_a_ratio_of_one(batch: int) -> None:
    for seed in range(20):
        features = np.random.default_rng(seed).normal(size=(6, 3)) * np.array([2.0, 1.0, 0.5])
        trace = float((features**2).sum() / 6)

        edge = _threshold(features, batch)

        assert trace_ratio(edge, trace, batch) <= 1 + 1e-12
        assert _growth(features, 0.999 * edge, batch) < 1 < _growth(features, 1.001 * edge, batch)


def test_no_examples_in_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="batch is 0; it must be at least 1"):
        trace_ratio(0.1, 1.0, 0)
