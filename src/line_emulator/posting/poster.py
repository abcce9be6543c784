"""One attempt to post a webhook: signed, timed, under the faults on order, and how it went.

Source: Messaging API, "Receive messages (webhook)", "Check webhook error statistics".
"""

from __future__ import annotations

import asyncio
import errno
import time

import aiohttp

from line_emulator.clockwork.clock import Clock
from line_emulator.faults import API_KINDS, Fault, Faults
from line_emulator.posting.wire import signature
from line_emulator.weblog import Post
from line_emulator.world.channels import Channel

TIMEOUT = 2.0
"""Real seconds."""


class Poster:
    """Posts bodies to the channels' webhook URLs."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def attempt(self, channel: Channel, body: bytes, again: bool, count: int) -> Post:
        """Posts a body of `count` events, or as the faults on order have it. `again`: it is a redelivery."""
        post = Post(
            channel_id=channel.channel_id,
            at=self._clock.now(),
            url=channel.webhook_url or "",
            body=body,
            signature=signature(channel, body),
            redelivery=again,
            events=count,
        )
        struck: dict[str, Fault] = {}
        if self._faults.webhook:
            struck = self._faults.strike(self._faults.webhook, API_KINDS, "", channel.channel_id)
        if "latency" in struck:
            await asyncio.sleep((struck["latency"].ms or 0) / 1000)
        if "disconnect_before" in struck:
            post.reason, post.detail = "could_not_connect", "fault on order"
        elif "status_before" in struck:
            post.status, post.reason = struck["status_before"].status or 500, "error_status_code"
        else:
            await self.deliver(post)
            if "disconnect_after" in struck:
                post.status, post.reason, post.detail = None, "request_timeout", "fault on order"
            elif "status_after" in struck:
                post.status, post.reason = struck["status_after"].status or 500, "error_status_code"
        return post

    async def deliver(self, post: Post) -> None:
        """Posts a signed body and notes how the receiver answered: anything but 200 within 2 seconds is
        a failure.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Below the 5 seconds after which common servers close an idle connection.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "LineBotWebhook/2.0"},
            )
        headers = {"Content-Type": "application/json; charset=utf-8", "x-line-signature": post.signature}
        started = time.monotonic()
        try:
            async with self._session.post(
                post.url, data=post.body, headers=headers, allow_redirects=False
            ) as answer:
                post.status = answer.status
                post.reason = None if answer.status == 200 else "error_status_code"
        except TimeoutError:
            post.reason, post.detail = "request_timeout", "no answer within 2 seconds"
        except aiohttp.ClientConnectorError as error:
            post.reason, post.detail = "could_not_connect", why_not_connected(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            post.reason, post.detail = "unclassified", str(error) or type(error).__name__
        finally:
            post.duration_ms = round((time.monotonic() - started) * 1000, 1)


def why_not_connected(error: aiohttp.ClientConnectorError) -> str:
    """Why nobody was reached, in plain words."""
    host = f"[{error.host}]" if ":" in (error.host or "") else error.host
    place = f"{host}:{error.port}"
    text = str(error.os_error)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"The TLS certificate of {place} is not trusted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"No TLS with {place}: {text}. Does it speak http only?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"The name {host} can't be resolved: {error.os_error.strerror or text}"
    # Where a name has several addresses, one error names the failures of all.
    if error.os_error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in text:
        return f"Nobody listens on {place}"
    return f"There is no way to {place}: {error.os_error.strerror or text}"
