"""Collapse of features that are a simplex, a noisy simplex, or nothing of the kind."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.numerics.collapse import Collapse, Scatter

CLASSES, FEATURES, RADIUS = 10, 64, 3.0


def simplex(seed: int = 0) -> Tensor:
    """Corners of a simplex around zero, of length 3."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(FEATURES, CLASSES, generator=generator))
    middle = torch.eye(CLASSES) - 1 / CLASSES
    return RADIUS * (CLASSES / (CLASSES - 1)) ** 0.5 * (basis @ middle).t()


def collapse(batches: list[Tensor], labels: list[Tensor], head: Tensor) -> tuple[Collapse, Scatter]:
    scatter = Scatter(CLASSES, FEATURES, torch.device("cpu"))
    for features, own in zip(batches, labels, strict=True):
        scatter.add(features, own, torch.ones(len(own)))
    return Collapse.of(scatter.summary(head).tolist(), CLASSES), scatter


def test_an_exact_simplex_has_collapsed_wherever_it_stands() -> None:
    corners, labels = simplex(), torch.arange(CLASSES).repeat(20)

    found, _ = collapse([corners[labels] + 5.0] * 3, [labels] * 3, 0.7 * corners)

    # Corners of length 3 at 5 are known to 8 * 2^-24 each.
    assert found.within == pytest.approx(0.0, abs=1e-8)
    assert (found.lengths, found.angles) == (pytest.approx(0.0, abs=1e-5), pytest.approx(0.0, abs=1e-5))
    assert found.head == pytest.approx(0.0, abs=1e-5)
    assert found.examples == 60


def test_noise_around_a_simplex_reads_what_theory_says() -> None:
    torch.manual_seed(0)
    corners, each, repeats, noise = simplex(), 200, 20, 0.4
    labels = torch.arange(CLASSES).repeat(each)

    found = [
        collapse([corners[labels] + noise * torch.randn(len(labels), FEATURES)], [labels], corners)[0].within
        for _ in range(repeats)
    ]

    # s² (C-1)² / (C r²) = .144, less 1/n within classes, and the means' eigenvalues r² C/(C-1) grow by s²/n.
    expected = noise**2 * (1 - 1 / each) * (CLASSES - 1) / (RADIUS**2 * CLASSES / (CLASSES - 1) + noise**2 / each)
    assert noise**2 * (CLASSES - 1) ** 2 / (CLASSES * RADIUS**2) == pytest.approx(0.1440)
    error = np.std(found, ddof=1) / repeats**0.5
    assert np.mean(found) == pytest.approx(expected, abs=4 * error)


def test_a_head_that_has_nothing_to_do_with_the_features_reads_two() -> None:
    torch.manual_seed(0)
    corners, labels = simplex(), torch.arange(CLASSES).repeat(10)

    found = [collapse([corners[labels]], [labels], torch.randn(CLASSES, FEATURES))[0].head for _ in range(50)]

    # Twice a cosine in C d dimensions off 2.
    assert np.mean(found) == pytest.approx(2.0, abs=4 * 2 / (CLASSES * FEATURES * 50) ** 0.5)


def test_batches_one_by_one_are_the_same_as_all_at_once() -> None:
    torch.manual_seed(0)
    features, labels = torch.randn(500, FEATURES) + 30.0, torch.randint(0, CLASSES, (500,))
    head = torch.randn(CLASSES, FEATURES)

    whole, together = collapse([features], [labels], head)
    parts, merged = collapse(list(features.split(70)), list(labels.split(70)), head)

    assert merged.counts.tolist() == together.counts.tolist() == torch.bincount(labels).tolist()
    assert torch.allclose(merged.means, together.means, rtol=1e-5)
    assert torch.allclose(merged.within, together.within, atol=500 * 30 * 2.0**-20)
    assert parts.within == pytest.approx(whole.within, rel=1e-3)


def test_nc1_is_the_trace_with_the_pseudoinverse() -> None:
    torch.manual_seed(1)
    features, labels = torch.randn(400, FEATURES), torch.arange(CLASSES).repeat(40)
    found, scatter = collapse([features], [labels], torch.ones(CLASSES, FEATURES))

    means = scatter.means.double().numpy()
    away = means - means.mean(0)
    between = np.linalg.pinv(away.T @ away / CLASSES, rcond=1e-8, hermitian=True)
    truth = np.trace(scatter.within.double().numpy() / 400 @ between) / CLASSES
    assert found.within == pytest.approx(truth, rel=1e-4)


def test_examples_that_do_not_count_change_nothing() -> None:
    corners = simplex()
    scatter = Scatter(CLASSES, FEATURES, torch.device("cpu"))
    labels = torch.arange(CLASSES)
    scatter.add(corners, labels, torch.ones(CLASSES))
    scatter.add(100 * corners, labels, torch.zeros(CLASSES))

    assert scatter.counts.tolist() == [1.0] * CLASSES
    assert torch.allclose(scatter.means, corners)
    assert float(scatter.within.abs().max()) < 1e-10


def test_the_nearest_mean_is_found_wherever_the_means_stand() -> None:
    corners = simplex() + 7.0
    scatter = Scatter(CLASSES, FEATURES, torch.device("cpu"))
    scatter.add(corners, torch.arange(CLASSES), torch.ones(CLASSES))

    assert scatter.nearest(corners + 0.3).tolist() == list(range(CLASSES))


def test_numbers_that_are_not_finite_stay_so() -> None:
    found = Collapse.of([float("nan")] * 8 + [5.0, 5.0, float("nan")], 2)

    assert found.within != found.within


def test_one_class_is_refused_with_the_number_seen() -> None:
    with pytest.raises(ValueError, match="classes is 1; it takes at least 2 to tell their means apart"):
        Collapse.of([0.0] * 4, 1)
