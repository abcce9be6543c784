"""What a declaration of an SMPP provider may say, field by field. The same table for people:
`docs/sms-carriers.md`.
"""

from typing import Annotated, Literal

import msgspec

Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(s|ms)$")]

_TON = Annotated[int, msgspec.Meta(ge=0, le=6)]
_NPI = Literal[0, 1, 3, 4, 6, 8, 9, 10, 14, 18]


def seconds(duration: str) -> float:
    """A Duration in seconds: `500ms` is 0.5."""
    return float(duration[:-2]) / 1000 if duration.endswith("ms") else float(duration[:-1])


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Misspelt fields must not pass in silence: they would change what is sent."""


class Source(_Part, frozen=True, kw_only=True):
    """What the recipient sees as the sender (SMPP 3.4, 5.2.5 and 5.2.6 for the numbers)."""

    address: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,20}$")]
    """Empty: the provider puts its own."""
    ton: _TON = 5
    """Type of number; 5 alphanumeric, 1 international, 3 short code."""
    npi: _NPI = 0


class Dest(_Part, frozen=True, kw_only=True):
    """How recipients' numbers are marked; they are sent as digits with the country code."""

    ton: _TON = 1
    npi: _NPI = 1


class Reconnect(_Part, frozen=True, kw_only=True):
    """Pauses between tries to connect: each twice as long as the one before."""

    first: Duration = "1s"
    most: Duration = "60s"


class SmppDeclaration(_Part, frozen=True, kw_only=True):
    """One SMPP provider. Made by `load.load_smpp`, which also checks what types can't say."""

    kind: Literal["smpp"]
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    """Stands in reports and costs."""
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    tls: bool
    """No default: without TLS numbers, texts and the password are readable on the way, and that is to be decided."""
    ca_file: str | None = None
    """With `tls`: the file of certificates (PEM) that the provider's must be signed by; none: the machine's own."""
    system_id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,15}$")]
    password: Annotated[str, msgspec.Meta(pattern=r"^\{secret:[A-Za-z_][A-Za-z0-9_]*\}$")]
    system_type: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,12}$")] = ""
    service_type: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,5}$")] = ""
    bind: Literal["transceiver", "transmitter+receiver"] = "transceiver"
    source: Source
    dest: Dest = Dest()
    window: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """Parts of messages that may wait for their answer at once."""
    rate: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 10.0
    """Parts of messages a second, evenly spaced."""
    enquire_link: Duration = "30s"
    """Silence after which we ask whether the provider is still there."""
    reconnect: Reconnect = Reconnect()
    encodings: Annotated[tuple[Literal["gsm7", "ucs2"], ...], msgspec.Meta(min_length=1)] = ("gsm7", "ucs2")
    """What the provider takes. `gsm7`: its default alphabet (data_coding 0) is GSM 03.38, a character an octet."""
    long_messages: Literal["udh", "payload"] = "udh"
    """`udh`: we send parts with a header; `payload`: the text whole, the provider splits it."""
    receipts: bool
    receipt_id: Literal["same", "decimal_of_hex", "hex_of_decimal"] = "same"
    """How the receipt's text writes the id of the answer to submit_sm."""
    utc_offset: Annotated[str, msgspec.Meta(pattern=r"^[+-][0-9]{2}:[0-9]{2}$")] = "+00:00"
    """Of the times in receipts."""
    unclear: tuple[Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)], ...] = (0x08, 0xFF)
    """Error statuses that do not rule out that the message was taken: by default system error and unknown error,
    which may come from a machine in front of one that has it already."""
    countries: list[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]] | None = None
    """Countries it delivers to (ISO 3166-1 alpha-2); none named: all."""
    timeout: Duration = "10s"
    """Of a whole message with all its parts; also of connecting and of any other answer."""

    @property
    def timeout_seconds(self) -> float:
        """`timeout` in seconds."""
        return seconds(self.timeout)

    @property
    def secret_name(self) -> str:
        """The name of the secret that is the password."""
        return self.password[len("{secret:") : -1]
