"""What `load_time.py` loads: ours and the peers, each as code, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from peers import PEERS

SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
BARE = "bare Python"
BARE_SHELL = "bare IPython shell"
OUR_IMPORT = "import liteagent_nb"
OUR_CORE = "import the loop of liteagent_nb"
OUR_EXTENSION = "%load_ext liteagent_nb"


def load_ext(name):
    return f"{SHELL}shell.run_line_magic('load_ext', {name!r})\n"


@dataclass(frozen=True)
class Load:
    """Something that is loaded, and what it is compared with."""

    name: str
    code: str
    on: str = BARE
    peer: str = ""


OURS = (
    Load(BARE, ""),
    Load(BARE_SHELL, SHELL),
    Load(OUR_IMPORT, "import liteagent_nb"),
    Load(OUR_CORE, "from liteagent_nb import run_agent, AgentConfig, Toolbox"),
    Load(OUR_EXTENSION, load_ext("liteagent_nb"), on=BARE_SHELL),
    Load("… and %agent status", load_ext("liteagent_nb") + "shell.run_line_magic('agent', 'status')", on=BARE_SHELL),
    Load(
        "… and the first question's litellm",
        load_ext("liteagent_nb") + "import liteagent_nb.models.litellm_model",
        on=BARE_SHELL,
    ),
    Load("import litellm, as it comes", "import litellm"),
)


def load_of(peer):
    """Return what a user of the peer loads."""
    if peer.is_extension:
        return Load(f"%load_ext {peer.name}", load_ext(peer.module), on=f"{BARE_SHELL} of {peer.name}", peer=peer.name)
    return Load(f"import {peer.name}", f"import {peer.module}", peer=peer.name)


def loads_of_peers():
    """Return the peers' loads; an extension is compared with the IPython of its own environment."""
    for peer in PEERS.values():
        if peer.is_extension:
            yield Load(f"{BARE_SHELL} of {peer.name}", SHELL, peer=peer.name)
        yield load_of(peer)
