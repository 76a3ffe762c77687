"""What several optimizers read of one step becomes one number, or none where one of them is missing."""

import math
import struct

from ergoscope.findings import Findings
from ergoscope_contract.records import Sketch


def test_parts_are_summed_over_optimizers_before_anything_is_made_of_them() -> None:
    findings = Findings(7, {}, optimizers=2)

    findings.add_parts("ratio", (1.0, 4.0), lambda sums: sums[0] / sums[1])
    findings.add_parts("ratio", (2.0, 8.0), lambda sums: sums[0] / sums[1])
    findings.settle()

    assert findings.scalars == {"ratio": 0.25}


def test_the_largest_of_several_optimizers_counts_and_what_is_no_number() -> None:
    findings = Findings(7, {}, optimizers=2)

    for value in (2.0, 3.0, 1.0):
        findings.add_largest("peak", value)
    for value in (1.0, math.nan, 5.0):
        findings.add_largest("odd", value)
    findings.settle()

    assert findings.largest["peak"] == 3.0
    assert math.isnan(findings.largest["odd"])
    assert findings.scalars == {}


def test_sketches_of_optimizers_add_up_to_one_record() -> None:
    findings = Findings(7, {}, optimizers=2)

    findings.add_sketch("weight_sketch", 3, [1.0, -2.0])
    findings.add_sketch("weight_sketch", 3, [0.5, 0.25])
    findings.settle()

    assert findings.records == [Sketch("weight_sketch", 7, 3, struct.pack("<2f", 1.5, -1.75))]


def test_without_one_of_the_optimizers_there_is_nothing() -> None:
    findings = Findings(7, {}, optimizers=2)

    findings.add_parts("ratio", (1.0, 4.0), lambda sums: sums[0] / sums[1])
    findings.add_sketch("weight_sketch", 0, [1.0])
    findings.settle()

    assert findings.scalars == {}
    assert findings.records == []


def test_sums_beyond_single_precision_are_infinite() -> None:
    findings = Findings(7, {}, optimizers=2)

    for _ in range(2):
        findings.add_sketch("weight_sketch", 0, [3e38, float("nan")])
    findings.settle()

    (record,) = findings.records
    assert isinstance(record, Sketch)
    assert [str(x) for x in struct.unpack("<2f", record.values)] == ["inf", "nan"]
