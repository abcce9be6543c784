"""How likely a text is that an encoding makes of some bytes: points for what lists of names and addresses hold.

A score is a sum over the characters beyond ASCII, and is compared per byte beyond ASCII; about 1 is a fine text,
below 0 is rubbish. The lists of characters are the most frequent surnames, and what given names, addresses and
headings are written with; they were made for this purpose, by hand.
"""

import unicodedata

_SURNAMES_TW = (
    "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余盧梁趙顏柯翁魏孫戴范方宋鄧杜傅侯曹薛丁卓阮馬董溫唐藍"
    "石蔣田康歐姚馮紀白湯姜古連涂童程巫金汪尤歐陽鄒嚴官倪夏"
)
_WORDS_TW = (
    "電話手機號碼姓名客戶先生小姐女士訂單編包裹門市地址收件人時間日期備註聯絡行動公司有限股份會員通知付款金額狀態台臺北新中南高雄桃園市縣區鄉鎮村里鄰路街段巷弄"
    "號樓之室東西南大小明志雅淑美惠玲芬麗華文雄建俊傑宏偉家豪婷怡君宜佳慧欣詩涵子軒宇翔承恩柏品妤冠廷彥博信義仁愛和平民生福忠孝復興光正國安永春秀英珠玉"
    "雲月梅蘭菊花香鳳嬌雪貞娟素碧瑞祥成德龍勝全榮輝昌達盛坤木水火土山川海洋天地心思如意吉利發財寶貴富強健康樂幸福為的是一在不了有我他這個們來到上下您好已於請至取店送達"
    "數量商品貨款配送單據收費帳繳水期限提醒預約掛診療學校班級年月日元整點分元旦"
)
_WORDS_JP = (
    "佐藤鈴木高橋田中伊渡辺山本村小林加吉斎松井上野清水森池阿部石前後橋岡近遠坂青福西太原島川和三浦長谷金子内海河宮大平古今千葉工安菊岩桜新丸杉村増久保柴"
    "電話番号携帯氏名様住所郵便都道府県市区町村丁目荷物注文予約日時間連絡先顧客会社株式有限店舗受取備考東京大阪京横浜名古屋札幌福岡神戸北南西美花子郎一二三"
    "太介輔恵由紀香奈陽翔健誠真優愛結衣翼蓮悠斗直樹浩之正明博文隆洋義弘和幸雄夫男典昭秀勝利治誠司健大輝拓也達哉髙﨑金額円数量商品請求支払期限案内"
)
_WORDS_CN = (
    "电话手机号码姓名客户订单编门陈黄张刘吴杨许郑谢马赵孙罗梁韩冯邓曹彭萧蒋贾卢苏叶吕汪范陆杜伟强军华东国庆丽艳娟霞红玲兰英燕飞龙杰涛斌鹏宁鑫凤云"
    "备注联系时间地址广东上海北京省市区县路街号楼单元室这个们来对说过还没发为学会王李周徐朱胡高林何郭小大明文志建"
)
_COMMON = {
    "big5": frozenset(_SURNAMES_TW + _WORDS_TW),
    "shift_jis": frozenset(_WORDS_JP),
    "euc-jp": frozenset(_WORDS_JP),
    "gb18030": frozenset(_WORDS_CN),
}
_FIRST_LEVEL = {
    "big5": ("cp950", 0xA4, 0xC6),
    "shift_jis": ("cp932", 0x88, 0x98),
    "euc-jp": ("euc_jp", 0xB0, 0xCF),
    "gb18030": ("gb18030", 0xB0, 0xD7),
}
"""The codec, and the first bytes that the encoding's frequent ideographs begin with."""
_PRIOR = {"gb18030": -0.15, "euc-jp": -0.05}
_FREQUENT = 1.3
_RARE_THAI = frozenset("ฃฅฆฌฎฏฐฑฒฬฮญณ")
_KANA_ALONE = "ｧｨｩｪｫｬｭｮｯｰﾞﾟ"
"""Half-width kana that never begin a word."""
_KANA_VOICED = frozenset("ｳｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ")
_MARKS = frozenset("（）、。，．・：；！？「」『』【】〒－～　／＿＋＃＆＊％＠｜△○●◎☆★□■◇◆※→←↑↓〇々〆ー")


