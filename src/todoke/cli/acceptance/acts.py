"""How each scenario goes on the phone: a function each, under the scenario's key."""

from collections.abc import Awaitable, Callable

from todoke.cli.acceptance.play import Play


async def at_once(play: Play) -> None:
    await play.ready()
    await play.send()
    await play.open_line_chat()
    await play.beat("received")
    await play.leave_chat()
    await play.open_account_chat()
    await play.see_notice("shown")


async def consent(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_consent(play)
    await play.beat("consent")
    await play.agree()
    await play.see_notice("shown")


async def consent_pin(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_consent(play)
    await play.beat("consent")
    await play.agree()
    await play.pass_check()
    await play.see_notice("shown")


async def pin(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_pin(play)
    await play.pass_check()
    await play.see_notice("shown")


async def sms_after_wait(play: Play) -> None:
    await play.ready()
    await play.send()
    await play.open_line_chat()
    await play.beat("asks_consent")
    await play.wait_for_next_step()
    await play.see_sms("sms_after")
    await play.wait_until_over()
    await play.stage.go("#/chat/line")
    await play.stage.sees(".notice")
    await play.beat("day_over")


async def push_after_wait(play: Play) -> None:
    await play.ready()
    await play.send()
    await play.open_line_chat()
    await play.beat("asks_consent")
    await play.leave_chat()
    await play.wait_for_next_step()
    await play.open_account_chat()
    await play.see_notice("push_after")
    await play.wait_until_over()


async def late_duplicate(play: Play) -> None:
    await play.ready()
    await play.send()
    await play.wait_for_next_step()
    await play.see_sms("sms_after")
    await play.wait("5h")
    await play.stage.go("#/chats")
    await _until_consent(play)
    await play.beat("consent")
    await play.agree()
    await play.see_notice("late_shown")


async def blocked(play: Play) -> None:
    stage = play.stage
    await stage.tap(".tab-home")
    await stage.tap(f'.account-open:has-text("{await play.basic_id()}")')
    await stage.tap(".bar-end .bar-button")
    await stage.sees(".choice.danger")
    await play.beat("ready_blocked")
    await play.did("block")
    await stage.tap(".choice.danger")
    await stage.tap(".ask-yes")
    await play.settle()
    await play.beat("blocked")
    await play.send()
    await stage.go("#/chats")
    await stage.uncovered()
    await play.beat("nothing_shown")
    await play.wait_until_over()
    await play.beat("day_over")


async def no_consent(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_consent(play)
    await play.beat("consent_later")
    await play.did("later")
    await play.stage.tap(".step-foot .quiet")
    await play.wait_until_over()
    await play.beat("day_over")
    await play.did("agree")
    # LINE's own prompt is gone by now: the user agrees in the settings.
    await play.stage.go("#/settings/reception")
    await play.stage.tap(".choice-row")
    await play.settle()
    await play.stage.go("#/chats")
    await play.stage.sees(".chat-line")
    await play.beat("too_late")


async def refused(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_consent(play)
    await play.beat("consent_refused")
    await play.refuse()
    await play.wait_until_over()
    await play.stage.go("#/chat/line")
    await play.stage.sees(".notice")
    await play.beat("day_over")


async def no_verification(play: Play) -> None:
    await play.ready()
    await play.send()
    await _until_pin(play)
    await play.beat("pin_left")
    await play.did("leave_check")
    await play.stage.tap(".bar-end .bar-button")
    await play.wait_until_over()
    await play.stage.sees(".notice")
    await play.beat("day_over")


async def number_changed(play: Play) -> None:
    stage = play.stage
    await play.ready()
    await play.send()
    await play.open_line_chat()
    await play.beat("asks_pin")
    await play.leave_chat()
    await stage.tap(".tab-settings")
    await stage.tap_on(stage.phone.locator(".group").nth(1).locator("button.row").first)
    await stage.write(".field[type=tel]", play.person.new_number)
    await play.beat("number_form")
    await stage.tap(".code-form .primary")
    await play.settle()
    await stage.write(".field.code", await play.newest_pin())
    await play.beat("number_code")
    await play.did("change_number")
    await stage.tap(".code-form .primary")
    await play.settle()
    await stage.sees(".group")
    await play.beat("number_changed")
    await play.wait_until_over()
    await stage.go("#/chats")
    await stage.sees(".chat-line")
    await play.beat("day_over")


async def no_line_user(play: Play) -> None:
    await play.beat("nobody")
    await play.send()
    await play.settle()
    await play.see_sms("sms_at_once")


async def reception_rejected(play: Play) -> None:
    await play.stage.go("#/settings")
    await play.stage.sees(".group")
    await play.beat("rejects")
    await play.send()
    await play.settle()
    await play.see_sms("sms_at_once")
    await play.stage.go("#/chats")
    await play.stage.sees(".page")


async def _until_consent(play: Play) -> None:
    await play.open_line_chat()
    await play.beat("asks_consent")
    await play.open_prompt()


async def _until_pin(play: Play) -> None:
    await play.open_line_chat()
    await play.beat("asks_pin")
    await play.open_prompt()


ACTS: dict[str, Callable[[Play], Awaitable[None]]] = {
    act.__name__: act
    for act in (
        at_once,
        consent,
        consent_pin,
        pin,
        sms_after_wait,
        push_after_wait,
        late_duplicate,
        blocked,
        no_consent,
        refused,
        no_verification,
        number_changed,
        no_line_user,
        reception_rejected,
    )
}
