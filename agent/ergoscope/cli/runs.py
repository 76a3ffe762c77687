"""ergoscope runs"""

import argparse

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table


class Runs:
    """List the runs that a server has, the newest first."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print them."""
        client = open_client(args)
        if args.json:
            print_json(msgspec.json.decode(client.fetch("/runs", [("limit", "10000")]))["runs"])
            return 0
        rows = [
            [run.id, run.name, run.project, run.status, str(run.last_step or 0), age(run.last_seen), run.headline]
            for run in client.runs()
        ]
        columns = ["id", "name", "project", "status", "step", "last seen", "verdict"]
        print_table(columns, rows, empty=f"no runs at {client.base_url}")
        return 0
