"""Account link: the link token for the business, and the page on access.line.me that the user's app opens.

Source: Messaging API reference, "Issue link token"; Messaging API, "User account linking". The emulator serves
the page on its own port. LINE knows who opens it from the login of the app; here the address says it (`_phone`),
or the header or cookie `emulator_phone` of a phone page, or else the page asks.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request as PageRequest
from starlette.responses import Response

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.pages.rendering import page
from line_emulator.state import State
from line_emulator.world import numbers
from line_emulator.world.account_link import BAD_NONCE, NO_USER, problem_of
from line_emulator.world.commands import IssueLinkToken, OpenLink
from line_emulator.world.problems import Problem

PATH = "/dialog/bot/accountLink"
PHONE = "emulator_phone"
MOST_LISTED = 20

_TEXTS = {
    "ok": {
        "en": ("Accounts linked", "Your LINE account is now linked with your account at {name}."),
        "ja": ("連携しました", "お使いのLINEアカウントと{name}のアカウントを連携しました。"),
        "th": ("เชื่อมต่อบัญชีแล้ว", "บัญชี LINE ของคุณเชื่อมต่อกับบัญชี {name} แล้ว"),
        "zh-Hant": ("已完成連結", "您的 LINE 帳號已與「{name}」的帳號連結。"),
        "zh-Hans": ("已完成关联", "您的 LINE 账号已与“{name}”的账号关联。"),
    },
    "failed": {
        "en": ("Accounts not linked", "This link was made for another LINE account."),
        "ja": ("連携できませんでした", "このリンクは別のLINEアカウント用に発行されたものです。"),
        "th": ("เชื่อมต่อบัญชีไม่สำเร็จ", "ลิงก์นี้สร้างไว้สำหรับบัญชี LINE อื่น"),
        "zh-Hant": ("無法連結", "這個連結是為其他 LINE 帳號建立的。"),
        "zh-Hans": ("无法关联", "此链接是为其他 LINE 账号创建的。"),
    },
    "link": {
        "en": ("This link can't be used", "It has expired or was used before. Please start again."),
        "ja": ("このリンクは使用できません", "有効期限切れか、使用済みです。もう一度お試しください。"),
        "th": ("ใช้ลิงก์นี้ไม่ได้", "ลิงก์หมดอายุหรือถูกใช้ไปแล้ว โปรดเริ่มใหม่อีกครั้ง"),
        "zh-Hant": ("無法使用這個連結", "連結已過期或已使用過，請重新操作。"),
        "zh-Hans": ("无法使用此链接", "链接已过期或已使用过，请重新操作。"),
    },
    "nonce": {
        "en": ("This link can't be used", "The address is incomplete. Please start again."),
        "ja": ("このリンクは使用できません", "URLが正しくありません。もう一度お試しください。"),
        "th": ("ใช้ลิงก์นี้ไม่ได้", "ที่อยู่ลิงก์ไม่สมบูรณ์ โปรดเริ่มใหม่อีกครั้ง"),
        "zh-Hant": ("無法使用這個連結", "網址不完整，請重新操作。"),
        "zh-Hans": ("无法使用此链接", "网址不完整，请重新操作。"),
    },
    "user": {"en": ("Nobody there", "There is no LINE user with this number.")},
}


def issue(state: State, request: Request) -> Answer:
    """`POST /v2/bot/user/{userId}/linkToken`: for friends."""
    token = state.ids.link_token()
    problem = state.do(IssueLinkToken(request.sender(), request.values[0], token)).problem
    return refusal(problem) if problem is not None else success({"linkToken": token})


async def dialog(request: PageRequest) -> Response:
    """`GET /dialog/bot/accountLink?linkToken=&nonce=`: opening it is the user's whole part."""
    state: State = request.app.state.emulator
    if request.method == "HEAD":
        return Response()  # A look ahead is no visit: the link stays good.
    query = request.query_params
    token, nonce, phone = query.get("linkToken", ""), query.get("nonce", ""), _phone(request)
    language = _language(state, phone)
    problem = problem_of(state.world, token, nonce, state.clock.now())
    if problem is not None:
        return _sorry(problem, language)
    if phone is None:
        people, _ = state.world.people.page(0, MOST_LISTED)
        return page("account_link.html", kind="ask", language="en", token=token, nonce=nonce, people=people)
    name = state.world.channels[state.world.links[token][0]].name
    effects = state.do(OpenLink(token, nonce, phone))
    if effects.problem is not None:
        return _sorry(effects.problem, language)
    return _page(str(effects.value), language, 200, name)


def _phone(request: PageRequest) -> str | None:
    """Whose phone it is. The address comes before the header, and that before the cookie."""
    named = request.query_params.get("_phone", "").strip()
    if named:
        # A plus sign that was not percent-encoded has come as a space.
        return named if named.startswith("+") else "+" + named
    # A plus sign is often sent percent-encoded in a cookie, as some libraries do.
    found = request.headers.get(PHONE) or request.cookies.get(PHONE) or ""
    return unquote(found).strip() or None


def _language(state: State, phone: str | None) -> str:
    if phone is None or not numbers.is_e164(phone):
        return "en"
    account = state.world.people.find_phone(phone)
    return account.language if account is not None else "en"


def _sorry(problem: Problem, language: str) -> Response:
    kind = {BAD_NONCE: "nonce", NO_USER: "user"}.get(problem, "link")
    return _page(kind, language, problem.status)


def _page(kind: str, language: str, status: int, name: str = "") -> Response:
    texts = _TEXTS[kind]
    shown = language if language in texts else "en"
    title, text = texts[shown]
    found = page(
        "account_link.html", kind=kind, language=shown, title=title, text=text.replace("{name}", name)
    )
    found.status_code = status
    return found
