"""The singular values of weight matrices: how many directions a layer uses, and how heavy its spectrum's tail is."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

UNFOLDED = "a convolution is taken as a matrix of one row for each channel that it gives, which decides the number"
ONE = (
    "one layer at a time, of up to 768 on the smaller side and 4 million entries: of larger layers there is no value. "
    "Singular values below a thousandth of the largest count as zero"
)


def _of_tail(name: str, words: str, symbol: str, numbers: str, tooltip: str, formula: str, failure: str) -> Metric:
    return Metric(
        id=name,
        name=words,
        symbol=symbol,
        shape="layer",
        range=numbers,
        family=Family.GE,
        tooltip=tooltip,
        formula=formula,
        failure=failure,
        source="Clauset, Shalizi, Newman (2009); Martin, Mahoney (2021)",
        cost=Cost.OFFLINE,
        tier=3,
        reduce=Reduce.FIRST,
        test="Pareto samples of exponent 2.5 and 4; a Gaussian matrix of 400 × 800 near 6",
        kind="probe",
        made=True,
    )


TABLE = (
    Metric(
        id="stable_rank",
        name="stable rank",
        symbol="‖W‖_F²/‖W‖₂²",
        shape="layer",
        range="[1, smaller side of the matrix]",
        family=Family.CA,
        tooltip="Number of directions a layer really uses, counted by energy.",
        formula=(
            "‖W‖_F² / ‖W‖₂², ‖W‖₂ by power iteration: 20 rounds at first, 5 more at each reading from where the last "
            "one ended"
        ),
        failure=f"{UNFOLDED}; too large by some percent while the matrix still turns, never too small",
        source="Rudelson, Vershynin (2007)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="Gaussian 400 × 800: near 137; singular values 3 and 1: 10/9",
        kind="probe",
        made=True,
    ),
    Metric(
        id="effective_rank",
        name="effective rank",
        symbol="exp H(σ)",
        shape="layer",
        range="[1, smaller side of the matrix]",
        family=Family.CA,
        tooltip="Number of directions a layer really uses, counted by the evenness of its singular values.",
        formula=f"exp(−Σ pᵢ log pᵢ), pᵢ = σᵢ/Σσ; {ONE}",
        failure=UNFOLDED,
        source="Roy, Vetterli (2007)",
        cost=Cost.OFFLINE,
        tier=3,
        reduce=Reduce.FIRST,
        test="k equal singular values read k",
        kind="probe",
        made=True,
    ),
    _of_tail(
        "spectral_alpha",
        "tail exponent of a layer's spectrum",
        "α",
        "> 1",
        "Tail exponent of a layer's spectrum; read it beside its error, its fit and that of a random matrix.",
        (
            "α = 1 + n/Σ log(λ/λ_min), λ = σ², over the tail of at least 10 values that a power law fits best; of "
            f"layers of 50 or more on the smaller side, {ONE}"
        ),
        "near 6 for random weights of 400 × 800, and the fit test does not object: it is no mark of quality",
    ),
    _of_tail(
        "spectral_alpha_error",
        "error of the tail exponent",
        "σ(α)",
        "> 0",
        "Standard error of the tail exponent, if the tail were a power law that begins where it was found to.",
        "(α − 1)/√n, n the values in the tail",
        "where the tail begins was chosen for a good fit, which is not in it",
    ),
    _of_tail(
        "spectral_alpha_distance",
        "misfit of the tail",
        "D",
        "[0, 1]",
        "Largest gap between the tail and the power law that fits it best.",
        "distance of Kolmogorov and Smirnov; 1.36/√n is its usual bound at 5 %",
        "below the bound for random weights too, as the tail was chosen for a small one",
    ),
    _of_tail(
        "spectral_alpha_tail",
        "values in the tail",
        "n",
        "≥ 10",
        "How many squared singular values the tail exponent rests on.",
        "those from the one at which the power law fits best",
        "few values make any exponent",
    ),
    _of_tail(
        "spectral_alpha_null",
        "tail exponent of random weights",
        "α₀",
        "> 1",
        "The same fit to a Gaussian matrix of the layer's shape: what no structure at all looks like.",
        "one draw of a fixed seed for each shape",
        "one draw: another would differ by about the error of the exponent",
    ),
)
