"""`ergoscope user`: makes and changes the accounts of people; on the machine of the service."""

import argparse
import getpass
import os
import sys
import time
from contextlib import closing
from itertools import groupby

from ergoscope_server.cli.database import declare_database, open_database
from ergoscope_server.cli.saying import complain, moment, typist
from ergoscope_server.environment import read_settings
from ergoscope_server.people.callers import EVERY_PROJECT
from ergoscope_server.people.logins import LONGEST_NAME
from ergoscope_server.people.passwords import PasswordError, hash_password
from ergoscope_server.people.rights import ROLES
from ergoscope_server.settings import SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.people import People

NOBODY = "none"


class User:
    """Make, list or change the accounts of people, straight in the service's database."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what can be done, and the options of each."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="create | list | role | password | ...")
        create = acts.add_parser("create", help="make one, with a password")
        create.add_argument("--admin", action="store_true", help="may do everything")
        create.add_argument("--role", choices=list(ROLES), help="what they may do (default: nothing yet)")
        role = acts.add_parser("role", help="say what somebody may do")
        password = acts.add_parser("password", help="set another password; they are logged out everywhere")
        disable = acts.add_parser("disable", help="keep somebody out; they are logged out everywhere")
        enable = acts.add_parser("enable", help="let somebody in again")
        link = acts.add_parser("link", help="say whom the provider that people log in with knows somebody as")
        for act in (create, role, password, disable, enable, link):
            act.add_argument("name", metavar="NAME")
        link.add_argument("subject", metavar="SUBJECT", help="as `ergoscope user list` shows it, or the provider")
        link.add_argument("--issuer", help="the provider (default: ERGOSCOPE_OIDC_ISSUER)")
        role.add_argument("role", choices=[*ROLES, NOBODY], help=f"viewer: look; member: write too; {NOBODY}: nothing")
        for act in (create, role):
            act.add_argument("--project", default=EVERY_PROJECT, help="the project of the role (default: all)")
        for act in (create, password):
            act.add_argument("--stdin", action="store_true", help="read the password from standard input")
        for act in (create, role, password, disable, enable, link, acts.add_parser("list", help="list all")):
            declare_database(act)

    def run(self, args: argparse.Namespace) -> int:
        """Do it."""
        try:
            with closing(open_database(args)) as store:
                return _act(People(store.database), args)
        except (SettingsError, StoreError, PasswordError) as error:
            return complain(error)


def _act(people: People, args: argparse.Namespace) -> int:
    if args.act == "list":
        return _list(people)
    if args.act == "create":
        return _create(people, args)
    if args.act == "password":
        done, said = people.set_password(args.name, hash_password(_ask(stdin=args.stdin))), "has another password"
    elif args.act == "role":
        done = people.set_role(args.name, args.project, "" if args.role == NOBODY else args.role)
        said = f"is {args.role} in {_where(args.project)}"
    elif args.act == "link":
        issuer = args.issuer or read_settings(os.environ).oidc_issuer
        if not issuer:
            print("ergoscope: no provider is named; give --issuer, or set ERGOSCOPE_OIDC_ISSUER", file=sys.stderr)
            return 1
        done, said = people.link(args.name, issuer, args.subject), f"logs in at {issuer} as {args.subject}"
    else:
        done = people.set_disabled(args.name, disabled=args.act == "disable")
        said = "is kept out" if args.act == "disable" else "may come in again"
    if not done:
        print(f"ergoscope: nobody is called {args.name!r}; `ergoscope user list` shows everybody", file=sys.stderr)
        return 1
    people.note(typist(), f"account {args.name} {said}")
    print(f"{args.name} {said}")
    return 0


def _create(people: People, args: argparse.Namespace) -> int:
    if not args.name.isprintable() or not 0 < len(args.name) <= LONGEST_NAME:
        print(f"ergoscope: the name must have from 1 to {LONGEST_NAME} printable characters", file=sys.stderr)
        return 1
    if not people.add_account(args.name, hash_password(_ask(stdin=args.stdin)), admin=args.admin):
        print(f"ergoscope: somebody is called {args.name!r} already; choose another name", file=sys.stderr)
        return 1
    if args.role:
        people.set_role(args.name, args.project, args.role)
    people.note(typist(), f"account {args.name} made{', admin' if args.admin else ''}")
    may = "may do everything" if args.admin else f"is {args.role} in {_where(args.project)}" if args.role else ""
    print(f"{args.name} {may or 'may do nothing yet; give them a role: ergoscope user role ' + args.name + ' member'}")
    return 0


def _ask(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != password:
        raise PasswordError("the two are not alike; nothing was changed")
    return password


def _list(people: People) -> int:
    rows = people.accounts()
    known = {name: list(found) for name, found in groupby(people.identities(), key=lambda one: one.account)}
    now = time.time()
    for row in rows:
        roles = ", ".join(f"{role} in {_where(project)}" for project, role in row.roles.items())
        may = "everything" if row.admin else roles or "nothing"
        state = f"disabled {moment(row.disabled, now)}" if row.disabled else f"made {moment(row.created, now)}"
        comes = "".join(f", logs in at {one.issuer} as {one.subject}" for one in known.get(row.name, ()))
        print(f"{row.name}  {may}  {state}{comes}")
    if not rows:
        print("no accounts; make one: ergoscope user create NAME --admin")
    return 0


def _where(project: str) -> str:
    return "all projects" if project == EVERY_PROJECT else f"project {project!r}"
