"""The process that reads lists. Started by the gateway (`engine.list_readers`), never by hand.

It has no database and no settings: which file, from where on, and what its rows are held to comes with each order. What
it has read counts when the gateway has stored it.
"""

import gc
from pathlib import Path

import msgspec

from todoke.core.list_rows import Rows
from todoke.core.wanted import Terms
from todoke.engine.helper_link import answer, begin, received
from todoke.engine.lists.lines import BrokenFile
from todoke.engine.lists.orders import READY, Answer, Checks, Forget, Hold, Order, Read
from todoke.engine.portion import read_portion
from todoke.ids import UlidIds
from todoke.rules import load_checker


def main() -> None:
    begin()
    load_checker()
    # Rules and patterns stay for good, and nothing here goes round in circles.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    answer(READY)
    orders, answers = msgspec.msgpack.Decoder(Order), msgspec.msgpack.Encoder()
    held: dict[str, Terms] = {}
    checks, ids = Checks(), UlidIds()
    for frame in received():
        match orders.decode(frame):
            case Hold() as hold:
                held[hold.batch_id] = checks.terms(hold)
            case Read() as order:
                answer(answers.encode(_read(order, held[order.batch_id], ids)))
            case Forget():
                held.clear()


def _read(order: Read, terms: Terms, ids: UlidIds) -> Answer:
    rows = Rows(terms, order.language, order.columns, order.now, ids)
    try:
        portion = read_portion(Path(order.path), order.begun, rows, order.rows, order.longest)
    except BrokenFile as error:
        return Answer(order.number, broken=str(error))
    except OSError as error:
        return Answer(order.number, errno=error.errno)
    return Answer(order.number, portion)


if __name__ == "__main__":
    main()
