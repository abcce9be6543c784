"""Who calls: an API key in the Authorization header opens one account."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from todoke.actions.channels import account_of_key, name_of_key
from todoke.server.problems import Problem
from todoke.server.services import Parts

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="An API key: `todoke keys create`, or the file api.key that the first start makes in the data folder.",
)


async def account(
    parts: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> str:
    """The account of the key. Raises a 401 problem that says how to get one."""
    if credentials is None:
        raise Problem(
            401,
            "no-api-key",
            "This needs an API key: send the header Authorization: Bearer KEY. `todoke keys create` makes one.",
            WWW_Authenticate="Bearer",
        )
    async with parts.database.read(quick=True) as tx:
        found = await account_of_key(tx, credentials.credentials)
    if found is None:
        raise wrong_key()
    parts.known.meet(credentials.credentials)
    return found


def wrong_key() -> Problem:
    """The answer to a key that opens no account, or none any more."""
    return Problem(
        401,
        "wrong-api-key",
        "This API key is unknown or revoked. `todoke keys create` makes a new one.",
        WWW_Authenticate="Bearer",
    )


async def caller(
    parts: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> str:
    """The key that a request came with, as the audit names it. After `account`, which refuses unknown keys."""
    async with parts.database.read() as tx:
        return await name_of_key(tx, credentials.credentials if credentials is not None else "")


Account = Annotated[str, Depends(account)]
Caller = Annotated[str, Depends(caller)]
