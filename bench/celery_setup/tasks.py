"""What workers do: a list into rows, and a row, or a chunk of them, to LINE."""

from __future__ import annotations

import csv
import hashlib
import os
import time
from functools import cache
from itertools import islice
from typing import Any

import phonenumbers
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, PnpMessagesRequest, TextMessage
from linebot.v3.messaging.exceptions import ApiException
from urllib3.exceptions import HTTPError

from bench.celery_setup import models
from bench.celery_setup.app import app
from bench.celery_setup.outcomes import outcomes
from bench.stage import TEXT

ROWS = 1000
"""Of a list, inserted in one transaction."""
LATER = (429, 500, 502, 503, 504)
"""Statuses after which LINE is asked again."""


@app.task(name="import_list")
def import_list(channel_id: str, path: str, chunk: int) -> None:
    """Inserts the rows of a list, and queues them as they come, so many to a task."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        while portion := [x for x in (_row(channel_id, row) for row in islice(rows, ROWS)) if x]:
            ids = models.add_notices(portion)
            if chunk == 1:
                _queue_singly(channel_id, ids, portion)
                continue
            for at in range(0, len(ids), chunk):
                send_chunk.delay(channel_id, ids[at : at + chunk])


def _queue_singly(channel_id: str, ids: list[int], rows: list[dict[str, Any]]) -> None:
    """In bulk: over one connection, with all that is needed, so that no row is read again."""
    with app.producer_pool.acquire(block=True) as producer:
        for key, row in zip(ids, rows, strict=True):
            what = (channel_id, key, row["phone_hash"], row["name"], row["parcel"])
            send_notice.apply_async(what, producer=producer)


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


@app.task(name="send_notice", bind=True, max_retries=5)
def send_notice(self: Any, channel_id: str, key: int, phone_hash: str, name: str, parcel: str) -> None:
    """Sends one notice; its answer is recorded with others."""
    outcome = _answer(api(channel_id), key, phone_hash, name, parcel)
    if outcome["status"] in LATER:
        raise self.retry(countdown=2**self.request.retries)
    outcomes.add(outcome)


@app.task(name="send_chunk", bind=True, max_retries=5)
def send_chunk(self: Any, channel_id: str, ids: list[int]) -> None:
    """Sends what of a chunk is not sent yet, and records all answers in one transaction."""
    client = api(channel_id)
    answers = [_answer(client, *row) for row in models.unsent(ids)]
    models.record([x for x in answers if x["status"] not in LATER])
    if again := [x["key"] for x in answers if x["status"] in LATER]:
        raise self.retry(args=(channel_id, again), countdown=2**self.request.retries)


def _answer(client: MessagingApi, key: int, phone_hash: str, name: str, parcel: str) -> dict[str, Any]:
    text = TextMessage(text=TEXT.format(name=name, parcel=parcel))
    request = PnpMessagesRequest(to=phone_hash, messages=[text])
    try:
        answer = client.push_messages_by_phone_with_http_info(request, models.TAG.format(key))
        status, headers = answer.status_code, answer.headers or {}
    except ApiException as error:
        status, headers = error.status, error.headers or {}
    except HTTPError:
        status, headers = 503, {}
    return {
        "key": key,
        "status": status,
        "request_id": headers.get("x-line-request-id"),
        "sent_at": time.time(),
    }
