"""Bodies about the content check."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from todoke.server.api.models.base import Strict

_BY = "The person who answers for it."
_By = Annotated[str, StringConstraints(max_length=200)]
_Why = Annotated[str, StringConstraints(max_length=2000)]


class CheckIn(Strict):
    """What is to be checked: a text, a template, values, or several of these."""

    text: str | None = Field(
        None,
        max_length=10_000,
        description="A text; `{{name}}` in it stands for a parameter.",
        examples=["您的包裹已送達"],
    )
    language: str | None = Field(None, max_length=40, description="zh-Hant, th, ja or en. Left out: all.")
    country: Literal["TW", "TH", "JP"] | None = Field(None, description="Of the account. Left out: all.")
    use_case: str | None = Field(
        None, pattern=r"^[a-z0-9_]{1,60}$", description="What it is for. Left out: rules that hold for all."
    )
    template: dict[str, Any] | None = Field(
        None, description="A whole template as POST /v1/templates takes it; its channel says the country."
    )
    parameters: dict[str, Any] | None = Field(
        None, max_length=50, description="Values: of the template, or by themselves."
    )


class ContentRuleIn(Strict):
    """A rule of your own. The same name again puts it in place of the one that stands."""

    name: str = Field(max_length=200, examples=["no rival's name"])
    by: _By = Field(description=_BY)
    code: str = Field(max_length=64, examples=["rival"])
    severity: Literal["error", "warning", "note"] = "error"
    languages: list[str] = Field([], max_length=4)
    in_: Literal["text", "links"] = Field("text", alias="in", description="Where it looks.")
    any: list[str] = Field(
        max_length=200, description="Patterns: what to look for.", examples=[["他家(電商|商城)"]]
    )
    near: list[str] = Field([], max_length=200, description="One of these in the same sentence.")
    unless: list[str] = Field([], max_length=200, description="What covers it makes it no finding.")
    unless_near: list[str] = Field([], max_length=200, description="None of these in the same sentence.")
    use_cases: list[str] = Field([], max_length=60)
    not_use_cases: list[str] = Field([], max_length=60)
    remedy: str = Field(max_length=500, examples=["Leave the name out."])
    finds: list[str] = Field(max_length=50, description="Texts in which it must find something.")
    passes: list[str] = Field([], max_length=50, description="Texts in which it must find nothing.")


class ContentSettingsIn(Strict):
    """All settings; what is left out is empty."""

    by: _By = Field(description=_BY)
    links: list[Any] = Field(
        [], max_length=200, examples=[[{"domain": "shop.example", "use_cases": ["delivery"]}]],
        description="Domains that links may lead to, with all below them; `use_cases`: only for these.",
    )  # fmt: skip
    off: list[Any] = Field(
        [], max_length=100, examples=[[{"code": "link-social", "by": "林雅婷", "why": "Our help desk is there."}]],
        description="Kinds of findings that are not wanted, each with a person and a reason.",
    )  # fmt: skip


class OverrulingIn(Strict):
    """A named person's word that a finding does not hold."""

    code: str = Field(max_length=40, examples=["link-front-page"])
    pointer: str = Field(
        max_length=400, examples=["/sms"],
        description="Of the finding; or /parameters/NAME, which holds for the values of notices too.",
    )  # fmt: skip
    words: str | None = Field(None, max_length=200, description="Of one finding, where several stand there.")
    by: _By = Field(description=_BY)
    why: _Why = Field(description="What speaks for it, in at least 10 characters.")