def score(text: str, encoding: str) -> float:
    """Points for a line as this encoding reads it."""
    if encoding == "utf-8":
        return sum(_utf8(c) for c in text if not c.isascii())
    if encoding == "tis-620":
        return _thai(text)
    return _east(text, encoding)


def _utf8(char: str) -> float:
    """What is valid UTF-8 is meant to be, unless it is only pairs of bytes that any encoding may hold by chance."""
    code = ord(char)
    return (3.0 if code > 0x7FF else 1.0) if code > 0x9F else 0.0


def _east(text: str, encoding: str) -> float:
    codec, first, last = _FIRST_LEVEL[encoding]
    common = _COMMON[encoding]
    japanese = encoding in ("shift_jis", "euc-jp")
    prior = _PRIOR.get(encoding, 0.0)
    total, before = 0.0, " "
    for char in text:
        code = ord(char)
        if code < 0x80:
            if "\uff61" <= before <= "\uff9f" and (char.isalpha() or char in "[]\\^_`{|}~@"):
                total -= 1.5
        elif char in common:
            total += 2.0 + 2 * prior
        elif 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF:
            total += (_FREQUENT if first <= char.encode(codec, "replace")[0] <= last else -1.2) + 2 * prior
            if "\uff66" <= before <= "\uff9f":
                total -= 0.7
        elif 0x3041 <= code <= 0x30FE:
            total += 2.2 if japanese else -1.0
        elif 0xFF61 <= code <= 0xFF9F:
            total += _half_kana(char, before) if japanese else -1.0
        elif 0x3105 <= code <= 0x3129:
            total += 0.5 if encoding == "big5" else -1.0
        elif char in _MARKS or 0xFF10 <= code <= 0xFF5A:
            total += 1.0
        elif 0xE000 <= code <= 0xF8FF or not char.isprintable():
            total -= 2.0
        else:
            total -= 0.8
        before = char
    return total


def _half_kana(char: str, before: str) -> float:
    if char in "ﾞﾟ":
        return 1.2 if before in _KANA_VOICED else -2.0
    if char in _KANA_ALONE and not "ｱ" <= before <= "ﾟ":
        return -1.5
    if char in "ｧｨｩｪｫ":
        return 0.5 if before in "ﾌｳﾃﾃﾁｼｼﾞﾟ" else -1.5
    if char in "｡｢｣､":
        return -1.0
    return 0.85 if "ｦ" <= before <= "ﾟ" or not before.isalnum() else -0.5


def _thai(text: str) -> float:
    """By the order in which Thai is written: marks stand over or under a consonant, five vowels before one."""
    total, before, bare = 0.0, " ", 0
    for char in text:
        code = ord(char)
        bare = bare + 1 if 0x0E01 <= code <= 0x0E2E else 0
        if code < 0x80:
            if (char.isalpha() or char in "[]\\^_`{|}~@") and "\u0e01" <= before <= "\u0e5b":
                total -= 2.0
        elif bare:
            # Seldom more than three consonants in a row, and seldom those that hardly any word has.
            total += (0.1 if char in _RARE_THAI else 0.9) - (0.7 if bare > 3 else 0.0)
            if before.isascii() and before.isalpha():
                total -= 1.5
        elif code in (0x0E30, 0x0E32, 0x0E33, 0x0E45):
            total += 1.0 if _carries(before) else -2.0
        elif code == 0x0E31 or 0x0E34 <= code <= 0x0E3A:
            total += 1.0 if "\u0e01" <= before <= "\u0e2e" else -2.0
        elif 0x0E47 <= code <= 0x0E4E:
            total += 1.0 if _carries(before) else -2.0
        elif 0x0E40 <= code <= 0x0E44:
            total += 1.0
        elif 0x0E50 <= code <= 0x0E59 or code in (0x0E2F, 0x0E46, 0x0E3F):
            total += 0.5
        else:
            total -= 1.0
        if "\u0e40" <= before <= "\u0e44" and not 0x0E01 <= code <= 0x0E2E:
            total -= 2.0
        before = char
    return total


def _carries(char: str) -> bool:
    """Whether a vowel or a tone mark may follow."""
    return "\u0e01" <= char <= "\u0e2e" or unicodedata.category(char) == "Mn"
