"""A real kernel for tests of the magics: cells are run as a front end runs them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from jupyter_client.manager import start_new_kernel


@dataclass
class Cell:
    """What a cell sent, in order, and how it ended."""

    messages: list = field(default_factory=list)
    reply: dict = field(default_factory=dict)

    def of(self, kind):
        return [content for sort, content, _ in self.messages if sort == kind]

    @property
    def updates(self):
        return [content["data"].get("text/html", "") for content in self.of("update_display_data")]

    @property
    def texts(self):
        return [c["data"]["text/plain"] for c in self.of("display_data") + self.of("execute_result")]


class Kernel:
    """A kernel and its client."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, code, *, on_message=lambda kind, content: None, timeout_s=30.0):
        """Run *code* to its idle and return what it sent."""
        cell, message_id = Cell(), self.client.execute(code, allow_stdin=False)
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=timeout_s)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            cell.messages.append((kind, content, time.monotonic()))
            on_message(kind, content)
            if kind == "status" and content["execution_state"] == "idle":
                cell.reply = self.reply_to(message_id, timeout_s)
                return cell
        raise TimeoutError(code)

    def reply_to(self, message_id, timeout_s):
        """Return the reply to a request; those to the client's own first questions may come before it."""
        while (message := self.client.get_shell_msg(timeout=timeout_s))["parent_header"].get("msg_id") != message_id:
            pass
        return message["content"]

    def stop(self, code, *, when):
        """Run *code*, press stop as soon as an update holds *when*, and return the cell and how long it then took."""
        pressed = []

        def press(kind, content):
            if not pressed and kind == "update_display_data" and when in content["data"].get("text/html", ""):
                pressed.append(time.monotonic())
                self.manager.interrupt_kernel()

        cell = self.run(code, on_message=press)
        assert pressed, f"{when!r} was never drawn"
        return cell, time.monotonic() - pressed[0]


@contextmanager
def new_kernel():
    """Start a kernel; it is ended afterwards."""
    manager, client = start_new_kernel(startup_timeout=60)
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
