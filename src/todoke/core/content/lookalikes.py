"""Tables of characters that are written for others: variants of one character, and look-alikes.

Sources: Unicode NFKC does full-width, circled and mathematical letters and is not repeated here. The Latin part
follows Unicode's confusables.txt (UTS #39) for the letters that matter; the Han part holds, for the characters
that the rules use, the simplified, traditional and Japanese forms (Unihan's kSimplifiedVariant and
kTraditionalVariant) and what people write in jest or to evade (兔費 for 免費).
"""

_LATIN = {
    "a": "аαɑᴀⲁ@ª",
    "b": "ЬвʙƄβᏴ",
    "c": "сϲᴄⅽ¢ϛ",
    "d": "ԁᴅɗⅾ",
    "e": "еєεҽᴇ℮ɛ",
    "f": "ғꜰƒϝ",
    "g": "ɡɢԍց",
    "h": "һнʜհ",
    "i": "іıɩɪι¡ӏ",
    "j": "јʝᴊյ",
    "k": "кκᴋ",
    "l": "ⅼʟǀ∣լ",
    "m": "мᴍⅿ",
    "n": "пɴռηո",
    "o": "оοσᴏօ〇○◯●⚪ø",
    "p": "рρᴘ",
    "q": "ԛգ",
    "r": "гʀᴦɾ",
    "s": "ѕꜱʂ§",
    "t": "тτᴛ",
    "u": "υսᴜμцʊ",
    "v": "ѵνᴠⅴ",
    "w": "ѡԝᴡωա",
    "x": "хχⅹ×",
    "y": "уγʏүყ",
    "z": "ᴢʐ",
}
LATIN = {c: to for to, many in _LATIN.items() for c in many if not c.isascii()}
LATIN |= {chr(0x249C + i): chr(97 + i) for i in range(26)}  # ⒜ parenthesised
LATIN |= {chr(0x1F150 + i): chr(97 + i) for i in range(26)}  # 🅐 negative circled
LATIN |= {chr(0x1F170 + i): chr(97 + i) for i in range(26)}  # 🅰 negative squared
LATIN |= {chr(0x1F1E6 + i): chr(97 + i) for i in range(26)}  # 🇸 regional indicators
LATIN |= {"🆓": "free", "🆕": "new", "−": "-", "㏄": "cc", "％": "%", "﹪": "%", "٪": "%", "℅": "%"}
"""A character that looks like a Latin letter, and that letter. The characters of 〇 ○ ● stand in words only."""

LEET = str.maketrans("013457$@!|+", "oieastsaiit")
"""Digits and signs for letters, inside a word; 1 and | are also read as l."""
LEET_L = str.maketrans("1!|", "lll")
LEET_FOR = {"o": "0", "i": "1!|", "e": "3", "a": "4@", "s": "5$", "t": "7+", "l": "1!|"}
"""The same the other way round."""

_HAN = """
优優 惠恵 价價価 买買 赠贈 劵券 点點奌 数數数 领領 奖獎奨 卖賣売 满滿満 红紅 购購 礼禮
会會 员員 费費 运運 输輸 获獲 赚賺 兑兌 换換 钱錢銭 发發発 抢搶 时時 间間 机機 杀殺
动動 经經経 销銷 减減 额額 万萬 双雙 级級 国國 报報 请請 让讓 馈饋 庆慶 参參叁 将將将
热熱 荐薦 选選 带帶帯 单單単 关關関 闭閉 开開 门門 张張 续續続 签簽 订訂 预預 约約
实實実 体體 产產産 团團団 务務 号號 当當 为為 对對対 应應応 边邊辺 过過 还還 进進 达達
个個箇 么麼 尽盡尽 旧舊 击擊撃 网網 链鏈 载載 乐樂楽 亲親 转轉転 帐帳 账賬 财財 贷貸
储儲 币幣 汇匯 险險 业業 义義 余餘 传傳伝 众眾衆 传傳 专專専 属屬 独獨 继繼 后後 复復
从從従 变變変 倾傾 几幾 凭憑 别別 创創 办辦 协協 华華 听聽聴 启啟啓 围圍囲 图圖図 场場
块塊 声聲 备備 头頭 奋奮 学學 宝寶宝 宽寬 导導 层層 岁歲 师師 广廣広 库庫 归歸帰
录錄録 总總総 恋戀恋 惊驚 悬懸 惯慣 户戶戸 扩擴拡 扫掃 护護 拥擁 择擇択 挂掛 据據拠
择擇 无無 显顯 显顯顕 权權権 来來 标標 样樣様 欢歡歓 岁歲歳 气氣 涨漲 灯燈 灵靈 现現
环環 画畫 码碼 确確 种種 积積 称稱 竞競 笔筆 类類 纪紀 纯純 纸紙 组組 细細 终終 结結
给給 绝絕 统統 绩績 维維 绿綠 缤繽 缴繳 罗羅 职職 联聯 节節 药藥薬 虽雖 补補 装裝
见見 观觀観 规規 觉覺覚 计計 认認 议議 记記 讲講 许許 论論 证證証 识識 诉訴 词詞 译譯
试試 诚誠 话話 询詢 该該 详詳 误誤 说說 谁誰 课課 谈談 谢謝 负負 责責 质質 货貨 贩販
贴貼 贵貴 贺賀 资資 赏賞 赔賠 赖頼 赛賽 跃躍 车車 较較 轻輕軽 辑輯 边邊 适適 递遞
邮郵 释釋釈 针針 钟鐘 铁鐵鉄 银銀 锁鎖 错錯 键鍵 镜鏡 长長 问問 闪閃 阅閱 队隊 阶階
际際 陆陸 随隨 难難 电電 静靜 韩韓 页頁 项項 顺順 须須 顾顧 顿頓 题題 颜顔 风風 飞飛
饭飯 饮飲 馆館 马馬 验驗験 鱼魚 鲜鮮 龙龍竜 龄齡 齐齊 据據 挥揮 担擔 损損 斗鬥 断斷断
暂暫 术術 杂雜 极極 构構 柜櫃 栏欄 档檔 桥橋 検檢检 県縣 図圖 沢澤 渋澁 竜龍 桜櫻
辺邊 広廣 恵惠 価價 対對 気氣 届屆 奬獎 裡裏里 周週 倶俱 値值 真眞
"""


def _han() -> dict[str, str]:
    # Each group folds to its second character: which one does not matter, as patterns are folded, too.
    found: dict[str, str] = {}
    for group in _HAN.split():
        if len(group) > 1:
            to = found.get(group[1], group[1])
            for c in group:
                if c != to:
                    found.setdefault(c, to)
    return found


HAN = _han()
"""A variant of a Han character, and the one that all of its kind are read as."""

LOOKALIKES = {
    "折": "拆析",
    "扣": "釦",
    "優": "憂",
    "惠": "慧蕙",
    "券": "卷",
    "免": "兔",
    "費": "廢",
    "特": "持",
    "價": "傢",
    "贈": "增",
    "抽": "油",
    "獎": "漿",
    "買": "賈",
    "送": "迗",
    "限": "跟",
    "搶": "槍",
    "割": "剖",
}
"""Han characters that are written for others to evade. Looked for only next to the rest of a word."""

KANA_LIKE = {
    "力": "か",
    "口": "ろ",
    "夕": "た",
    "二": "に",
    "卜": "と",
    "工": "え",
    "八": "は",
    "一": "ー",
    "三": "み",
    "千": "ち",
}
"""Han characters that look like katakana, for which they are read between kana."""
DASHES = "-‐‑‒–—―─━－ｰ~〜～"
"""Read as the long-vowel mark after kana."""
