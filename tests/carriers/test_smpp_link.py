"""The SMPP carrier's link: lost, refused, silent, stopped. Nothing is sent twice, nothing lost in silence."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from carriers.smsc import (
    PASSWORD,
    Smsc,
    declared,
    many,
    needs_node,
    running_carrier,
    running_smsc,
    sms,
    until,
    until_smsc,
)
from todoke.carriers import EventKind
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.smpp import SmppCarrier
from todoke.core.outcome import Outcome
from todoke.core.sms_text import segments
from todoke.logs import set_up_logging

needs_node()

NOW = 1_750_000_000_000
CHINESE = "您的包裹已送達管理室，請攜帶證件領取。謝謝您的訂購！" * 9


@pytest.mark.parametrize("after_answer", [False, True], ids=["before its answer", "after its answer"])
async def test_a_link_lost_under_load_sends_nothing_twice_and_loses_nothing_in_silence(
    smsc: Smsc, after_answer: bool
) -> None:
    async with running_carrier(smsc, window=300, rate=10_000) as carrier:
        await smsc.faults(dropAt=200, dropAfterAnswer=after_answer)
        answers = await many(carrier, 800)
        await until(lambda: carrier.connected)
        again = await carrier.send(sms("goes on"), "tag")
        assert again.outcome is Outcome.ACCEPTED
        assert (await smsc.order("count"))["binds"] >= 2
    got = [one["text"] for one in await smsc.submits() if one["text"] != "goes on"]
    by_outcome = {
        outcome: {text for text, answer in answers.items() if answer.outcome is outcome}
        for outcome in Outcome
    }
    assert len(got) == len(set(got))
    assert by_outcome[Outcome.ACCEPTED] <= set(got)
    assert by_outcome[Outcome.FAILED]
    assert not by_outcome[Outcome.FAILED] & set(got)
    assert set(got) <= by_outcome[Outcome.ACCEPTED] | by_outcome[Outcome.UNKNOWN]
    # At most the window was written and not answered; all else is known for sure.
    assert 0 < len(by_outcome[Outcome.UNKNOWN]) <= 300
    assert sum(map(len, by_outcome.values())) == 800


async def test_a_later_part_that_was_surely_not_taken_goes_over_the_next_link(smsc: Smsc) -> None:
    async with running_carrier(smsc, reconnect={"first": "600ms", "most": "600ms"}) as carrier:
        await smsc.faults(throttleAfter=1)
        sending = asyncio.create_task(carrier.send(sms(CHINESE), "tag"))
        await until_smsc(smsc, lambda count: count["throttled"] > 0)
        await smsc.faults()
        await smsc.order("drop")
        await until(lambda: not carrier.connected)
        assert (await sending).outcome is Outcome.ACCEPTED
    assert await smsc.texts() == [CHINESE]
    assert len(await smsc.submits()) == segments(CHINESE).segments


async def test_a_long_message_under_way_is_finished_before_the_end(smsc: Smsc) -> None:
    async with running_carrier(smsc) as carrier:
        await smsc.faults(delay=50)
        sending = asyncio.create_task(carrier.send(sms(CHINESE), "tag"))
        await until_smsc(smsc, lambda count: count["submits"] == 1)
        await carrier.stop()
        assert (await sending).outcome is Outcome.ACCEPTED
    assert await smsc.texts() == [CHINESE]


async def test_an_smsc_that_reads_no_more_leaves_only_what_was_written_in_doubt(smsc: Smsc) -> None:
    """The octets of everything told as `failed` never leave, not even after the outcome was told."""
    gathered = bytearray()
    go_on, over = asyncio.Event(), asyncio.Event()

    async def reluctant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bind = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        writer.write((17).to_bytes(4, "big") + bytes.fromhex("8000000900000000") + bind[8:12] + b"\0")
        await go_on.wait()
        with suppress(ConnectionError):
            while chunk := await reader.read(2**20):
                gathered.extend(chunk)
        writer.close()
        over.set()

    server = await asyncio.start_server(reluctant, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = declared(port, timeout="1s", window=1000, rate=10_000, long_messages="payload")
    carrier = SmppCarrier(given, {"RELAY": PASSWORD}, smsc.store)
    await carrier.start()
    texts = [f"<{n}>" + "x" * 60_000 for n in range(400)]
    answers = await asyncio.gather(*(carrier.send(sms(text), "tag") for text in texts))
    go_on.set()
    await carrier.stop(grace=0)
    await until(over.is_set)
    server.close()
    outcomes = {f"<{n}>".encode(): answer.outcome for n, answer in enumerate(answers)}
    assert set(outcomes.values()) == {Outcome.UNKNOWN, Outcome.FAILED}
    arrived = {mark for mark in outcomes if mark in gathered}
    assert arrived
    assert {outcomes[mark] for mark in arrived} == {Outcome.UNKNOWN}


async def test_without_a_link_nothing_is_sent_and_the_reason_is_told(smsc: Smsc) -> None:
    carrier = SmppCarrier(declared(9, enquire_link="1s"), {"RELAY": PASSWORD}, smsc.store)
    assert (await carrier.send(sms(), "tag")).detail == "not sent: not bound to the SMSC: not started"
    await carrier.start()
    answer = await carrier.send(sms(), "tag")
    assert (answer.outcome, answer.status) == (Outcome.FAILED, None)
    assert not carrier.connected
    assert "could not connect to 127.0.0.1:9" in (carrier.why_not or "")
    await carrier.stop()
    assert carrier.why_not == "stopped"


async def test_a_wrong_password_is_said_and_not_shown(smsc: Smsc) -> None:
    async with running_carrier(smsc, secrets={"RELAY": "wr0ngone"}) as carrier:
        assert carrier.why_not is not None
        assert "ESME_RINVPASWD" in carrier.why_not
        assert "wr0ngone" not in carrier.why_not
        assert (await carrier.send(sms(), "tag")).outcome is Outcome.FAILED
        # Refused, it asks at the slowest pace: a provider locks an account that knocks often.
        assert (await smsc.order("count"))["refused"] <= 2


async def test_a_refused_bind_is_tried_again_until_it_is_granted(smsc: Smsc) -> None:
    await smsc.faults(bindStatus=0x08)
    async with running_carrier(smsc) as carrier:
        assert not carrier.connected
        await smsc.faults()
        await until(lambda: carrier.connected)
        assert carrier.why_not is None
        assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED


async def test_an_smsc_that_does_not_answer_the_bind_is_given_up_in_time(smsc: Smsc) -> None:
    await smsc.faults(silentBind=True)
    async with running_carrier(smsc, timeout="200ms") as carrier:
        assert carrier.why_not == "no answer to the bind: no answer in time"


async def test_silence_is_probed_and_a_dead_link_made_anew(smsc: Smsc) -> None:
    async with running_carrier(smsc, enquire_link="100ms", timeout="300ms") as carrier:
        await until_smsc(smsc, lambda count: count["enquiries"] >= 2)
        assert carrier.connected
        await smsc.faults(deaf=True)
        await until(lambda: not carrier.connected)
        assert "enquire_link" in (carrier.why_not or "")
        await smsc.faults()
        await until(lambda: carrier.connected)


async def test_the_smscs_own_requests_are_answered(carrier: SmppCarrier, smsc: Smsc) -> None:
    assert (await smsc.order("enquire"))["status"] == 0
    assert (await smsc.order("query"))["status"] == 0x03
    assert (await smsc.order("unbind"))["status"] == 0
    await until(lambda: not carrier.connected)
    await until(lambda: carrier.connected)


@pytest.mark.parametrize(
    "octets", ["00000003", "ffffffff" * 5, "485454502f312e31203430302042616420526571756573740d0a"]
)
async def test_garbage_ends_the_link_and_leaves_what_was_out_unknown(
    carrier: SmppCarrier, smsc: Smsc, octets: str
) -> None:
    await smsc.faults(hold=True)
    sending = asyncio.create_task(carrier.send(sms(), "tag"))
    await until_smsc(smsc, lambda count: count["submits"] == 1)
    await smsc.order("raw", hex=octets + "00" * 16)
    assert (await sending).outcome is Outcome.UNKNOWN
    await until(lambda: carrier.connected)


async def test_a_deliver_sm_that_cannot_be_read_is_refused_and_the_link_stays(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    body = "ff" * 9
    await smsc.order("raw", hex=f"{16 + 9:08x}" + "00000005" + "00000000" + "00000777" + body)
    assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED
    assert smsc.store.tried == 0


async def test_an_smsc_that_has_forgotten_the_bind_is_bound_to_again(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    await smsc.faults(status=0x04)
    answer = await carrier.send(sms(), "tag")
    assert (answer.outcome, answer.status) == (Outcome.FAILED, None)
    await smsc.faults()
    await until(lambda: carrier.connected)
    assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED
    assert (await smsc.order("count"))["binds"] == 2


async def test_two_links_where_the_provider_wants_them(smsc: Smsc) -> None:
    async with running_carrier(smsc, bind="transmitter+receiver") as carrier:
        assert (await smsc.order("count"))["hows"] == ["receiver", "transmitter"]
        answer = await carrier.send(sms(), "tag")
        assert await smsc.receipt(answer.message_ids[0]) == 0
        (event,) = carrier.read_events({}, smsc.store.bodies[0], NOW)
        assert event.kind is EventKind.PROOF
        assert carrier.connected
        assert (carrier.why_not, carrier.why_no_receipts) == (None, None)


async def test_stopping_waits_for_answers_and_unbinds(smsc: Smsc) -> None:
    async with running_carrier(smsc) as carrier:
        await smsc.faults(delay=200)
        sending = asyncio.create_task(many(carrier, 20))
        await until_smsc(smsc, lambda count: count["submits"] == 20)
        await carrier.stop()
        assert {answer.outcome for answer in (await sending).values()} == {Outcome.ACCEPTED}
        assert (await carrier.send(sms(), "tag")).outcome is Outcome.FAILED
    await until_smsc(smsc, lambda count: (count["unbinds"], count["sessions"]) == (1, 0))


async def test_a_stopped_carrier_can_be_started_again(carrier: SmppCarrier) -> None:
    await carrier.stop()
    await carrier.start()
    assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED


async def test_neither_logs_nor_output_hold_numbers_texts_or_the_password(
    smsc: Smsc, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logging("console")
    with caplog.at_level(1):
        async with running_carrier(smsc) as carrier:
            await carrier.send(sms(), "tag")
            await smsc.faults(status=0x08)
            await carrier.send(sms(), "tag")
            smsc.store.broken = True
            await smsc.receipt("m7")
            await smsc.order("raw", hex=f"{25:08x}" + "00000005" + "00000000" + "00000777" + "ff" * 9)
            await smsc.order("drop")
            await until(lambda: not carrier.connected)
            await until(lambda: carrier.connected)
    structlog.reset_defaults()
    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    assert "smpp.lost" in logged
    assert "smpp.not_stored" in logged
    for private in ("912345678", "parcel", PASSWORD):
        assert private not in logged
    assert all(not name.startswith("esme") for name in logging.Logger.manager.loggerDict)


@pytest.mark.parametrize("password", ["", "ninechars", "päss"])
def test_a_password_that_cannot_be_sent_is_refused_at_start(password: str) -> None:
    async def store(body: bytes) -> None: ...

    with pytest.raises(DeclarationError) as refused:
        SmppCarrier(declared(2775), {"RELAY": password}, store)
    assert "secret RELAY" in str(refused.value)
    assert not password or password not in str(refused.value)


async def test_with_tls_the_certificate_is_checked(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path)
    async with running_smsc(cert=str(cert), key=str(key)) as smsc:
        async with running_carrier(smsc, tls=True) as carrier:
            assert "TLS with 127.0.0.1" in (carrier.why_not or "")
        async with running_carrier(smsc, tls=True, ca_file=str(cert)) as carrier:
            assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED
        async with running_carrier(smsc, tls=True, ca_file=str(tmp_path / "none.pem")) as carrier:
            assert "ca_file" in (carrier.why_not or "")


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 signed by itself, and its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = datetime(2020, 1, 1)
    builder = x509.CertificateBuilder(name, name, secret.public_key(), 1, day, day.replace(year=2099))
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(here, critical=False).sign(secret, hashes.SHA256())
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, *form))
    return cert, key
