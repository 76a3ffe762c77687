"""The quadratic picture of the loss: what lies in its steepest directions, whether they stay, and how far it holds."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

TABLE = (
    Metric(
        id="top_subspace_overlap",
        name="gradient in the steepest directions",
        symbol="f_k",
        shape="layer",
        range="[0, 1]",
        family=Family.SB,
        tooltip="Share of the gradient in the k steepest directions.",
        formula=(
            "‖V_kᵀ g‖² / ‖g‖², g of the batch that the spectrum is taken of, V_k the top Ritz vectors of its draws; k "
            "is as many as every draw has found to within a tenth of f_k, and no more than there are classes, where a "
            "cross-entropy shows how many"
        ),
        failure=(
            "by chance it is k/d: compare with that; k may change from reading to reading; gradient and curvature are "
            "of one batch, whose noise lies in its own steep directions"
        ),
        source="Gur-Ari, Roberts, Dyer (2018)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="gradients in a known subspace read 1, random ones k/d",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_overlap_error",
        name="error of the gradient's share",
        symbol="σ(f_k)",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Standard error of the gradient's share in the steepest directions.",
        formula="from the spread over draws: of their directions, and of what moved between them",
        failure="of five draws it is known to a third; what all draws leave out alike, up to a tenth, is not in it",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="draws at known gradients: the standard error of their shares",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_overlap_update",
        name="last update in the steepest directions",
        symbol="f_k(Δ)",
        shape="layer",
        range="[0, 1]",
        family=Family.SB,
        tooltip="Share of the last update in the k steepest directions; what is left of it goes along the valley.",
        formula=(
            "‖V_kᵀ Δ‖² / ‖Δ‖², Δ the change of the weights by the step right before the last products of a draw, V_k "
            "and k as for the gradient's share; on the training's own batch that step is of the batch before, so that "
            "its noise is not that of the curvature"
        ),
        failure=(
            "by chance it is k/d; an optimizer with coordinates of its own is steep in others; absent with several "
            "optimizers, where there is no room for a copy of the weights during a step, and with a closure on the "
            "training's own batch"
        ),
        source="Gur-Ari, Roberts, Dyer (2018)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="steps of known direction on a quadratic with known eigenvectors; a random one k/d",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_overlap_update_error",
        name="error of the update's share",
        symbol="σ(f_k(Δ))",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Standard error of the last update's share in the steepest directions.",
        formula="from the spread over draws: of their directions, and of the steps before them",
        failure="of five draws it is known to a third; what all draws leave out alike, up to a tenth, is not in it",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="draws after known steps: the standard error of their shares",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_chance",
        name="share of as many directions at random",
        symbol="k/d",
        shape="layer",
        range="]0, 1]",
        family=Family.SB,
        tooltip="Share of the gradient, or of the update, that k directions would hold by chance.",
        formula="k of the steepest directions over the number d of parameters",
        failure="a share above it says that the gradient is steep, not that it is of use",
        source="Gur-Ari, Roberts, Dyer (2018)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a quadratic of known size: k/d",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_size",
        name="steepest directions that are told apart",
        symbol="k",
        unit="count",
        shape="layer",
        range="≥ 1",
        family=Family.SB,
        tooltip="How many steepest directions the shares of gradient and update are taken in.",
        formula="resolved by every draw of the spectrum, at most the number of classes where that is known",
        failure="says what few products can tell apart; the spectrum may have more steep directions",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a quadratic with well separated eigenvalues",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_persistence",
        name="steepest directions that are still the same",
        symbol="‖V_k(t)ᵀ V_k(t′)‖²/k",
        shape="layer",
        range="up to 1, by chance k/d",
        family=Family.SB,
        tooltip="How much of the k steepest directions of the reading before is still among the k steepest ones.",
        formula=(
            "(1/k) ‖V_k(t)ᵀ V_k(t′)‖_F², the mean squared cosine of the angles between both subspaces, V_k(t) of the "
            "last draw of the reading before, V_k(t′) of each draw of this one; from sketches of 1,021 entries, "
            "corrected so that directions at random give k/d in the mean"
        ),
        failure=(
            "the sketches add a standard deviation of up to .024/√k in between, .0014 at chance, where it may be "
            "negative, and none at 1; draws find directions to a tenth, which takes off up to .04/k; on the training's "
            "own batch directions also change from batch to batch"
        ),
        source="Gur-Ari, Roberts, Dyer (2018)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a Hessian that stays: 1; one whose steepest directions were exchanged for others: k/d",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_persistence_error",
        name="error of the share that is still the same",
        symbol="σ(‖VᵀV′‖²/k)",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Standard error of the share of the steepest directions that is still the same.",
        formula="from the spread over draws: of their directions, and of how they turned between them",
        failure="of five draws it is known to a third; what the sketches add is much the same in all and not in it",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="known turns of a steepest direction between draws: the standard error of their squared cosines",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_persistence_chance",
        name="directions at random that are still the same",
        symbol="k/d",
        shape="layer",
        range="]0, 1]",
        family=Family.SB,
        tooltip="What k directions at random would share with k others.",
        formula="k of the steepest directions of both readings over the number d of parameters",
        failure="as k is, it may be another one than that of the gradient's share",
        source="Gur-Ari, Roberts, Dyer (2018)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a quadratic of known size: k/d",
        kind="probe",
        made=True,
    ),
    Metric(
        id="top_subspace_persistence_size",
        name="steepest directions that are compared",
        symbol="k",
        unit="count",
        shape="layer",
        range="≥ 1",
        family=Family.SB,
        tooltip="How many steepest directions of two readings are compared.",
        formula=(
            "resolved by every draw of this reading and by the last of the one before, at most the number of classes "
            "where that is known"
        ),
        failure="says what few products can tell apart; the spectrum may have more steep directions",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a quadratic with well separated eigenvalues",
        kind="probe",
        made=True,
    ),
    Metric(
        id="gns_radius",
        name="smoothness radius",
        symbol="γ",
        unit="weight",
        shape="layer",
        range="> 0, infinite for a quadratic",
        family=Family.SB,
        tooltip="Radius where the quadratic picture of the gradient is trustworthy; needs `probe` and `loss_fn`.",
        formula=(
            "largest γ with ‖∇f(x+h) − ∇f(x) − Hh‖ ≤ ‖∇f(x)‖‖h‖/γ for all ‖h‖ ≤ γ; tried are h along −g, Hg and the "
            "last step, at the lengths where misfit and gradient met at the reading before; infinite where out to four "
            "times the length of the weights nothing but rounding was seen"
        ),
        failure=(
            "an upper bound: only three directions are tried, and the first reading is up to twice as high; kinks, as "
            "those of ReLU, count as far as the lengths go over them; of a small gradient it is small although the "
            "loss is smooth"
        ),
        source="Semenov, Jaggi, Doikov (2025)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a cubic in one dimension: 3.0197; a quadratic: infinite",
        kind="probe",
        made=True,
    ),
    Metric(
        id="gns_radius_steps",
        name="smoothness radius in steps",
        symbol="γ/‖Δ‖",
        shape="layer",
        range="> 0, infinite for a quadratic",
        family=Family.SB,
        tooltip="Far above 1, the curvature where the weights are tells what a step of this size does.",
        formula="smoothness radius over the length of the step made just before; with one optimizer",
        failure="an upper bound as the radius is; of the step of one batch, and the loss of another",
        source="Semenov, Jaggi, Doikov (2025)",
        cost=Cost.PRODUCTS,
        tier=3,
        reduce=Reduce.FIRST,
        test="a cubic in one dimension: 3.0197 over the step",
        kind="probe",
        made=True,
    ),
)
