"""The weights: found, checked, refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.embedded.engine import engine_for
from liteagent_nb.models.embedded.weights import SIZE_BYTES, find_weights, install_weights, verify, weights_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.weights


def test_the_packaged_weights_are_found_and_whole(weights: Path):
    assert find_weights() == weights
    assert weights.stat().st_size == SIZE_BYTES
    assert verify(weights) == weights
    assert weights_for("local/smollm2") == weights


def test_weights_that_are_there_are_not_fetched_again(weights: Path):
    told: list[str] = []

    assert install_weights(told.append) == weights
    assert told == [f"The embedded model is ready: {weights.name}"]


def test_truncated_weights_are_refused(weights: Path, tmp_path: Path):
    damaged = tmp_path / weights.name
    damaged.write_bytes(weights.read_bytes()[:-1000])

    with pytest.raises(ConfigError, match="damaged") as raised:
        verify(damaged)

    assert "jupyter liteagent setup-local" in raised.value.hint


def test_one_flipped_bit_is_refused(weights: Path, tmp_path: Path):
    damaged = tmp_path / weights.name
    shutil.copyfile(weights, damaged)
    with damaged.open("r+b") as file:
        file.seek(SIZE_BYTES // 2)
        byte = file.read(1)[0]
        file.seek(SIZE_BYTES // 2)
        file.write(bytes([byte ^ 1]))

    with pytest.raises(ConfigError, match="sha256"):
        verify(damaged)


def test_weights_that_cannot_be_read_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        verify(tmp_path / "nothing.gguf")


def test_a_path_that_is_no_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no file"):
        weights_for(f"local/{tmp_path}/mine.gguf")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path):
    (tmp_path / "mine.gguf").write_text("<html>not found</html>")

    with pytest.raises(ConfigError, match="not a GGUF"):
        weights_for(f"local/{tmp_path}/mine.gguf")


async def test_a_gguf_that_the_runtime_cannot_load_is_a_config_error(tmp_path: Path):
    broken = tmp_path / "mine.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))

    with pytest.raises(ConfigError, match="cannot be loaded"):
        await engine_for(weights_for(f"local/{broken}")).load()


def test_the_users_own_file_is_taken_as_it_is(weights: Path, tmp_path: Path):
    own = tmp_path / "own.gguf"
    own.symlink_to(weights)

    assert weights_for(f"local/{own}") == own


def test_missing_weights_and_a_missing_runtime_say_what_to_do():
    # -S: no site-packages, so neither the weights nor the runtime are there.
    code = (
        "import asyncio, sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from liteagent_nb.models.local_model import LocalModel\n"
        "from liteagent_nb.models.embedded.engine import engine_for\n"
        "for wanted in (LocalModel().load(), engine_for(Path('x.gguf')).load()):\n"
        "    try: asyncio.new_event_loop().run_until_complete(wanted)\n"
        "    except Exception as error: print(type(error).__name__, error, '|', error.hint)\n"
    )

    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60)

    missing, runtime = done.stdout.splitlines()
    assert missing.startswith("ConfigError the embedded model's weights are not installed")
    assert "jupyter liteagent setup-local" in missing
    assert runtime.endswith('pip install "liteagent_nb[local]"')


def test_a_process_ends_cleanly_while_the_model_is_talking(weights: Path):
    code = (
        "import asyncio\n"
        "from liteagent_nb.core.chat import Transcript\n"
        "from liteagent_nb.models.local_model import LocalModel\n"
        "async def main():\n"
        "    async for delta in LocalModel().stream(Transcript.of('Tell me a story'), (), {}): break\n"
        "asyncio.new_event_loop().run_until_complete(main())\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)

    assert (done.returncode, done.stdout) == (0, "")
