"""Peers of the curvature benchmark, each used as its documentation shows; absent ones are left out.

Eigenvalues are asked for twice: at each setting in turn, of which the best is found afterwards, and once with the
settings that a call without any has (`_DEFAULT`).

curvlinops makes all products of an estimate at once; here it makes them by eights, which fits into memory for every
net and setting. PyHessian needs `torch.eig` for its density, which torch no longer has: its row says so.
"""

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.curvature_ours import Found, Method, lanczos_steps
from benchmarks.nets import Job

CURVLINOPS, EIGENTHINGS, PYHESSIAN = "curvlinops", "hessian-eigenthings", "PyHessian"
PACKAGES = ("curvlinops-for-pytorch", "hessian-eigenthings", "pyhessian")
_AT_ONCE = 8
_TOLERANCES = (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)
_POWER = (2, 4, 8, 16, 32, 64, 128, 256)
_DRAWS = tuple(2.0**n for n in range(2, 9))
_DEFAULT = (0.0,)
_THIRDS = tuple(1.5 * n for n in _DRAWS)

Peer = Callable[[Job, float, int], Found]


def peer_tops(k: int) -> list[Method]:
    """Top k eigenvalues by those that are installed."""
    methods = []
    if find_spec("curvlinops"):
        methods.append(Method(CURVLINOPS, "scipy's eigsh, by tolerance", _TOLERANCES, partial(_arpack, k)))
        methods.append(Method(CURVLINOPS, "scipy's eigsh, default", _DEFAULT, partial(_arpack, k)))
    if find_spec("hessian_eigenthings"):
        methods.append(Method(EIGENTHINGS, "Lanczos", lanczos_steps(k), partial(_eigenthings_top, k)))
        methods.append(Method(EIGENTHINGS, "Lanczos, default", _DEFAULT, partial(_eigenthings_top, k)))
    if find_spec("pyhessian"):
        methods.append(Method(PYHESSIAN, "power iteration, deflated", _POWER, partial(_power, k)))
        methods.append(Method(PYHESSIAN, "power iteration, default", _DEFAULT, partial(_power, k)))
    return methods


def peer_traces() -> list[Method]:
    """The trace by those that are installed."""
    methods = []
    if find_spec("curvlinops"):
        methods += [
            Method(CURVLINOPS, "Hutchinson", _DRAWS, partial(_curvlinops_trace, "hutchinson_trace")),
            Method(CURVLINOPS, "Hutch++", _THIRDS, partial(_curvlinops_trace, "hutchpp_trace")),
            Method(CURVLINOPS, "XTrace", _DRAWS, partial(_curvlinops_trace, "xtrace")),
        ]
    if find_spec("hessian_eigenthings"):
        methods += [
            Method(EIGENTHINGS, "Hutchinson", _DRAWS, partial(_eigenthings_trace, "hutchinson")),
            Method(EIGENTHINGS, "Hutch++", _THIRDS, partial(_eigenthings_trace, "hutch++")),
        ]
    if find_spec("pyhessian"):
        methods.append(Method(PYHESSIAN, "Hutchinson", _DRAWS, _pyhessian_trace))
    return methods


def peer_densities(draws: int, steps: int) -> list[Method]:
    """The density by those that are installed, of as many runs of as many steps."""
    methods = []
    if find_spec("curvlinops"):
        run = partial(_papyan, draws, steps)
        methods.append(Method(CURVLINOPS, "Papyan's, with the range by eigsh", (0,), run))
    if find_spec("hessian_eigenthings"):
        run = partial(_eigenthings_density, draws, steps)
        methods.append(Method(EIGENTHINGS, "Lanczos quadrature", (0,), run))
    if find_spec("pyhessian"):
        run = partial(_pyhessian_density, draws, steps)
        methods.append(Method(PYHESSIAN, "Lanczos quadrature", (0,), run))
    return methods


def _curvlinops(job: Job) -> Any:
    from curvlinops import HessianLinearOperator

    class Counting(HessianLinearOperator):
        made = 0

        def _matmat_batch(self, X: Any, y: Tensor, M: list[Tensor]) -> list[Tensor]:  # noqa: N803  # the name is theirs
            self.made += M[0].shape[-1]
            chunks = zip(*(m.split(_AT_ONCE, dim=-1) for m in M), strict=True)
            found = [super(Counting, self)._matmat_batch(X, y, list(chunk)) for chunk in chunks]
            return [torch.cat(parts, dim=-1) for parts in zip(*found, strict=True)]

    data = [(job.inputs, job.targets)]
    parameters = list(job.model.parameters())
    return Counting(job.model, nn.CrossEntropyLoss(), parameters, data, check_deterministic=False)


