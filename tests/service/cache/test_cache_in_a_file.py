"""Answers in a file: damaged, shared and full ones."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys

import pytest
from cache_setups import is_hit, question

from liteagent_nb import (
    cache_status,
    configure_cache,
    remove_cache,
)
from liteagent_nb.extras.caching.disk import DiskStore


async def test_without_a_folder_it_is_the_users_cache_folder(router, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    configure_cache(router)
    await router.acompletion(**question())
    place = cache_status(router).place
    remove_cache(router)

    assert place.startswith(str(tmp_path))
    assert [str(path) for path in tmp_path.rglob("answers.sqlite")] == [place]


async def test_a_damaged_or_foreign_file_is_a_miss_with_one_warning(router, tmp_path, asked):
    (tmp_path / "answers.sqlite").write_text("this is no database, by all that is known" * 100)
    configure_cache(router, cache_dir=tmp_path)
    request = question()

    with pytest.warns(RuntimeWarning, match=r"answers\.sqlite") as warned:
        answers = [await router.acompletion(**request) for _ in range(2)]
    remove_cache(router)

    assert len(warned) == 1
    assert not any(map(is_hit, answers))


async def test_an_entry_that_cannot_be_read_is_a_miss(on_disk, tmp_path, asked):
    request = question()
    await on_disk.acompletion(**request)
    with sqlite3.connect(tmp_path / "cache" / "answers.sqlite") as file:
        for garbage in (b"{", b"[]", b'{"hidden": {}}', b'{"hidden": {}, "reply": {"choices": 7}}', b"\xff"):
            file.execute("UPDATE answers SET data = ?", (garbage,))
            file.commit()
            assert not is_hit(await on_disk.acompletion(**request))
    file.close()

    assert is_hit(await on_disk.acompletion(**request))
    assert asked() == 6


async def test_the_file_stays_within_its_bound_and_the_newest_stay(router, provider, tmp_path):
    provider.say(*("x" * 20_000 for _ in range(30)))
    configure_cache(router, cache_dir=tmp_path, max_mb=0.2)
    requests = [question() for _ in range(30)]
    for request in requests:
        await router.acompletion(**request)

    newest, oldest = await router.acompletion(**requests[-1]), await router.acompletion(**requests[0])
    entries = cache_status(router).entries
    remove_cache(router)

    assert is_hit(newest)
    assert not is_hit(oldest)
    assert 5 <= entries <= 11


@pytest.fixture
def on_disk_sync(router, tmp_path):
    folder = tmp_path / "cache"
    configure_cache(router, cache_dir=folder)
    router.completion(**question())
    yield folder / "answers.sqlite"
    remove_cache(router)


def test_the_file_is_the_users_alone(on_disk_sync):
    mode = stat.S_IMODE(on_disk_sync.stat().st_mode)

    assert mode == 0o600
    assert stat.S_IMODE(on_disk_sync.parent.stat().st_mode) == 0o700


WRITING = """
import sys
from pathlib import Path
from liteagent_nb.extras.caching.disk import DiskStore
from liteagent_nb.extras.caching.redis_store import RedisStore

store = DiskStore(Path(sys.argv[1]), max_mb=10)
for number in range(50):
    store.put(f"{sys.argv[2]}-{number}", b"x" * 100, None)
store.close()
"""


def test_processes_share_one_file(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WRITING, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    codes = [process.wait(60) for process in processes]
    store = DiskStore(tmp_path, max_mb=10)

    assert codes == [0, 0, 0]
    assert store.count() == 150
    store.close()
