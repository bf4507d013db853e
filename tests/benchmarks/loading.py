"""One load in a fresh process, and what it took: CPU, memory, modules, and what it wanted from the network.

Run as a script in the process that is measured (`python loading.py CODE`), it imports nothing of its own before the
code but what Python has loaded anyway, plus `json` at the end.
"""

from __future__ import annotations

import sys
from time import process_time

ASKED = []
"""Connections and look-ups; connecting to this machine's own sockets counts too."""


def watch_network(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        ASKED.append(str(arguments[-1] if event == "socket.connect" else arguments[0]))


def rss_mb():
    """Return the memory in use now, as Linux tells it; elsewhere nothing."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib would be loaded, and measured
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
    except OSError:
        return float("nan")


def main():
    sys.addaudithook(watch_network)
    code = compile(sys.argv[1], "<measured>", "exec")
    exec(code, {"__name__": "__main__"})
    cpu_s, mb, modules = process_time(), rss_mb(), len(sys.modules)

    import json

    told = {"cpu_s": cpu_s, "mb": mb, "modules": modules, "network": ASKED}
    sys.stderr.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
