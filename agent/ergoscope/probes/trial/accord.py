"""How the processes of a job agree to do something at one step, without a collective and without waiting.

They meet in a key-value store such as that of torch's process group. The first process asks for a step some way ahead;
all look for that at the same numbers of steps. From then on everything is a count of votes: a vote can be taken back,
but what all have voted for is done by all. Who looks must know by other means that every vote has been cast that will
be; see decision 16.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import ClassVar, Protocol, cast

from torch.distributed import distributed_c10d as c10d

from ergoscope.ranks import connected

_AHEAD = 2  # looks from the question to the step that is asked for: one of everybody lies between
_attachments = count()  # the n-th in one process is the n-th in the others
_PATIENCE = 4  # looks from that step on, after which no answer is expected any more


class Store(Protocol):
    """What is needed of torch's stores. A key that nobody has set is never asked for."""

    def set(self, key: str, value: str, /) -> None:
        """Set a key."""
        ...

    def add(self, key: str, amount: int, /) -> int:
        """Add to a number, 0 at first, and give what it is then."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Whether all of these are set."""
        ...

    def multi_get(self, keys: list[str], /) -> list[bytes]:
        """Give what keys are set to."""
        ...

    def delete_key(self, key: str, /) -> bool:
        """Delete a key."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """Something that is to be done together.

    number: from 1. step: at which. wide: whether all of it is to be done, or only what is usual.
    """

    number: int
    step: int
    wide: bool


class Accord:
    """One process's side of it. Everything here may raise what the store raises.

    Attributes:
        stride: Steps between two looks.
    """

    stride: ClassVar[int] = 16

    def __init__(self, store: Store, *, rank: int, world: int) -> None:
        """Take part.

        Args:
            store: Where the processes meet, and nobody else.
            rank: This process.
            world: How many take part.
        """
        self._store, self._rank, self._world = store, rank, world
        self._round: Round | None = None
        self._open = False  # of the first process: whether its last question may still be answered
        self._new: Round | None = None  # its last question, until it has looked itself
        self._spoken = False  # whether anybody has asked so far
        self._cast: list[str] = []  # keys of this round, to be deleted

    @classmethod
    def begin(cls, *, rank: int, world: int) -> "Accord":
        """Take part in the store of torch's process group, over a connection of our own.

        Raises:
            ValueError: There is none, or it does not answer.
        """
        store = connected(c10d._get_default_store())
        if store is None:
            raise ValueError("the store of the process group does not answer")
        apart = c10d.PrefixStore(f"ergoscope/trust/{next(_attachments)}", cast(c10d.Store, store))
        return cls(cast(Store, apart), rank=rank, world=world)

    def ask(self, step: int, *, wide: bool) -> bool:
        """Ask, as the first process, all for a step ahead; False while they are busy with an earlier one.

        Args:
            step: Steps done, a multiple of 16.
            wide: See `Round`.
        """
        if self._open and self._round is not None and step < self._round.step + _PATIENCE * self.stride:
            return False
        number = 1 if self._round is None else self._round.number + 1
        self._new = Round(number, step + _AHEAD * self.stride, wide)
        self._begin(self._new)
        self._open = True
        self._store.set("ask", json.dumps([number, self._new.step, wide]))
        return True

    def look(self, step: int) -> Round | None:
        """Look whether there is a new question that can still be answered; `step`: steps done, a multiple of 16."""
        found = self._asked() if self._rank else self._new
        self._new = None
        return found if found is not None and step <= found.step - self.stride else None

    def vote(self, what: str, *, back: bool = False) -> None:
        """Vote in this round, once; it is counted when this returns. `back`: take it back."""
        self._store.add(self._key(what), -1 if back else 1)

    def unanimous(self, what: str) -> bool:
        """Whether all have voted for it."""
        return self._store.add(self._key(what), 0) == self._world

    def tell(self, numbers: Sequence[float]) -> None:
        """Tell the first process what came out here."""
        self._store.set(self._key(f"told/{self._rank}"), json.dumps(list(numbers)))
        self.vote("told")

    def told(self) -> list[list[float]] | None:
        """What all have told, once they have; the first process's, and the end of the round."""
        if not self._open or not self.unanimous("told"):
            return None
        answers = self._store.multi_get([self._key(f"told/{rank}") for rank in range(self._world)])
        self._open = False
        return [json.loads(bytes(answer)) for answer in answers]

    def _asked(self) -> Round | None:
        self._spoken = self._spoken or self._store.check(["ask"])
        if not self._spoken:
            return None
        number, step, wide = json.loads(bytes(self._store.multi_get(["ask"])[0]))
        if self._round is not None and number <= self._round.number:
            return None
        self._begin(Round(number, step, wide))
        return self._round

    def _begin(self, new: Round) -> None:
        for key in self._cast:
            self._store.delete_key(key)
        self._cast = []
        self._round = new

    def _key(self, what: str) -> str:
        if self._round is None:
            raise ValueError("nobody has asked for anything yet; look for a question first")
        key = f"{self._round.number}/{what}"
        if key not in self._cast and (not self._rank or what.endswith(f"/{self._rank}")):
            self._cast.append(key)
        return key
