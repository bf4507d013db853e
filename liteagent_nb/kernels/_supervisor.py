"""Stands over one program: limits it, and takes everything it started with it when it ends.

    python -I -S -c "…; import _supervisor; …" OWNER_PID SCRATCH MEMORY FILE_SIZE OPEN_FILES PROCESSES PROGRAM [ARG …]

Ends when the program ends, on SIGTERM, and when the owner dies, whatever it dies of (then it removes SCRATCH too). Its
exit code is the program's; 128 + n where signal n ended it, as in a shell.

It starts before every call, so it starts fast: imported, since that finds it compiled, and importing next to nothing
itself. `signal`, `ctypes`, `pathlib`, `contextlib` and `typing` would take 8 ms each.
"""
# ruff: noqa: PTH123, PTH208, SIM105

from __future__ import annotations

import os
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
else:
    import _signal as signal

__all__ = [
    "be_a_subreaper",
    "be_bounded",
    "descendants",
    "kill",
    "kill_session",
    "limits_of",
    "main",
    "processes_now",
]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_OWNER_DIED = signal.SIGHUP
"""Another signal than the owner's own: while its last threads die, getppid() still names it."""
_WATCHED = (signal.SIGCHLD, signal.SIGTERM, _OWNER_DIED)
_DEFAULTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
_IS_LINUX = sys.platform == "linux"
_LOOK_EVERY_S = 0.5
_KILL_WITHIN_S = 2.0


def main(arguments: list[str]) -> int:
    """Run the program and return its exit code."""
    owner, scratch = int(arguments[0]), arguments[1]
    memory, file_size, open_files, processes = map(int, arguments[2:6])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would take the exit codes with it
    # Blocked, they wait to be fetched: no handler can come in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    be_a_subreaper()
    _prctl(_PR_SET_PDEATHSIG, _OWNER_DIED)
    if os.getppid() != owner:
        _remove(scratch)
        return 1
    limits = limits_of(memory, file_size, open_files, processes)
    target = os.fork()
    if target == 0:
        _become(arguments[6:], limits, supervisor=os.getppid())
    code = _watch(target, owner, processes)
    _kill_all(target)
    if code is None:
        _remove(scratch)
    return code or 0


def be_a_subreaper() -> None:
    """Have orphans of our descendants come to us."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def limits_of(memory: int, file_size: int, open_files: int, processes: int) -> dict[int, int]:
    """Return the resource limits of a program; sizes in bytes."""
    return {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: memory,  # not AS: node and java reserve far more than they use
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_NPROC: _threads_now() + processes,
    }


def _prctl(option: int, value: int) -> None:
    if not _IS_LINUX:
        return
    try:
        import _ctypes  # noqa: PLC0415 - only Linux needs it

        address = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), "prctl")  # type: ignore[arg-type]  # None: this program
        _ctypes.call_function(address, (option, value, 0, 0, 0))
    except (ImportError, AttributeError):  # it is nobody's promise; ctypes is
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _threads_now() -> int:
    """Count the machine's threads: RLIMIT_NPROC counts all that the user has, not only our descendants."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            return int(file.read().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 4096


def _become(program: list[str], limits: dict[int, int], *, supervisor: int) -> None:
    """Turn this forked process into the program; never returns."""
    try:
        os.setpgid(0, 0)  # `kill 0` in a script must not reach the supervisor
        be_bounded(limits, parent=supervisor)
        os.execvp(program[0], program)  # noqa: S606 - no shell on purpose
    except (OSError, ValueError) as error:
        os.write(2, f"{program[0]}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(126)


def be_bounded(limits: dict[int, int], *, parent: int) -> None:
    """Die with *parent*, keep within *limits*, and take signals as any program does."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _volunteer_for_the_oom_killer()
    for kind, wanted in limits.items():
        _limit(kind, wanted)
    for signum in _DEFAULTS:  # the interpreter ignores some, and so may a notebook's kernel
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _volunteer_for_the_oom_killer() -> None:
    """Where memory runs out, this process goes first, not the notebook's kernel."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        pass  # not Linux


def _limit(kind: int, wanted: int) -> None:
    allowed = resource.getrlimit(kind)[1]
    value = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        pass  # macOS refuses some kinds


def _watch(target: int, owner: int, processes: int) -> int | None:
    """Wait for the target's end or a SIGTERM and return the exit code; None where the owner died."""
    while True:
        reaped = _reap(target)
        if reaped is not None:
            return reaped
        signum = _next_signal()
        if signum == _OWNER_DIED or os.getppid() != owner:
            return None
        if signum == signal.SIGTERM:
            return 128 + signal.SIGTERM
        # RLIMIT_NPROC does not hold for root.
        if sum(1 for _ in descendants(os.getpid())) > processes:
            os.write(2, f"stopped: more than {processes} processes\n".encode())
            return 128 + signal.SIGKILL


def _next_signal() -> int | None:
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(_WATCHED, _LOOK_EVERY_S)
        return info.si_signo if info else None
    time.sleep(0.02)
    pending = signal.sigpending()
    return next((signum for signum in (_OWNER_DIED, signal.SIGTERM) if signum in pending), None)


def _reap(target: int) -> int | None:
    """Collect everything that ended; return the target's exit code if it was among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == target:
            ended = os.waitstatus_to_exitcode(status)
            code = ended if ended >= 0 else 128 - ended


def _kill_all(target: int) -> None:
    """Kill what is left until nothing is: orphans come to us, since we are their subreaper."""
    until = time.monotonic() + _KILL_WITHIN_S
    while _has_children() and time.monotonic() < until:
        for pid in descendants(os.getpid()):
            kill(pid)
        if not _IS_LINUX:
            kill(-target)
        _reap(target)
        time.sleep(0.001)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it went by itself


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes under *pid*, nearest first."""
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop(0)):
            yield child
            waiting.append(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        except FileNotFoundError:
            return [child for child, parent, _session in processes_now() if parent == pid]
        except OSError:
            continue
    return found


def processes_now() -> Iterator[tuple[int, int, int]]:
    """Yield the pid, the parent and the session of every process."""
    for name in filter(str.isdigit, os.listdir("/proc") if _IS_LINUX else ()):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            yield int(name), int(fields[1]), int(fields[3])
        except (OSError, IndexError):
            continue


def kill_session(session: int) -> None:
    """Kill every process of a session: for the owner, where a supervisor was killed itself."""
    for pid, _parent, its_session in processes_now():
        if its_session == session:
            kill(pid)


def _remove(folder: str) -> None:
    if folder:
        import shutil  # noqa: PLC0415 - only where the owner died

        shutil.rmtree(folder, ignore_errors=True)
