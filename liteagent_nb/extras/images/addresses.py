"""Which addresses may be asked for a picture: public ones, looked at before each connection and used for it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from liteagent_nb.core.errors import ConfigError

__all__ = ["CheckedResolver", "Private", "check_literal", "is_public"]

Private: TypeAlias = bool | Collection[str]
"""Whether private addresses may be asked, or the hosts that may have one."""
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_BITS = 0xFFFFFFFF


def is_public(text: str) -> bool:
    """Whether *text* is the address of a machine on the public internet, in whatever it is wrapped."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(one.is_global and not one.is_multicast for one in (address, *_wrapped(address)))


def _wrapped(address: _Address) -> list[_Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None]
    nat64 = ipaddress.IPv4Address(int(address) & _IPV4_BITS) if address in _NAT64 else None
    return [one for one in (*found, nat64) if one is not None]


def may_be_private(host: str, allowed: Private) -> bool:
    """Whether *host* may have a private address."""
    return allowed if isinstance(allowed, bool) else host in allowed


def check_literal(host: str, *, allow_private: Private) -> None:
    """Raise `ConfigError` where *host* is itself an address that may not be asked; names are looked up later."""
    try:
        is_allowed = may_be_private(host, allow_private) or is_public(host)
    except ValueError:
        return
    if not is_allowed:
        raise _refused(host, host)


def _refused(host: str, address: str) -> ConfigError:
    what = host if host == address else f"{host} is {address}, which"
    return ConfigError(f"{what} is a private address", hint="allow_private=True, if you trust where the URL comes from")


class CheckedResolver(AbstractResolver):
    """Looks names up and gives only addresses that may be asked: what was checked is what is connected to."""

    def __init__(self, *, allow_private: Private) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of *host*; raises `ConfigError` where none is public, `OSError` where there is none."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        is_trusted = may_be_private(host, self._allow_private)
        allowed = [entry for entry in found if is_trusted or is_public(str(entry[4][0]))]
        if not allowed:
            raise _refused(host, str(found[0][4][0]))
        return [
            ResolveResult(hostname=host, host=str(where[0]), port=port, family=kind, proto=proto, flags=0)
            for kind, _, proto, _, where in allowed
        ]

    async def close(self) -> None:
        """Nothing is kept open."""
