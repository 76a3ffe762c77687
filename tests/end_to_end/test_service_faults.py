"""What senders and disks do to a service: nothing acknowledged is lost, and nothing is there twice."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random

import pytest
import urllib3

from ergoscope_contract.codec import encode
from tests.backend.postgres import UNPRIVILEGED, OwnPostgres, find_programs, new_database
from tests.backend.store.batches import batch
from tests.end_to_end.conftest import HOST, Service, free_port, until
from tests.end_to_end.wire import POINTS, SlowPost, body, post, steps


def test_a_connection_reset_in_mid_body_leaves_nothing_and_harms_nobody(service: Service) -> None:
    for sent in (0, 1, 30, len(body(0)) - 1):
        broken = SlowPost(service.url, body(0))
        broken.send(sent)
        broken.reset()
        assert post(service.url, body(sent, run="other")) == 200

    until(lambda: urllib3.request("GET", f"{service.url}/api/v1/runs/r").status == 404, what="no trace of it")
    assert [post(service.url, body(0)) for _ in range(3)] == [200, 200, 200]
    assert steps(service.url) == list(range(POINTS))
    assert "Traceback" not in (service.folder / "server.log").read_text()


def test_slow_senders_keep_nobody_waiting_and_are_taken_in_the_end(service: Service) -> None:
    slow = [SlowPost(service.url, body(seq)) for seq in range(30)]
    for one in slow:
        one.send(25)

    for seq in range(30, 60):
        assert post(service.url, body(seq)) == 200
    before = steps(service.url)
    answers = []
    for one in slow:
        with one:
            one.send(1)
            answers.append(one.finish())

    assert before == list(range(30 * POINTS, 60 * POINTS))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert steps(service.url) == list(range(60 * POINTS))


DIES = """
import os, signal, sys
from pathlib import Path
from ergoscope_server.cli import up
from ergoscope_server.settings import Settings
from ergoscope_server.store.store import Store

class Dying(Store):
    def accept(self, batches):
        outcomes = super().accept(batches)
        if any(batch.seq == 3 for batch in batches):
            os.kill(os.getpid(), signal.SIGKILL)
        return outcomes

up.Store = Dying
up.serve(Settings(port=int(sys.argv[1]), data_dir=Path(sys.argv[2]), database_url=sys.argv[3], page=False))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, which a service of the test is at."""
    with new_database() if request.param == "postgres" else nullcontext(_file(tmp_path / "server")) as url:
        monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", url)
        yield url


def _file(folder: Path) -> str:
    folder.mkdir()
    return f"sqlite:///{folder / 'ergoscope.db'}"


def test_killed_between_writing_and_acknowledging_a_batch_is_there_once(tmp_path: Path, database: str) -> None:
    port = free_port()
    dying = subprocess.Popen([sys.executable, "-c", DIES, str(port), str(tmp_path / "server"), database])
    url = f"http://{HOST}:{port}"
    until(lambda: urllib3.request("GET", f"{url}/healthz", retries=False).status == 200, what="the service")
    try:
        assert [post(url, body(seq)) for seq in range(3)] == 3 * [200]
        with pytest.raises(urllib3.exceptions.ProtocolError):
            post(url, body(3))
        assert dying.wait(20) == -9
    finally:
        dying.kill()
        dying.wait(20)

    service = Service(tmp_path)
    try:
        assert steps(service.url) == list(range(4 * POINTS)), "it was written"
        again = urllib3.request("POST", f"{service.url}/api/v1/batches", body=body(3))
        assert (again.status, again.json()["duplicate"]) == (200, True)
        assert steps(service.url) == list(range(4 * POINTS))
    finally:
        service.close()


class SmallDisk:
    """A service whose data lies on a file system of 12 MiB of its own, a part of it taken by something else."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "small"
        self._data.mkdir()
        self.url = f"http://{HOST}:{(port := free_port())}"
        self._log = folder / "server.log"
        fill = f"mount -t tmpfs -o size=12m tmpfs {self._data} && head -c 6M /dev/zero > {self._data}/filler"
        serve = [sys.executable, "-m", "ergoscope.cli", "up", "--no-page", "--port", str(port), "--data-dir"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                ["unshare", "-rm", "sh", "-c", f'{fill} && exec "$@"', "sh", *serve, str(self._data)],
                stderr=log,
                stdout=log,
            )
        until(lambda: self._lives(), what="the service")

    def _lives(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        return urllib3.request("GET", f"{self.url}/healthz", retries=False).status == 200

    def make_room(self) -> None:
        Path(f"/proc/{self.process.pid}/root{self._data}/filler").unlink()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    (tmp_path / "probe").mkdir()
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path / "probe")]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no file system of one's own can be mounted here")
    running = SmallDisk(tmp_path)
    yield running
    running.close()


