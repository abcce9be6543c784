"""The Python client of Todoke's REST API.

May import httpx. Never here: anything of `todoke` or `line_emulator`; it talks HTTP like any other program.

    with Todoke("http://127.0.0.1:8700", key) as todoke:
        notice = todoke.send(channel="Parcels", template="parcel", to="0912-345-678", parameters={"name": "王小明"})
        print(todoke.notice(notice["id"])["state"])
"""

from todoke_client.client import Todoke
from todoke_client.connection import NoGateway, ProblemError

__all__ = ["NoGateway", "ProblemError", "Todoke"]
