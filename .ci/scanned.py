"""What reports of pip-audit say together, one for each advisory service: says it, and fails for a vulnerability."""

import json
import sys
from pathlib import Path

SERVICES = ("osv", "pypi")


def main(folder: Path) -> int:
    """Read SERVICE.json and SERVICE.log of each service; give 1 where a vulnerability is known."""
    reports = {service: _report(folder / f"{service}.json") for service in SERVICES}
    known = {f"{one['name']} {one['version']}" for report in reports.values() for one in report if "version" in one}
    found = {
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for report in reports.values()
        for one in report
        for flaw in one.get("vulns", ())
    }
    pinned = max(map(len, reports.values()), default=0)
    if found:
        print(f"{len(found)} known vulnerabilities:", *sorted(found), sep="\n  ")
        return 1
    if not known:
        print("NOT SCANNED: no advisory service answers here, so nothing is known of what is pinned")
        for service, report in reports.items():
            print(f"  {service}: {_why(report, folder / f'{service}.log')}")
        return 0
    unknown = f"; of {pinned - len(known)} more nothing is known" if pinned > len(known) else ""
    print(f"no vulnerability is known of {len(known)} pinned packages{unknown}")
    return 0


def _report(path: Path) -> list[dict]:
    try:
        return json.loads(path.read_text())["dependencies"]
    except (OSError, ValueError, KeyError):
        return []


def _why(report: list[dict], log: Path) -> str:
    if report:
        return f"knows none of {len(report)} packages"
    said = log.read_text().strip().splitlines() if log.exists() else []
    return said[-1][:300] if said else "said nothing"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
