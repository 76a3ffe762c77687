"""Rows: registered once, then bytes; wide models in several."""

from ergoscope.findings import Column, Findings
from ergoscope.writer import Writer
from tests.agent.memory_outlet import MemoryOutlet


def findings(step: int, values: list[float]) -> Findings:
    made = Findings(step, {"loss": 0.1 * step})
    made.columns.append(Column("grad_norm", 0, [f"l{i}" for i in range(len(values))], values))
    return made


def test_the_same_keys_are_registered_once() -> None:
    outlet = MemoryOutlet()
    writer = Writer(outlet)

    for step in range(5):
        writer.write(findings(step, [1.0, 2.0]))

    assert outlet.tables == [("loss",), ("grad_norm/l0", "grad_norm/l1")]
    assert outlet.series("loss") == {step: 0.1 * step for step in range(5)}  # in fp64: equal, not near
    assert outlet.series("grad_norm/l1") == dict.fromkeys(range(5), 2.0)


def test_a_wide_model_takes_several_rows_a_step() -> None:
    outlet = MemoryOutlet()

    Writer(outlet).write(findings(1, [float(i) for i in range(5000)]))

    assert [len(table) for table in outlet.tables] == [1, 2048, 2048, 904]
    assert outlet.series("grad_norm/l4999") == {1: 4999.0}


def test_numbers_beyond_fp32_are_infinite_there() -> None:
    outlet = MemoryOutlet()

    Writer(outlet).write(findings(1, [1e300, float("nan")]))

    assert outlet.series("grad_norm/l0") == {1: float("inf")}


def test_nothing_found_leaves_no_row() -> None:
    outlet = MemoryOutlet()

    Writer(outlet).write(Findings(1, {}))

    assert outlet.rows == []


def test_a_layer_whose_turn_it_was_has_a_row_of_its_own() -> None:
    outlet = MemoryOutlet()
    writer = Writer(outlet)

    for step, layer in enumerate(("a", "b", "a")):
        made = findings(step, [1.0])
        made.rows.append(((f"kurtosis/{layer}", f"weight_sd/{layer}"), [float(step), 1e300]))
        writer.write(made)

    assert outlet.tables[2:] == [("kurtosis/a", "weight_sd/a"), ("kurtosis/b", "weight_sd/b")]
    assert outlet.series("kurtosis/a") == {0: 0.0, 2: 2.0}
    assert outlet.series("kurtosis/b") == {1: 1.0}
    assert outlet.series("weight_sd/b") == {1: float("inf")}
