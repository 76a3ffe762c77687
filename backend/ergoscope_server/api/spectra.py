"""Spectra of the Hessian: the nodes and weights of a quadrature, from which densities and moments are worked out."""

import numpy as np
from fastapi import APIRouter

from ergoscope_contract.records import Spectrum
from ergoscope_server.api.answer import JsonAnswer, numbers
from ergoscope_server.api.examples import answered
from ergoscope_server.api.runs import Limit, OneRank, unknown
from ergoscope_server.api.service import ServiceOf

SPECTRA: dict[str, object] = {
    "spectra": [
        {
            "key": "spectral_density",
            "step": 512,
            "nodes": [-0.5, 0.25, 40.0],
            "weights": [0.25, 0.625, 0.125],
            "residuals": [0.5, 0.25, 0.0],
            "how": "exact",
        }
    ]
}

router = APIRouter(prefix="/api/v1", tags=["spectra"], default_response_class=JsonAnswer)


@router.get("/runs/{run}/spectra", responses=answered(spectra=SPECTRA))
def list_spectra(service: ServiceOf, run: str, key: str, rank: OneRank = 0, limit: Limit = 500) -> JsonAnswer:
    """The newest spectra of a key, in step order; nodes, weights and residuals as lists of numbers.

    The weights of all draws of a step together, as sent: divide them by their sum. Σ weight · f(node) is then the mean
    of f over the eigenvalues. `residuals` says how near to each node an eigenvalue is, and is empty where nobody knows.
    """
    if service.store.summary(run) is None:
        return unknown(run)
    found = service.store.spectra(run, key, rank=rank, limit=limit)
    return JsonAnswer({"spectra": [_told(spectrum) for spectrum in found]})


def _told(spectrum: Spectrum) -> dict[str, object]:
    return {
        "key": spectrum.key,
        "step": spectrum.step,
        "nodes": _listed(spectrum.nodes),
        "weights": _listed(spectrum.weights),
        "residuals": _listed(spectrum.residuals),
        "how": spectrum.how,
    }


def _listed(packed: bytes) -> list[object]:
    return numbers(np.frombuffer(packed, "<f8"))
