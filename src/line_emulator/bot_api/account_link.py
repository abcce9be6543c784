"""Account link: the link token for the business, and the page on access.line.me that the user's app opens.

Source: Messaging API reference, "Issue link token"; Messaging API, "User account linking". The emulator serves
the page on its own port. Who opens it: see `pages.opener`.
"""

from __future__ import annotations

from starlette.requests import Request as PageRequest
from starlette.responses import Response

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.pages import opener
from line_emulator.pages.rendering import page
from line_emulator.state import State
from line_emulator.world.account_link import BAD_NONCE, NO_USER, problem_of
from line_emulator.world.commands import IssueLinkToken, OpenLink
from line_emulator.world.problems import Problem

PATH = "/dialog/bot/accountLink"

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
    "user": {
        "en": ("Nobody there", "There is no LINE user with this number."),
        "ja": ("利用者がいません", "この電話番号のLINEユーザーはいません。"),
        "th": ("ไม่พบผู้ใช้", "ไม่มีผู้ใช้ LINE ที่ใช้หมายเลขนี้"),
        "zh-Hant": ("沒有這位使用者", "這個號碼沒有 LINE 使用者。"),
        "zh-Hans": ("没有此用户", "该号码没有 LINE 用户。"),
    },
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
    token, nonce, phone = query.get("linkToken", ""), query.get("nonce", ""), opener.phone_of(request)
    language = opener.language_of(state, phone)
    problem = problem_of(state.world, token, nonce, state.clock.now())
    if problem is not None:
        return _sorry(problem, language)
    if phone is None:
        return opener.ask(state, PATH, {"linkToken": token, "nonce": nonce})
    name = state.world.channels[state.world.links[token][0]].name
    effects = state.do(OpenLink(token, nonce, phone))
    if effects.problem is not None:
        return _sorry(effects.problem, language)
    return _page(str(effects.value), language, 200, name)


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
