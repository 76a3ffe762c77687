"""How long a series remembers itself: the integrated autocorrelation time."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("iat", "ess")
RELIABLE = 50  # windows shorter than 50 autocorrelation times estimate it with a large downward bias


@dataclass(frozen=True, slots=True)
class CorrelationTime:
    """The integrated autocorrelation time of a window.

    tau: 1 + 2 Σ_k ρ_k in points, at least 1.
    error: standard error of tau.
    lags: lags that entered the sum.
    n: points of the window; n / tau of them are worth an independent one.
    """

    tau: float
    error: float
    lags: int
    n: int

    @property
    def ess(self) -> float:
        """Independent readings the window is worth."""
        return self.n / self.tau

    @property
    def reliable(self) -> bool:
        """Say whether the window is at least 50 autocorrelation times long."""
        return self.n >= RELIABLE * self.tau


def autocorrelation(values: FloatArray) -> FloatArray:
    """Give ρ_k for k = 0 .. n-1, shape (n,), about the mean of the series; O(n log n).

    The biased form (divided by n at every lag), a positive definite sequence. A constant series gives 1, 0, 0, ...

    Args:
        values: Finite values, shape (n,), equally spaced.
    """
    n = len(values)
    centred = values - values.mean()
    size = next_fast_len(2 * n, real=True)  # zero padding past 2n keeps the convolution linear
    spectrum = rfft(centred, size)
    raw = irfft(spectrum.real**2 + spectrum.imag**2, size)[:n]
    rho = np.zeros(n)
    rho[0] = 1.0
    if raw[0] > n * (np.finfo(float).eps * (abs(float(values.mean())) + 1e-300)) ** 2:
        rho = raw / raw[0]
    return rho


def iat_sokal(values: FloatArray, *, c: float = 5.0) -> CorrelationTime:
    """Estimate the integrated autocorrelation time with Sokal's automatic window.

    The sum stops at the smallest M with M >= c tau(M). Standard error tau sqrt(2 (2M+1) / n). Source: Sokal (1997).
    """
    rho = autocorrelation(values)
    tau = 1.0 + 2.0 * np.concatenate(([0.0], np.cumsum(rho[1:])))
    fits = np.flatnonzero(np.arange(len(tau)) >= c * tau)
    window = int(fits[0]) if len(fits) else len(tau) - 1
    return _correlation_time(float(tau[window]), window, len(values))


def iat_geyer(values: FloatArray) -> CorrelationTime:
    """Estimate the integrated autocorrelation time with Geyer's initial monotone sequence.

    Sums of neighbouring pairs ρ_2k + ρ_2k+1 are added while positive, each cut to its predecessor. Less variance than
    Sokal's window at the same bias. The standard error is Sokal's for as many lags, which errs on the large side.
    Source: Geyer (1992), section 3.3.
    """
    rho = autocorrelation(values)
    half = len(rho) // 2
    pairs = rho[0 : 2 * half : 2] + rho[1 : 2 * half : 2]
    ends = np.flatnonzero(pairs <= 0)
    count = int(ends[0]) if len(ends) else half
    kept = np.minimum.accumulate(pairs[:count])
    return _correlation_time(-1.0 + 2.0 * float(kept.sum()), 2 * count, len(values))


def _correlation_time(tau: float, lags: int, n: int) -> CorrelationTime:
    # Below 1 readings would be worth more than themselves; shuffling by epochs can do that, but no test may lean on it.
    tau = max(1.0, tau)
    return CorrelationTime(tau=tau, error=tau * float(np.sqrt(2.0 * (2 * lags + 1) / max(n, 1))), lags=lags, n=n)
