"""Records out of their envelope, one by one, so that a wrong one takes no other with it."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from ergoscope_contract.answers import Refusal
from ergoscope_contract.envelope import Envelope, check_run
from ergoscope_contract.jsonable import plain_object
from ergoscope_contract.records import (
    Attempt,
    Batch,
    Block,
    Ending,
    Event,
    Grid,
    Histogram,
    Pulse,
    Run,
    Sketch,
    Spectrum,
)

T = TypeVar("T")
Read = TypeVar("Read", covariant=True)


class Decoder(Protocol[Read]):
    """What the decoders of msgpack and of JSON have in common."""

    def decode(self, data: bytes, /) -> Read:
        """Read one value."""
        ...


class _Make(Protocol):
    def __call__(self, kind: type[T], /) -> Decoder[T]: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch without the records that have a wrong shape, and these with the reason."""

    batch: Batch
    refused: list[Refusal]


class Form:
    """A way of writing batches: how nothing is written, and one decoder for each kind of record."""

    def __init__(self, make: _Make, nothing: bytes) -> None:
        self.nothing = nothing
        self.envelope = make(Envelope)
        self.block = make(Block)
        self.histogram = make(Histogram)
        self.sketch = make(Sketch)
        self.spectrum = make(Spectrum)
        self.grid = make(Grid)
        self.event = make(Event)
        self.about = make(Run)
        self.begun = make(Attempt)
        self.pulse = make(Pulse)
        self.ended = make(Ending)


MSGPACK = Form(msgspec.msgpack.Decoder, b"\xc0")
JSON = Form(msgspec.json.Decoder, b"null")


def open_envelope(form: Form, envelope: Envelope) -> Opened:
    """Read the records of an envelope; those that cannot be read are refused alone.

    Raises:
        ShapeError: the run id cannot stand in an address.
    """
    check_run(envelope.run)
    refused: list[Refusal] = []
    batch = Batch(
        version=envelope.version,
        run=envelope.run,
        attempt=envelope.attempt,
        rank=envelope.rank,
        seq=envelope.seq,
        keys=envelope.keys,
        blocks=_each(form.block, envelope.blocks, "blocks", refused),
        histograms=_each(form.histogram, envelope.histograms, "histograms", refused),
        sketches=_each(form.sketch, envelope.sketches, "sketches", refused),
        spectra=_each(form.spectrum, envelope.spectra, "spectra", refused),
        grids=_each(form.grid, envelope.grids, "grids", refused),
        events=[
            replace(event, data=plain_object(event.data))
            for event in _each(form.event, envelope.events, "events", refused)
        ],
        about=_about(form, envelope, refused),
        begun=_begun(form, envelope, refused),
        pulse=_maybe(form, form.pulse, envelope.pulse, "pulse", refused),
        ended=_maybe(form, form.ended, envelope.ended, "ended", refused),
    )
    return Opened(batch, refused)


def _each(decoder: Decoder[T], raws: list[Raw], name: str, refused: list[Refusal]) -> list[T]:
    read = (_read(decoder, raw, f"{name}[{i}]", refused) for i, raw in enumerate(raws))
    return [record for record in read if record is not None]


def _maybe(form: Form, decoder: Decoder[T], raw: Raw, name: str, refused: list[Refusal]) -> T | None:
    if not len(raw) or bytes(raw) == form.nothing:
        return None
    return _read(decoder, raw, name, refused)


def _read(decoder: Decoder[T], raw: Raw, where: str, refused: list[Refusal]) -> T | None:
    try:
        return decoder.decode(raw)
    except RecursionError:
        refused.append(Refusal(where, "it is nested too deeply; lists and objects may stand a few hundred deep"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refused.append(Refusal(where, str(error)))
    return None


def _about(form: Form, envelope: Envelope, refused: list[Refusal]) -> Run | None:
    run = _maybe(form, form.about, envelope.about, "about", refused)
    if run is None:
        return None
    if run.id != envelope.run:
        refused.append(Refusal("about", f"it is about run {run.id[:140]!r}; the batch belongs to run {envelope.run!r}"))
        return None
    return replace(run, config=plain_object(run.config))


def _begun(form: Form, envelope: Envelope, refused: list[Refusal]) -> Attempt | None:
    attempt = _maybe(form, form.begun, envelope.begun, "begun", refused)
    if attempt is None:
        return None
    seen, own = (attempt.number, attempt.rank), (envelope.attempt, envelope.rank)
    if seen != own:
        refused.append(Refusal("begun", f"it is attempt, rank {seen}; the batch belongs to attempt, rank {own}"))
        return None
    return replace(attempt, system=plain_object(attempt.system))
