"""Ask /health again and again for some seconds, and print what each answer took, in ms, as a JSON list."""

from __future__ import annotations

import http.client
import json
import sys
import time


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    took, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
