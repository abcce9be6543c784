"""Who LINE says is a friend: the list of followers, a user's profile, the numbers of a day.

Source: Messaging API reference, "Users" and "Get number of followers".
"""

import re
from datetime import date
from typing import Annotated

import msgspec

from todoke.carriers.line.asking import Asker, Result
from todoke.carriers.line.counts import OfDay, wire_date

LONGEST_PAGE = 1000
_PAGE_BYTES = 256 * 1024
"""A full page has some 40 KB."""
_USER_ID = re.compile(r"U[0-9a-f]{32}", re.ASCII)

# Plain text of a sane length: such a value can be stored and compared in any database.
_UserId = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,100}\Z")]
_Next = Annotated[str, msgspec.Meta(max_length=2000)]


class FollowersPage(Result, frozen=True, kw_only=True, rename="camel"):
    """A page of the user IDs of friends. It may be short, or empty, and yet not be the last."""

    listed: Annotated[tuple[_UserId, ...], msgspec.Meta(max_length=LONGEST_PAGE)] | None = msgspec.field(
        default=None, name="userIds"
    )
    next: _Next | None = None
    """What to ask with for the next page, within 24 hours; None on the last page."""
    expired_start: bool = msgspec.field(default=False, name="(expired_start)")
    """With `error`: LINE does not take this `start` any more, so begin anew without one."""

    def __post_init__(self) -> None:
        # An answer without the list would else look like an account without friends.
        if self.error is None and self.listed is None:
            raise ValueError("userIds is missing")

    @property
    def user_ids(self) -> tuple[str, ...]:
        """The user IDs; none with an `error`."""
        return self.listed or ()

    @property
    def unverified(self) -> bool:
        """Whether LINE refused because the account is neither verified nor premium: it has no such list, and
        friends are known from events alone.
        """
        return self.status == 403


class Profile(Result, frozen=True, kw_only=True, rename="camel"):
    """A user, as LINE shows it to this account."""

    user_id: str = ""
    display_name: str = ""
    language: str | None = None
    """BCP 47; None if the user has not agreed to LINE's privacy policy."""

    @property
    def unknown(self) -> bool:
        """Whether LINE has no profile for this account: a user who blocks it, who never was a friend and never
        wrote, or who is not there.
        """
        return self.status == 404


class FollowerNumbers(OfDay, frozen=True, kw_only=True, rename="camel"):
    """How many friends an account has at the end of a day. The numbers are None unless `state` is ready."""

    followers: int | None = None
    """Who ever became a friend for the first time; never falls."""
    targeted_reaches: int | None = None
    """Friends whom targeted messages can reach: fewer than there are, and None for small accounts."""
    blocks: int | None = None
    """Who blocks the account."""


class LineFriends(Asker):
    """Asks LINE about friends, by a channel's access token."""

    async def follower_ids(
        self, token: str, start: str | None = None, limit: int = LONGEST_PAGE
    ) -> FollowersPage:
        """`GET /v2/bot/followers/ids`: up to `limit` (1 to 1,000) user IDs of friends, from `start` on.

        Left out are those who block the account, deleted accounts and users without consent to their profile's
        use. So absence from the list does not prove a block.
        """
        params = {"limit": str(max(1, min(limit, LONGEST_PAGE)))}
        if start:
            params["start"] = start
        page = await self.ask(
            FollowersPage,
            "GET",
            "/v2/bot/followers/ids",
            token,
            params=params,
            remedies=_FOLLOWER_REMEDIES,
            most=_PAGE_BYTES,
        )
        if start and page.status == 400:
            return msgspec.structs.replace(page, expired_start=True)
        if page.ok and start and page.next == start:
            return FollowersPage(
                error="LINE names the same page as the next one: begin anew", status=page.status
            )
        return page

    async def profile(self, token: str, user_id: str) -> Profile:
        """`GET /v2/bot/profile/{userId}`: of friends, and of others who wrote to the account and do not block it."""
        if not _USER_ID.fullmatch(user_id):
            return Profile(error="not asked: a user ID of LINE is U and 32 of 0-9 and a-f")
        return await self.ask(Profile, "GET", f"/v2/bot/profile/{user_id}", token, remedies=_PROFILE_REMEDIES)

    async def followers_statistics(self, token: str, day: date) -> FollowerNumbers:
        """`GET /v2/bot/insight/followers`: the numbers at the end of `day` in UTC+9. 60 an hour."""
        params = {"date": wire_date(day)}
        return await self.ask(FollowerNumbers, "GET", "/v2/bot/insight/followers", token, params=params)


_FOLLOWER_REMEDIES = {
    400: ": begin anew, without a start",
    403: ": LINE lists followers of verified and premium accounts only. Friends are learnt from follow and unfollow "
    "events until this account is verified",
}
_PROFILE_REMEDIES = {404: ": LINE shows no profile of this user to this account"}
