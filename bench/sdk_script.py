"""The baseline: what a competent user writes with LINE's official SDK to send the same list, without a gateway.

Threads share one connection pool a channel, so that connections are used again. Nothing is stored, no answer
is kept but its count. Called by `python -m bench` with: base URL, threads, then TOKEN=FILE for each channel.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, PnpMessagesRequest, TextMessage
from linebot.v3.messaging.exceptions import ApiException

from bench.stage import TEXT


def read(path: str) -> Iterator[dict[str, str]]:
    """The rows of a list."""
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def send(api: MessagingApi, row: dict[str, str]) -> int:
    """One notification; the status that LINE answered."""
    to = hashlib.sha256(f"+886{row['phone'][1:]}".encode()).hexdigest()
    text = TextMessage(text=TEXT.format(name=row["name"], parcel=row["parcel"]))
    request = PnpMessagesRequest(to=to, messages=[text])
    try:
        return int(api.push_messages_by_phone_with_http_info(request, str(uuid.uuid4())).status_code)
    except ApiException as error:
        return int(error.status)


def main(base: str, threads: int, lists: list[str]) -> None:
    """Sends all lists side by side and prints what came of it as JSON."""
    wall, cpu = time.monotonic(), time.process_time()
    statuses: Counter[int] = Counter()
    with ThreadPoolExecutor(threads) as pool:
        futures = []
        opened = [(token, list(read(path))) for token, _, path in (x.rpartition("=") for x in lists)]
        apis = []
        for token, _ in opened:
            configuration = Configuration(access_token=token, host=base)
            configuration.connection_pool_maxsize = threads
            apis.append(MessagingApi(ApiClient(configuration)))
        # Row by row over the channels, so that no channel's bucket runs empty while others rest.
        for rows in zip(*(rows for _, rows in opened), strict=True):
            futures += [pool.submit(send, api, row) for api, row in zip(apis, rows, strict=True)]
        for future in futures:
            statuses[future.result()] += 1
    taken = statuses[200] + statuses[202]
    result = {
        "seconds": time.monotonic() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "accepted": taken,
        "other": sum(statuses.values()) - taken,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
