"""ergoscope verdict"""

import argparse

import msgspec

from ergoscope.addresses import path_of
from ergoscope.cli.reading import declare_server, open_client, print_json, print_table


class Verdict:
    """Say how a run stands, in words, with the evidence."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print it."""
        client = open_client(args)
        run = client.find(args.reference)
        if args.json:
            print_json(msgspec.json.decode(client.fetch(path_of(run.id, "verdict"))))
            return 0
        verdict = client.verdict(run.id)
        flags = "".join(f" [{flag}]" for flag in verdict.flags)
        print(f"{run.name}, step {verdict.step}: {verdict.state}{flags}")
        headline = "" if verdict.sentence.startswith(verdict.headline) else verdict.headline
        for text in (headline, verdict.sentence):
            if text:
                print(text)
        rows = [[r.id, *_shown(r.value, r.low, r.high), r.absent or r.how] for r in verdict.readings]
        if rows:
            print()
            print_table(["quantity", "value", "interval", "how"], rows, empty="")
        return 0


def _shown(value: float | None, low: float | None, high: float | None) -> list[str]:
    interval = f"{low:.4g} to {high:.4g}" if low is not None and high is not None else ""
    return ["absent" if value is None else f"{value:.4g}", interval]
