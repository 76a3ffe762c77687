"""Bases that stay orthonormal."""

import torch

from ergoscope.curvature.orthonormal import extend, remove


def test_the_basis_is_orthonormal_and_its_coefficients_give_the_vectors_back() -> None:
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(200, generator=generator, dtype=torch.float64)
    vectors = [shared + 1e-6 * torch.randn(200, generator=generator, dtype=torch.float64) for _ in range(6)]

    basis: list[torch.Tensor] = []
    columns = [extend(basis, vector.clone()) for vector in vectors]

    q = torch.stack(basis, dim=1)
    assert torch.allclose(q.T @ q, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-14)  # of vectors nearly parallel
    for place, (vector, column) in enumerate(zip(vectors, columns, strict=True)):
        assert torch.allclose(q[:, : place + 1] @ column, vector, rtol=0, atol=1e-13)


def test_a_vector_in_the_span_adds_zeros() -> None:
    basis = [torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])]

    column = extend(basis, torch.tensor([0.3, 0.7, 0.0]))

    assert basis[2].tolist() == [0.0, 0.0, 0.0]
    assert column.tolist()[2] == 0.0


def test_zeros_and_what_is_not_a_number_stay_visible() -> None:
    zeros, broken = [], [torch.tensor([1.0, 0.0])]

    extend(zeros, torch.zeros(2))
    column = extend(broken, torch.tensor([torch.nan, 1.0]))

    assert zeros[0].tolist() == [0.0, 0.0]
    assert column.isnan().all()


def test_what_was_removed_is_told() -> None:
    vector = torch.tensor([3.0, 4.0, 5.0])

    parts = remove(vector, [torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])])

    assert [float(p) for p in parts] == [3.0, 4.0]
    assert vector.tolist() == [0.0, 0.0, 5.0]
