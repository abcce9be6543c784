"""What LINE asks for before it reviews a use case, by country, in four languages.

Sources: Taiwan, LINE's sales deck of August 2025 (a certified provider, a verified account, the situation, sample
messages, how users agreed and where their numbers come from; for no-phone-verification mode which personal fields are
shown); Thailand, LINE's product page (a verified or premium account); Japan, LINE's developer documentation, which asks
for an application and names no further condition in public. The wording is this project's.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Item(StrEnum):
    """A thing that LINE asks for."""

    ACCOUNT_VERIFIED = "account_verified"
    PROVIDER_CERTIFIED = "provider_certified"
    LINE_APPLICATION = "line_application"
    """The application that was handed in to LINE, or to the partner who does so."""
    SITUATION = "situation"
    SAMPLES = "samples"
    """The templates of the use case, or messages described in words."""
    OPT_IN = "opt_in"
    NUMBER_SOURCE = "number_source"
    PERSONAL_FIELDS = "personal_fields"
    """In no-phone-verification mode only."""


class Text(msgspec.Struct, frozen=True):
    """An item in one language: what it is called, and what LINE wants to see."""

    title: str
    asks: str


MOST_WORDS = 4000
"""Characters of what is given for an item."""

_EVERYWHERE = (Item.SITUATION, Item.SAMPLES, Item.OPT_IN, Item.NUMBER_SOURCE)
_FIRST = {
    "TW": (Item.ACCOUNT_VERIFIED, Item.PROVIDER_CERTIFIED),
    "TH": (Item.ACCOUNT_VERIFIED,),
    "JP": (Item.LINE_APPLICATION,),
}


def items(country: str, *, no_verification: bool = False) -> tuple[Item, ...]:
    """What LINE asks for in a country (TW, TH, JP), in the order of the form."""
    last = (Item.PERSONAL_FIELDS,) if no_verification else ()
    return (*_FIRST[country], *_EVERYWHERE, *last)


def missing(asked: tuple[Item, ...], given: Mapping[str, str], *, has_templates: bool) -> list[Item]:
    """The items that nothing was given for. Templates are sample messages."""
    return [x for x in asked if not given.get(x) and not (x is Item.SAMPLES and has_templates)]


def texts(item: Item, country: str) -> dict[str, Text]:
    """An item by language (zh-Hant, th, ja, en), as it stands for a country."""
    return _BY_COUNTRY.get((item, country)) or _TEXTS[item]


def _four(zh: Text, th: Text, ja: Text, en: Text) -> dict[str, Text]:
    return {"zh-Hant": zh, "th": th, "ja": ja, "en": en}


_BY_COUNTRY = {
    (Item.ACCOUNT_VERIFIED, "TH"): _four(
        Text("認證帳號或企業帳號", "帳號須為認證帳號或企業（Premium）帳號。請填寫 Basic ID 與帳號類型。"),
        Text(
            "บัญชีที่ได้รับการรับรองหรือบัญชีพรีเมียม",
            "บัญชีต้องเป็นบัญชีที่ได้รับการรับรอง (โล่สีน้ำเงิน) หรือบัญชีพรีเมียม (โล่สีเขียว) โปรดระบุ Basic ID และประเภทบัญชี",
        ),
        Text(
            "認証済アカウントまたはプレミアムアカウント",
            "認証済アカウントかプレミアムアカウントであることが必要です。ベーシックIDと種別を記入してください。",
        ),
        Text(
            "Verified or premium account",
            "The account must be verified or premium. Give its basic ID and which of the two it is.",
        ),
    ),
}
_TEXTS = {
    Item.ACCOUNT_VERIFIED: _four(
        Text("官方帳號已通過認證", "帳號須為認證官方帳號（藍色或綠色盾牌）。請填寫 Basic ID 與盾牌顏色。"),
        Text("บัญชีทางการผ่านการรับรอง", "บัญชีต้องผ่านการรับรอง (โล่สีน้ำเงินหรือสีเขียว) โปรดระบุ Basic ID และสีของโล่"),
        Text(
            "認証済アカウントであること",
            "アカウントの認証が必要です（青または緑の盾）。ベーシックIDと盾の色を記入してください。",
        ),
        Text(
            "Verified account",
            "The account must be verified (blue or green shield). Give its basic ID and the colour of its shield.",
        ),
    ),
    Item.PROVIDER_CERTIFIED: _four(
        Text(
            "服務提供者已通過認證", "頻道所屬的 Provider 須為認證 Provider。請填寫 Provider 名稱與認證日期。"
        ),
        Text(
            "ผู้ให้บริการ (provider) ผ่านการรับรอง",
            "ผู้ให้บริการที่เป็นเจ้าของแชนเนลต้องเป็น certified provider โปรดระบุชื่อและวันที่ได้รับการรับรอง",
        ),
        Text(
            "認定プロバイダーであること",
            "チャネルが属するプロバイダーは認定プロバイダーでなければなりません。名称と認定日を記入してください。",
        ),
        Text(
            "Certified provider",
            "The provider that the channel belongs to must be certified. Give its name and since when it is.",
        ),
    ),
    Item.LINE_APPLICATION: _four(
        Text("已向 LINE 提出申請", "須向 LINE 或其技術合作夥伴提出申請。請填寫受理窗口、日期與案件編號。"),
        Text("ยื่นคำขอต่อ LINE แล้ว", "ต้องยื่นคำขอต่อ LINE หรือพาร์ตเนอร์ด้านเทคโนโลยี โปรดระบุผู้รับคำขอ วันที่ และเลขอ้างอิง"),
        Text(
            "LINEへの利用申請",
            "LINEまたはテクノロジーパートナーへの申請が必要です。申請先、申請日、受付番号を記入してください。",
        ),
        Text(
            "Application at LINE",
            "LINE, or a technology partner, must have the application. Say who has it, since when, and its reference.",
        ),
    ),
    Item.SITUATION: _four(
        Text("發送情境說明", "用戶做了什麼事之後、在什麼時間點、由哪個系統觸發發送？用戶為什麼需要收到？"),
        Text("สถานการณ์ที่ส่งข้อความ", "ข้อความถูกส่งหลังจากผู้ใช้ทำอะไร เมื่อใด และโดยระบบใด เหตุใดผู้ใช้จึงจำเป็นต้องได้รับ"),
        Text(
            "送信シチュエーション",
            "ユーザーのどの行為のあと、いつ、どのシステムから送信されますか。なぜ必要な通知なのかも記入してください。",
        ),
        Text(
            "Situation",
            "What has the user done or signed, when and by which system is the message sent, and why do they need it?",
        ),
    ),
    Item.SAMPLES: _four(
        Text("訊息範例", "此使用情境會送出的每一種訊息，參數須填入實際範例。已建立的範本即視為範例。"),
        Text(
            "ตัวอย่างข้อความ", "ข้อความทุกแบบที่จะส่งในกรณีการใช้งานนี้ โดยใส่ตัวอย่างข้อมูลจริง เทมเพลตที่สร้างไว้แล้วนับเป็นตัวอย่าง"
        ),
        Text(
            "メッセージのサンプル",
            "このユースケースで送るすべてのメッセージを、実例の値を入れて示してください。登録済みのテンプレートもサンプルになります。",
        ),
        Text(
            "Sample messages",
            "Every message that this use case sends, filled with true-to-life examples. Templates that are made count.",
        ),
    ),
    Item.OPT_IN: _four(
        Text("同意文字", "用戶在何處、以什麼文字同意收到 LINE 通知型訊息？請附上原文或畫面。"),
        Text(
            "ข้อความขอความยินยอม",
            "ผู้ใช้ให้ความยินยอมรับการแจ้งเตือนทาง LINE ที่ใดและด้วยข้อความใด โปรดแนบข้อความต้นฉบับหรือภาพหน้าจอ",
        ),
        Text(
            "同意文言",
            "ユーザーはどこで、どのような文言でLINE通知メッセージの受信に同意しますか。原文または画面を添えてください。",
        ),
        Text(
            "Opt-in wording",
            "Where, and by which words, do users agree to get notices over LINE? Give the wording or a screenshot.",
        ),
    ),
    Item.NUMBER_SOURCE: _four(
        Text("電話號碼來源", "電話號碼從何處取得、如何確認屬於本人、多久更新一次？"),
        Text(
            "แหล่งที่มาของหมายเลขโทรศัพท์",
            "ได้หมายเลขโทรศัพท์มาจากที่ใด ยืนยันอย่างไรว่าเป็นของผู้ใช้เอง และปรับปรุงข้อมูลบ่อยเพียงใด",
        ),
        Text(
            "電話番号の取得元",
            "電話番号はどこで取得し、本人のものであることをどう確認し、どのくらいの頻度で更新していますか。",
        ),
        Text(
            "Where the numbers come from",
            "Where are the phone numbers collected, how is it known that they are the user's, how often renewed?",
        ),
    ),
    Item.PERSONAL_FIELDS: _four(
        Text(
            "個人資料欄位", "免電話驗證模式：請列出訊息中的個人資料欄位，以及哪些不顯示、哪些遮罩、如何遮罩。"
        ),
        Text(
            "ช่องข้อมูลส่วนบุคคล",
            "โหมดไม่ต้องยืนยันหมายเลขโทรศัพท์: ระบุช่องข้อมูลส่วนบุคคลทั้งหมด ช่องใดไม่แสดง ช่องใดปิดบังบางส่วน และปิดบังอย่างไร",
        ),
        Text(
            "個人情報の項目",
            "電話番号認証不要モード：メッセージに含む個人情報の項目と、表示しないもの、伏せるもの、その伏せ方を記入してください。",
        ),
        Text(
            "Personal fields",
            "No-phone-verification mode: list the personal fields, which are left out, which are masked, and how.",
        ),
    ),
}