def test_a_full_disk_refuses_until_there_is_room_again(small: SmallDisk) -> None:
    def send(seq: int) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", f"{small.url}/api/v1/batches", body=_large(seq), retries=False, timeout=20.0)

    taken = 0
    while (answer := send(taken)).status == 200:
        taken += 1
        assert taken < 200, "the disk is never full"
    ready = urllib3.request("GET", f"{small.url}/readyz", retries=False)
    again = send(taken)
    small.make_room()
    until(lambda: send(taken).status == 200, what="room")
    for seq in range(taken + 1, taken + 4):
        assert send(seq).status == 200

    assert taken > 3
    for refused in (answer, again):
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
        assert "database or disk is full" in refused.json()["detail"]
    assert ready.status == 503
    assert "MiB are left on the disk of" in ready.json()["reasons"][0]
    assert steps(small.url) == list(range((taken + 4) * 10_000))


class SmallPostgres:
    """A PostgreSQL whose data lies on a file system of 160 MiB of its own, nearly all of it taken by something else."""

    def __init__(self, folder: Path, programs: Path) -> None:
        folder.mkdir()
        who = pwd.getpwnam(UNPRIVILEGED)
        mount = f"mount -t tmpfs -o size=160m,mode=711 tmpfs {folder} && chown {UNPRIVILEGED} {folder}"
        stay = f"echo mounted && exec setpriv --reuid={who.pw_uid} --regid={who.pw_gid} --clear-groups sleep 600"
        self._holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{mount} && {stay}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._holder.stdout is not None
        if os.geteuid() != 0 or self._holder.stdout.readline() != b"mounted\n":
            self._holder.communicate()
            pytest.skip("no file system of one's own can be mounted here for PostgreSQL, which does not run as root")
        until(lambda: self._holder_is_unprivileged(), what="the file system")
        self._place = Path(f"/proc/{self._holder.pid}/root{folder}")
        try:
            self.server = OwnPostgres(programs, self._place)
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        self._holder.kill()
        self._holder.communicate()

    def _holder_is_unprivileged(self) -> bool:
        return Path(f"/proc/{self._holder.pid}").stat().st_uid == pwd.getpwnam(UNPRIVILEGED).pw_uid

    def fill(self, *, left: int) -> None:
        free = shutil.disk_usage(self._place).free
        (self._place / "filler").write_bytes(bytes(free - left))

    def make_room(self) -> None:
        """A server that found no room for its log has ended by itself."""
        (self._place / "filler").unlink()
        if self.server.ended:
            self.server.start()

    def close(self) -> None:
        self.server.stop("immediate")
        self._leave()


@pytest.fixture
def small_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallPostgres]:
    programs = find_programs()
    if programs is None or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("there is no PostgreSQL to start, or no unshare and setpriv to give it a small disk")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        running = SmallPostgres(Path(folder) / "small", programs)
        monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", f"{running.server.url}/postgres")
        yield running
        running.close()


@pytest.mark.postgres
def test_a_full_disk_of_postgres_refuses_until_there_is_room_again(
    small_postgres: SmallPostgres, service: Service
) -> None:
    def send(seq: int) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", f"{service.url}/api/v1/batches", body=_large(seq), retries=False, timeout=20.0)

    assert send(0).status == 200
    small_postgres.fill(left=6 * 2**20)
    taken = 1
    while (answer := send(taken)).status == 200:
        taken += 1
        assert taken < 400, "the disk is never full"
    again = send(taken)
    small_postgres.make_room()
    until(lambda: send(taken).status == 200, what="room")
    for seq in range(taken + 1, taken + 4):
        assert send(seq).status == 200

    for refused in (answer, again):
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    assert "No space left on device" in small_postgres.server.said
    assert steps(service.url) == list(range((taken + 4) * 10_000))


def _large(seq: int) -> bytes:
    noise = Random(seq)
    first = seq * 10_000
    return encode(batch(seq, {"x": (range(first, first + 10_000), [noise.random() for _ in range(10_000)])}))
