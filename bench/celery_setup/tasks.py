"""What workers do: a list into rows, a chunk of rows to LINE."""

from __future__ import annotations

import csv
import hashlib
import os
import time
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import phonenumbers
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, PnpMessagesRequest, TextMessage
from linebot.v3.messaging.exceptions import ApiException
from urllib3.exceptions import HTTPError

from bench.celery_setup import models
from bench.celery_setup.app import app
from bench.stage import TEXT

ROWS = 1000
"""Of a list, inserted in one transaction."""
CHUNK = 250
"""Notices of a task."""
LATER = (429, 500, 502, 503, 504)
"""Statuses after which LINE is asked again."""


@app.task(name="import_list")
def import_list(channel_id: str, path: str) -> None:
    """Inserts the rows of a list, and queues them in chunks as they come."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        while portion := [x for x in (_row(channel_id, row) for row in islice(rows, ROWS)) if x]:
            ids = models.add_notices(portion)
            for at in range(0, len(ids), CHUNK):
                send_chunk.delay(channel_id, ids[at : at + CHUNK])


def _row(channel_id: str, row: dict[str, str]) -> dict[str, Any] | None:
    """A notice; None where the number can't be one."""
    try:
        number = phonenumbers.parse(row["phone"], "TW")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return {
        "channel_id": channel_id,
        "reference": row["reference"],
        "phone": phone,
        "phone_hash": hashlib.sha256(phone.encode()).hexdigest(),
        "name": row["name"],
        "parcel": row["parcel"],
    }


@cache
def api(channel_id: str) -> MessagingApi:
    """One client a channel and process: its connections are used again."""
    configuration = Configuration(
        access_token=models.channel(channel_id).token, host=os.environ["BENCH_LINE"]
    )
    configuration.connection_pool_maxsize = 32
    return MessagingApi(ApiClient(configuration))


@app.task(name="send_chunk", bind=True, max_retries=5)
def send_chunk(self: Any, channel_id: str, ids: list[int]) -> None:
    """Sends what of a chunk is not sent yet, and records all answers in one transaction."""
    outcomes = list(_answers(api(channel_id), ids))
    models.record([x for x in outcomes if x["status"] not in LATER])
    if again := [x["key"] for x in outcomes if x["status"] in LATER]:
        raise self.retry(args=(channel_id, again), countdown=2**self.request.retries)


def _answers(client: MessagingApi, ids: list[int]) -> Iterator[dict[str, Any]]:
    for row in models.unsent(ids):
        text = TextMessage(text=TEXT.format(name=row.name, parcel=row.parcel))
        request = PnpMessagesRequest(to=row.phone_hash, messages=[text])
        try:
            answer = client.push_messages_by_phone_with_http_info(request, models.TAG.format(row.id))
            status, headers = answer.status_code, answer.headers or {}
        except ApiException as error:
            status, headers = error.status, error.headers or {}
        except HTTPError:
            status, headers = 503, {}
        yield {
            "key": row.id,
            "status": status,
            "request_id": headers.get("x-line-request-id"),
            "sent_at": time.time(),
        }
