"""ergoscope runs"""

import argparse

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table
from ergoscope_contract.answers import RunSummary


class Runs:
    """List the runs that a server has, the newest first."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--archived", action="store_true", help="those that were set aside instead")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print them."""
        client = open_client(args)
        if args.json:
            asked = [("limit", "10000"), *([("archived", "true")] if args.archived else [])]
            print_json(msgspec.json.decode(client.fetch("/runs", asked))["runs"])
            return 0
        rows = [
            [run.id, run.name, run.project, standing(run), str(run.last_step or 0), age(run.last_seen), run.headline]
            for run in client.runs(archived=args.archived)
        ]
        columns = ["id", "name", "project", "status", "step", "last seen", "verdict"]
        print_table(columns, rows, empty=f"no runs at {client.base_url}")
        return 0


def standing(run: RunSummary) -> str:
    """Say a run's status, and what is wrong with some of its ranks.

    Example:
        >>> standing(RunSummary("r", "p", "n", "running", 0.0, 0.0, ranks=8, ranks_silent=2, ranks_lagging=1))
        'running, 2 of 8 ranks silent, 1 lags'
    """
    if run.status != "running":  # of a silent run every rank is
        return run.status
    lags = "lags" if run.ranks_lagging == 1 else "lag"
    silent = f", {run.ranks_silent} of {run.ranks} ranks silent" if run.ranks_silent else ""
    of = "" if silent else f" of {run.ranks} ranks"
    return run.status + silent + (f", {run.ranks_lagging}{of} {lags}" if run.ranks_lagging else "")
