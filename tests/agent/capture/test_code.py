"""The commit, and what was changed since."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ergoscope.capture import code
from ergoscope.capture.code import describe_code
from ergoscope.capture.job import Source

WHO = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=trunk", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *WHO, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "code"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "train.py").write_text("lr = 0.1\n")
    (folder / "weights.bin").write_bytes(bytes(100))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_commit_has_a_name_and_no_changes(repository: Path) -> None:
    facts, diff = describe_code(Source(str(repository), "src/train.py"))

    assert facts == {
        "folder": str(repository),
        "commit": git(repository, "rev-parse", "HEAD"),
        "branch": "trunk",
        "dirty": False,
    }
    assert diff == ""


def test_changes_are_counted_and_kept_staged_or_not_without_binaries_and_secrets(repository: Path) -> None:
    (repository / "src" / "train.py").write_text('lr = 0.2\nlogin(token="hunter22")\n')
    (repository / "weights.bin").write_bytes(bytes(range(256)) * 4)
    (repository / "new.py").write_text("x = 1\n")
    git(repository, "add", "new.py")
    (repository / "untracked.py").write_text("y = 1\n")
    git(repository, "remote", "add", "origin", "https://me:hunter22@host/code.git")

    facts, diff = describe_code(Source(str(repository)))

    assert facts["dirty"] is True
    assert facts["changes"] == "3 files changed, 3 insertions(+), 1 deletion(-)"
    assert facts["remote"] == "https://(hidden)@host/code.git"
    assert "-lr = 0.1\n+lr = 0.2\n" in diff
    assert "+x = 1" in diff
    assert "Binary files a/weights.bin and b/weights.bin differ" in diff
    assert "hunter22" not in diff
    assert "untracked" not in diff


def test_a_user_who_does_not_want_it_keeps_the_code(repository: Path) -> None:
    (repository / "src" / "train.py").write_text("lr = 0.2\n")

    facts, diff = describe_code(Source(str(repository), save_code=False))

    assert facts["dirty"] is True
    assert diff == ""


def test_large_changes_are_cut_at_a_line(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "DIFF_BYTES", 4096)
    (repository / "src" / "train.py").write_text("".join(f"line = {i}\n" for i in range(100_000)))

    _, diff = describe_code(Source(str(repository)))

    assert 3000 < len(diff) < 4200
    assert diff.endswith("\n(cut here: only the first 4 KiB are kept)\n")


@pytest.mark.parametrize("line", ["ü" * 40, 'token = "' + "s3cret" * 10 + '"'], ids=["not ascii", "masked"])
def test_it_is_said_that_large_changes_are_cut_whatever_is_in_them(repository: Path, line: str) -> None:
    (repository / "src" / "train.py").write_text(f"{line}\n" * 10_000, encoding="utf-8")

    _, diff = describe_code(Source(str(repository)))

    *_, last, note, _ = diff.split("\n")
    assert note == "(cut here: only the first 512 KiB are kept)"
    assert last in {f"+{line}", '+token = "(hidden)"'}
    assert "s3cret" not in diff
    assert len(diff.encode()) < 513 * 1024


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n"


def test_a_large_file_of_git_lfs_is_named_and_not_held(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.jsonl filter=lfs diff=lfs merge=lfs -text\n")
    (repository / "data.jsonl").write_text(POINTER.format("0" * 64))  # as it lies in the commit
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "data")
    (repository / "data.jsonl").write_text('{"patient": 1}\n' * 1000)  # as it lies on the disk
    (repository / "src" / "train.py").write_text("lr = 0.2\n")

    facts, diff = describe_code(Source(str(repository)))

    assert str(facts["changes"]).startswith("2 files changed")
    assert "Binary files a/data.jsonl and b/data.jsonl differ" in diff
    assert "patient" not in diff
    assert "+lr = 0.2" in diff


def test_a_pointer_that_changed_without_its_file_is_named(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (repository / "weights.bin").write_text(POINTER.format("1" * 64))

    _, diff = describe_code(Source(str(repository)))

    assert "Binary files a/weights.bin and b/weights.bin differ" in diff


def test_code_is_kept_before_large_data(repository: Path) -> None:
    (repository / "a.csv").write_text("1,2,3\n")
    (repository / "b.csv").write_text("1,2,3\n")
    git(repository, "add", ".")
    (repository / "a.csv").write_text("4,5,6\n" * 200_000)  # more than is kept, and before the code by its name
    (repository / "b.csv").write_text("7,8,9\n" * 2_000_000)  # more than is looked at
    (repository / "src" / "train.py").write_text("lr = 0.2\n")

    facts, diff = describe_code(Source(str(repository)))

    assert facts["dirty"] is True
    assert diff.index("+lr = 0.2") < diff.index("+4,5,6")
    assert "7,8,9" not in diff
    assert diff.endswith("(cut here: only the first 512 KiB are kept)\n")


def test_large_binaries_and_odd_bytes_leave_a_small_readable_diff(repository: Path) -> None:
    (repository / "weights.bin").write_bytes(os.urandom(3 << 20))
    (repository / "src" / "train.py").write_bytes(b"lr = 0.2  # \xff\xfe \xc3\n")

    facts, diff = describe_code(Source(str(repository)))

    assert "Binary files a/weights.bin and b/weights.bin differ" in diff
    assert "+lr = 0.2  # \ufffd" in diff
    assert len(diff) < 1000
    assert facts["changes"] == "2 files changed, 1 insertion(+), 1 deletion(-)"


def test_what_git_does_not_say_in_time_is_not_called_clean(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase "$*" in *shortstat*) exec sleep 60;; esac\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(code, "PATIENCE_S", 1.0)

    facts, diff = describe_code(Source(str(repository)))

    assert "commit" in facts
    assert "dirty" not in facts
    assert diff == ""


def test_no_filter_of_the_user_runs(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    (repository / ".gitattributes").write_text("*.py filter=odd.name\n")
    git(repository, "config", "filter.odd.name.clean", f"touch '{marker}'; cat")
    git(repository, "config", "filter.odd.name.process", f"touch '{marker}'; false")
    git(repository, "config", "filter.odd.name.required", "true")
    (repository / "src" / "train.py").write_text("lr = 0.2\n")

    facts, diff = describe_code(Source(str(repository)))

    assert facts["dirty"] is True
    assert "+lr = 0.2" in diff
    assert not marker.exists()


def test_the_repository_is_that_of_the_script_and_else_of_the_folder(repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "launch.py").touch()

    by_script, _ = describe_code(Source(str(elsewhere), str(repository / "src" / "train.py")))
    by_folder, _ = describe_code(Source(str(repository), str(elsewhere / "launch.py")))
    nowhere = describe_code(Source(str(elsewhere), "-c"))

    assert by_script["commit"] == by_folder["commit"]
    assert nowhere == ({}, "")


def test_a_repository_without_a_commit_or_a_branch_says_what_there_is(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")

    detached, _ = describe_code(Source(str(repository)))
    fresh, _ = describe_code(Source(str(empty)))

    assert "branch" not in detached
    assert "commit" in detached
    assert fresh == {"folder": str(empty), "branch": "trunk"}


def test_git_that_hangs_or_is_absent_is_given_up(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(code, "PATIENCE_S", 0.1)
    began = time.monotonic()

    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    hung = describe_code(Source(str(repository)))
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = describe_code(Source(str(repository)))

    assert (hung, absent) == (({}, ""), ({}, ""))
    assert time.monotonic() - began < 50  # what hangs does so for 60 s


def test_looking_leaves_the_repository_as_it_is(repository: Path) -> None:
    (repository / "src" / "train.py").write_text("lr = 0.2\n")
    os.utime(repository / "weights.bin", (1, 1))  # what would make git write its index anew
    before = (repository / ".git" / "index").read_bytes()

    describe_code(Source(str(repository)))

    assert (repository / ".git" / "index").read_bytes() == before
    assert not list((repository / ".git").glob("*.lock"))
