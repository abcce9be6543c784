"""The way to a gateway: its address and key, one request at a time, errors as exceptions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

JsonObject = dict[str, Any]


class NoGateway(Exception):
    """Nobody answers at the address."""


class ProblemError(Exception):
    """The gateway answered an error. `kind` is its `type`; `errors` holds (pointer, message)."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.kind = str(body.get("type", "unknown"))
        self.detail = str(body.get("detail") or body.get("title") or f"HTTP {status}")
        self.errors = [(e.get("pointer", ""), e.get("message", "")) for e in body.get("errors", ())]
        super().__init__(self.detail)


def _refuse_error(response: httpx.Response) -> None:
    if not response.is_error:
        return
    try:
        body = response.json()
    except ValueError:
        body = {}
    raise ProblemError(response.status_code, body if isinstance(body, dict) else {})


class Connection:
    """A connection to a gateway. `base_url` is its address, `api_key` a key of an account there."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.strip().rstrip("/")
        api_key = api_key.strip()
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url is {self.base_url!r}; it must begin with http:// or https://")
        if not api_key.isascii() or not api_key.isprintable():
            raise ValueError("api_key holds characters that no API key has")
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, **request: Any) -> JsonObject:
        response = self._request(method, path, **request)
        if response.status_code == 204:
            return {}
        answer: JsonObject = response.json()
        return answer

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise NoGateway(
                f"No gateway answers at {self.base_url} ({type(error).__name__}). Start one with: todoke serve"
            ) from error
        _refuse_error(response)
        return response

    def _download(self, path: str, to: Path, **params: str) -> None:
        """Writes an answer to a file as it comes; a long one is never in memory as a whole."""
        try:
            with self._http.stream("GET", path, params=params) as response:
                if response.is_error:
                    response.read()
                _refuse_error(response)
                with to.open("wb") as file:
                    for part in response.iter_bytes():
                        file.write(part)
        except httpx.TransportError as error:
            raise NoGateway(
                f"The answer of {self.base_url} broke off ({type(error).__name__}). Ask again; {to} is not complete."
            ) from error
