"""`ergoscope token`: makes, lists and revokes the tokens that programs come in by; on the machine of the service."""

import argparse
import sys
import time
from contextlib import closing

from ergoscope_server.cli.database import declare_database, open_database
from ergoscope_server.cli.saying import complain, moment, typist
from ergoscope_server.people.rights import Right
from ergoscope_server.people.tokens import draw
from ergoscope_server.settings import SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.people import People

MOST_DAYS = 3650


class Token:
    """Make, list or revoke tokens, straight in the service's database."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what can be done, and the options of each."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="create | list | revoke")
        create = acts.add_parser("create", help="make one; it is shown this once")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=[str(right) for right in Right],
            help="write: send runs; read: look at them; admin: everything. May be given twice",
        )
        create.add_argument("--project", help="the only project it is for (default: all)")
        create.add_argument("--name", default="", help="what it is for, as the list shows it")
        create.add_argument("--days", type=float, help="after which it is refused (default: it does not expire)")
        revoke = acts.add_parser("revoke", help="take one back")
        revoke.add_argument("id", metavar="ID", help="as `ergoscope token list` shows it")
        for act in (create, acts.add_parser("list", help="list all, with when each was used last"), revoke):
            declare_database(act)

    def run(self, args: argparse.Namespace) -> int:
        """Do it."""
        try:
            with closing(open_database(args)) as store:
                people = People(store.database)
                if args.act == "create":
                    return _create(people, args)
                return _revoke(people, args.id) if args.act == "revoke" else _list(people)
        except (SettingsError, StoreError) as error:
            return complain(error)


def _create(people: People, args: argparse.Namespace) -> int:
    if args.days is not None and not 0 < args.days <= MOST_DAYS:
        print(f"ergoscope: --days is {args.days:g}; it must lie above 0 and be at most {MOST_DAYS}", file=sys.stderr)
        return 1
    secret = draw()
    told = " ".join(dict.fromkeys(args.scope))
    lasts_s = None if args.days is None else args.days * 86400
    people.add_token(secret.id, secret.digest, name=args.name, scopes=told, project=args.project, lasts_s=lasts_s)
    where = "all projects" if args.project is None else f"project {args.project!r}"
    until = "" if args.days is None else f" for {args.days:g} days"
    people.note(typist(), f"token {secret.id} made, to {told} in {where}{until}")
    print(
        f"token {secret.id} to {told} in {where}{until}. It is shown this once; give it to jobs and commands in "
        "ERGOSCOPE_API_KEY:",
        file=sys.stderr,
    )
    print(secret.token)
    return 0


def _list(people: People) -> int:
    rows = people.tokens()
    now = time.time()
    for row in rows:
        where = "all projects" if row.project is None else f"project {row.project!r}"
        state = f"revoked {moment(row.revoked, now)}" if row.revoked else f"used {moment(row.used, now)}"
        if row.expires and not row.revoked:
            state += f", {'expired' if row.expired(now) else 'expires'} {moment(row.expires, now)}"
        named = f"  {row.name}" if row.name else ""
        print(f"{row.id}  {row.scopes}  {where}  made {moment(row.created, now)}, {state}{named}")
    if not rows:
        print("no tokens; make one: ergoscope token create --scope write")
    return 0


def _revoke(people: People, token_id: str) -> int:
    if not people.revoke_token(token_id):
        print(
            f"ergoscope: no token {token_id!r} is there to be revoked; `ergoscope token list` shows them",
            file=sys.stderr,
        )
        return 1
    people.note(typist(), f"token {token_id} revoked")
    print(f"token {token_id} is revoked; what still sends it is refused from now on")
    return 0
