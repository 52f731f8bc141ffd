"""Ports of a running sandbox: its own, with TLS or without, and a proxy's."""

from __future__ import annotations

import attrs

from lemlist_async.sandbox.options import SandboxOptions
from lemlist_async.sandbox.proxy import ForwardProxy
from lemlist_async.sandbox.server import Server

__all__ = ["Site"]


@attrs.define(eq=False)
class Site:
    """A server with its ports."""

    server: Server
    port: int = 0
    proxy_port: int | None = None
    _proxy: ForwardProxy | None = attrs.field(default=None, init=False)

    async def open(self, options: SandboxOptions) -> None:
        """Listen on the ports that the options name; OSError if one is taken, ImportError without the extra."""
        if options.proxy_port is None and not options.tls:
            self.port = await self.server.start(options.host, options.port)
            return
        from lemlist_async.sandbox.certificates import write_authority

        tls = write_authority(options.host, options.ca_file)
        self.port = await self.server.start(options.host, options.port, tls if options.tls else None)
        if options.proxy_port is None:
            return
        try:
            self._proxy = ForwardProxy(await self.server.listen("127.0.0.1", 0, tls))
            self.proxy_port = await self._proxy.start(options.host, options.proxy_port)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every port and connection."""
        if self._proxy is not None:
            await self._proxy.stop()
        await self.server.stop()