def _arpack(k: int, job: Job, tolerance: float, seed: int) -> Found:
    from scipy.sparse.linalg import eigsh

    operator = _curvlinops(job)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(operator.shape[1], generator=generator).numpy()
    values, _ = eigsh(operator.to_scipy(), k=k, which="LA", tol=tolerance, v0=start)
    return Found(sorted(map(float, values), reverse=True), operator.made)


def _curvlinops_trace(estimate: str, job: Job, products: float, seed: int) -> Found:
    import curvlinops

    operator = _curvlinops(job)
    torch.manual_seed(seed)
    return Found([float(getattr(curvlinops, estimate)(operator, int(products)))], operator.made)


def _papyan(draws: int, steps: int, job: Job, setting: float, seed: int) -> Found:
    from curvlinops import lanczos_approximate_spectrum

    del setting
    operator = _curvlinops(job)
    torch.manual_seed(seed)
    lanczos_approximate_spectrum(operator, steps, num_repeats=draws)
    return Found([], operator.made)


def _eigenthings(job: Job) -> Any:
    from hessian_eigenthings import HessianOperator, supervised_loss

    class Counting(HessianOperator):
        made = 0

        def matvec(self, v: Tensor) -> Tensor:
            self.made += 1
            return super().matvec(v)

    return Counting(job.model, [(job.inputs, job.targets)], supervised_loss(nn.CrossEntropyLoss()))


def _eigenthings_top(k: int, job: Job, steps: float, seed: int) -> Found:
    from hessian_eigenthings import lanczos

    operator = _eigenthings(job)
    found = lanczos(operator, k=k, max_iter=int(steps) or None, which="LA", seed=seed)
    return Found(sorted(found.eigenvalues.tolist(), reverse=True), operator.made)


def _eigenthings_trace(method: Any, job: Job, products: float, seed: int) -> Found:
    from hessian_eigenthings import trace

    operator = _eigenthings(job)
    return Found([trace(operator, num_matvecs=int(products), method=method, seed=seed).estimate], operator.made)


def _eigenthings_density(draws: int, steps: int, job: Job, setting: float, seed: int) -> Found:
    from hessian_eigenthings import spectral_density

    del setting
    operator = _eigenthings(job)
    spectral_density(operator, num_runs=draws, lanczos_steps=steps, seed=draws * seed)
    return Found([], operator.made)


def _pyhessian(job: Job, seed: int, ask: Callable[[Any], list[float]]) -> Found:
    """Make its object and ask it; its products are counted where its methods look the function up."""
    module: Any = import_module("pyhessian.hessian")  # the package hides it behind a class of its name
    made, product = 0, module.hessian_vector_product

    def counting(*given: Any) -> Any:
        nonlocal made
        made += 1
        return product(*given)

    torch.manual_seed(seed)
    module.hessian_vector_product = counting
    try:
        data = (job.inputs, job.targets)
        values = ask(module.hessian(job.model, nn.CrossEntropyLoss(), data=data, cuda=False))
    finally:
        module.hessian_vector_product = product
        job.optimizer.zero_grad()  # it leaves a gradient that holds its own graph
    return Found(values, made)


def _power(k: int, job: Job, rounds: float, seed: int) -> Found:
    def ask(peer: Any) -> list[float]:
        setting = {"maxIter": int(rounds), "tol": 0.0} if rounds else {}
        return sorted(peer.eigenvalues(**setting, top_n=k)[0], reverse=True)

    return _pyhessian(job, seed, ask)


def _pyhessian_trace(job: Job, products: float, seed: int) -> Found:
    def ask(peer: Any) -> list[float]:
        draws = peer.trace(maxIter=int(products), tol=-math.inf)
        return [sum(draws) / len(draws)]

    return _pyhessian(job, seed, ask)


def _pyhessian_density(draws: int, steps: int, job: Job, setting: float, seed: int) -> Found:
    del setting

    def ask(peer: Any) -> list[float]:
        peer.density(iter=steps, n_v=draws)
        return []

    return _pyhessian(job, seed, ask)
