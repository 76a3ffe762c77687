"""What is refused before several processes look at one step."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.findings import Findings
from ergoscope.probes.trial.accord import Accord, Round
from ergoscope.probes.trial.jointly import Jointly
from ergoscope.probes.trial.trust_ratio import TrustRatioProbe
from ergoscope.shards import Seat


class Silent:
    """A store that fails at once."""

    def check(self, _: list[str]) -> bool:
        raise ConnectionError("the store is gone")

    add = set = multi_get = delete_key = check


def jointly(*optimizers: SGD, accord: Accord | None = None) -> Jointly:
    def join() -> Accord:
        return accord if accord is not None else Accord(Silent(), rank=0, world=2)  # type: ignore[arg-type]  # it fails

    return Jointly(nn.Linear(2, 1), optimizers, accord=join, publish=lambda findings: None)


def probe(joint: Jointly) -> TrustRatioProbe:
    model = nn.Linear(2, 1)
    return TrustRatioProbe(model, [SGD(model.parameters(), lr=0.1)], wanted=True, clock=lambda: 0.0, joint=joint)


class Poll:
    """An accord in which all vote alike."""

    def __init__(self) -> None:
        self.votes: list[tuple[str, bool]] = []

    def vote(self, what: str, *, back: bool = False) -> None:
        self.votes.append((what, back))

    def unanimous(self, _: str) -> bool:
        return True


class Course:
    """What has become of a promise to run a pass after a step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.poll, self.runs = 3, Poll(), 0
        weight = nn.Parameter(torch.ones(2))
        self.joint = joint = jointly(SGD([weight], lr=0.1), accord=self.poll)  # type: ignore[arg-type]  # all that is asked of it
        monkeypatch.setattr(joint._team, "clock", lambda _: self.clock)
        monkeypatch.setattr(joint, "_send", lambda _: None)
        joint._accord.append(self.poll)  # type: ignore[arg-type]  # as above
        joint._trained, joint._round = [weight], Round(1, 32, wide=False)
        joint._batch = joint._passage = self  # type: ignore[assignment]  # all that is asked of them
        joint._promise("after")

    def rise(self) -> None:
        self.runs += 1


def test_a_promise_is_not_kept_in_the_middle_of_a_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other processes are in collectives of that pass: one of ours would be taken for one of these."""
    course = Course(monkeypatch)

    course.joint.pass_begins()
    assert course.joint.hearing
    course.clock += 1
    course.joint.pass_ends(finished=False)
    course.joint.close(passes=1)

    assert (course.runs, course.poll.votes) == (0, [("after/3", False)])


def test_before_a_backward_pass_has_met_others_a_promise_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch)

    course.joint.pass_begins()
    course.joint.close(passes=1)

    assert (course.runs, course.poll.votes) == (0, [("after/3", False), ("after/3", True)])


def test_after_a_backward_pass_a_promise_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(monkeypatch)

    course.joint.pass_begins()
    course.clock += 1
    course.joint.pass_ends(finished=True)
    course.joint.close(passes=1)

    assert (course.runs, course.poll.votes) == (1, [("after/3", False)])


def test_several_optimizers_are_refused() -> None:
    weights = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    joint = jointly(*(SGD([weight], lr=0.1) for weight in weights))
    joint._due = True

    with pytest.raises(ValueError, match="2 optimizers step, and of several processes only a single one is looked at"):
        joint._ask(16)


def test_a_store_that_fails_ends_it_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.probes.trial.jointly.seat", lambda: Seat(1, 2))
    weight = nn.Parameter(torch.ones(2))
    one = probe(jointly(SGD([weight], lr=0.1), accord=Accord(Silent(), rank=1, world=2)))  # type: ignore[arg-type]  # it fails

    assert [one.turn(step, due=True) for step in range(14, 18)] == [False] * 4
    assert one.remarks.take() == ["what a step does to its own batch is not measured: the store is gone"]


def test_a_process_group_without_a_store_that_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.probes.trial.accord.connected", lambda _: None)
    monkeypatch.setattr("ergoscope.probes.trial.accord.c10d._get_default_store", lambda: None)

    with pytest.raises(ValueError, match="the store of the process group does not answer"):
        Accord.begin(rank=0, world=2)


def test_numbers_that_did_not_come_are_not_published() -> None:
    found: list[Findings] = []
    joint = jointly(SGD([nn.Parameter(torch.ones(2))], lr=0.1))
    joint._publish, joint._round = found.append, Round(1, 32, wide=True)

    joint._conclude([[True, False, *[1.0] * 6], [True, False, *[float("nan")] * 6]])

    assert found == []
