"""What the watcher remembers, and the verdict made of it."""

from msgspec.structs import replace

from ergoscope_contract.answers import Alert, Mark, Phrase, Spell
from ergoscope_server.alerts.engine import RuleState
from ergoscope_server.history.chronicle import Chronicle, begin, pack, rewind, unpack, verdict
from ergoscope_server.indicators.edge import Edge

FIRING = Alert(
    id="r-divergence-900",
    rule="divergence",
    run="r",
    severity="crit",
    state="firing",
    text="The loss is diverging.",
    first_step=900,
    last_step=950,
    started=1.0,
    threshold=1.5,
)
KNOWN = Chronicle(
    origin=1,
    step=950,
    spells=[Spell("DESCENDING", 1, 950)],
    marks=[Mark(400, "lr", "lr 0.1 → 0.01")],
    headline="The loss is still falling.",
    evidence=[Phrase("It falls.")],
)


def test_memory_survives_packing() -> None:
    chronicle = replace(KNOWN, rules={"divergence": RuleState(firing=FIRING)})

    assert unpack(pack(chronicle)) == chronicle


def test_memory_of_another_version_or_none_begins_anew() -> None:
    assert unpack(None) == Chronicle()
    assert unpack(b"\xc1 not a chronicle") == Chronicle()
    assert unpack(pack(replace(KNOWN, version=0))) == Chronicle()


def test_the_ribbon_reaches_to_the_newest_step() -> None:
    found = verdict(KNOWN, run="r", newest=970)

    assert (found.step, found.spells) == (970, [Spell("DESCENDING", 1, 970)])
    assert found.sentence == "The loss is still falling. It falls."


def test_a_flag_speaks_first() -> None:
    flagged = replace(KNOWN, rules={"divergence": RuleState(firing=FIRING)}, climbing=True)

    rising, stays = (
        verdict(flagged, run="r", newest=950),
        verdict(replace(flagged, climbing=False), run="r", newest=950),
    )

    assert rising.flags == ["DIVERGING"]
    assert rising.sentence == (
        "The loss is diverging. Its average over 50 steps passed 1.5, the limit that its own past sets, at step 900."
    )
    assert stays.headline == "The loss diverged at step 900."


def test_a_new_stretch_closes_the_ribbon_behind_it() -> None:
    chronicle = begin(KNOWN, 961, "lr", "lr 0.01 → 0.001")

    assert chronicle.spells == [Spell("DESCENDING", 1, 960)]
    assert (chronicle.reset, chronicle.standing.state) == (961, "UNDECIDED")
    assert chronicle.marks[-1] == Mark(961, "lr", "lr 0.01 → 0.001")


def test_going_back_forgets_spells_and_marks_after() -> None:
    chronicle = rewind(KNOWN, 300)

    assert (chronicle.spells, chronicle.marks, chronicle.step) == ([Spell("DESCENDING", 1, 300)], [], 300)


def test_the_edge_is_a_flag_behind_the_graver_ones_and_leaves_the_words_alone() -> None:
    edge = replace(KNOWN, edge=Edge(since=400, last=900, gap=50))
    both = replace(edge, rules={"divergence": RuleState(firing=FIRING)})

    found = verdict(edge, run="r", newest=950)

    assert (found.flags, found.headline) == (["EDGE"], "The loss is still falling.")
    assert (edge.flagged_from, both.flagged_from, KNOWN.flagged_from) == (400, 900, None)
    assert verdict(both, run="r", newest=950).flags == ["DIVERGING", "EDGE"]


def test_a_change_or_a_step_back_ends_the_edge() -> None:
    edge = replace(KNOWN, edge=Edge(since=400, last=900, gap=50))

    assert begin(edge, 940, "lr", "lr 0.1 → 0.01").edge == Edge(last=900, gap=50)
    assert rewind(edge, 500).edge == Edge(last=500, gap=50)
