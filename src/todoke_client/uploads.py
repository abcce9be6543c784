"""Calls that send lists: in one request, or in parts that go on after a cut (tus 1.0.0)."""

import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from todoke_client.connection import Connection, JsonObject, NoGateway, ProblemError

PART = 8 * 1024 * 1024
"""Bytes of a part: what is lost at most when it is cut off, and a second's work for both sides."""
_TRIES = 8
_TUS = {"Tus-Resumable": "1.0.0"}


class UploadCalls(Connection):
    """What `Todoke` inherits."""

    def send_file(
        self,
        file: Path,
        *,
        channel: str,
        template: str,
        upload: str | None = None,
        dry_run: bool = False,
        **options: str | float | None,
    ) -> JsonObject:
        """Sends a list, CSV or XLSX; the answer has the batch's `id` and what was `detected`.

        `options`: policy, encoding, delimiter, sheet, header_line, columns (JSON), duplicates (keep or drop),
        duplicate_days, source, language, and the plan's starts_at, rate, percent_an_hour, hours. `upload`: the id of
        a complete upload of the file, see `upload_file`; then nothing of the file is sent again.
        """
        data = {"channel": channel, "template": template, "dry_run": str(dry_run).lower()}
        data |= {k: str(v) for k, v in options.items() if v is not None}
        if upload is not None:
            return self._call("POST", "/v1/batches", data=data | {"upload": upload})
        with file.open("rb") as opened:
            sent = {"file": (file.name, opened, "application/octet-stream")}
            return self._call("POST", "/v1/batches", data=data, files=sent)

    def upload_file(
        self,
        file: Path,
        *,
        upload: str | None = None,
        begun: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Sends a file in parts, and goes on by itself after a cut. Answers the id of the upload.

        `upload`: one of this very file that was begun before; it goes on where that was. `begun` is told the id as
        soon as there is one, `progress` how many bytes are there.
        """
        size = file.stat().st_size
        if upload is None:
            upload = self.begin_upload(file.name, size)
        begun(upload)
        offset = self._patiently(lambda: self.upload_offset(upload))
        progress(offset)
        with file.open("rb") as opened:
            while offset < size:
                opened.seek(offset)
                offset = self._send_part(upload, offset, opened.read(PART))
                progress(offset)
        return upload

    def begin_upload(self, name: str, size: int) -> str:
        """An upload of so many bytes that come in parts; its id."""
        metadata = f"filename {b64encode(name.encode()).decode()}"
        headers = _TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}
        answer = self._request("POST", "/v1/uploads", headers=headers)
        return str(answer.headers["Location"]).rpartition("/")[2]

    def upload_offset(self, upload: str) -> int:
        """How many bytes of an upload are there."""
        return int(self._request("HEAD", f"/v1/uploads/{upload}", headers=_TUS).headers["Upload-Offset"])

    def append_upload(self, upload: str, offset: int, part: bytes) -> int:
        """Sends a part that begins at `offset`, where the upload must stand; where it stands then."""
        headers = _TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        answer = self._request("PATCH", f"/v1/uploads/{upload}", content=part, headers=headers)
        return int(answer.headers["Upload-Offset"])

    def remove_upload(self, upload: str) -> None:
        self._request("DELETE", f"/v1/uploads/{upload}", headers=_TUS)

    def _send_part(self, upload: str, offset: int, part: bytes) -> int:
        try:
            return self.append_upload(upload, offset, part)
        except NoGateway:
            return self._patiently(lambda: self.upload_offset(upload))
        except ProblemError as error:
            # The part before was taken though its answer was lost, or its request is still being ended.
            if error.status not in (408, 409, 423):
                raise
            time.sleep(0.2 if error.status == 423 else 0)
            return self.upload_offset(upload)

    def _patiently(self, ask: Callable[[], int]) -> int:
        """Asks again for about a minute while nobody answers."""
        for tries in range(_TRIES):
            try:
                return ask()
            except NoGateway:
                if tries == _TRIES - 1:
                    raise
                time.sleep(min(0.25 * 2**tries, 15.0))
        raise AssertionError
