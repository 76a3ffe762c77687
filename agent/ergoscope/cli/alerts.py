"""ergoscope alerts"""

import argparse

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table


class Alerts:
    """List alerts, the newest first."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", nargs="?", help="only this run's: its id or name")
        parser.add_argument("--state", choices=["firing", "resolved"], help="only those")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print them."""
        client = open_client(args)
        run = client.find(args.reference).id if args.reference else None
        if args.json:
            asked = {"run": run, "state": args.state}
            parameters = [(name, value) for name, value in asked.items() if value]
            print_json(msgspec.json.decode(client.fetch("/alerts", parameters))["alerts"])
            return 0
        rows = [
            [alert.severity, alert.state, alert.rule, alert.run, age(alert.started), alert.text]
            for alert in client.alerts(run=run, state=args.state)
        ]
        print_table(["severity", "state", "rule", "run", "since", "text"], rows, empty="no alerts")
        return 0
