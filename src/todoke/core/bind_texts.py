"""The texts that users get from Todoke about bindings: in the chat, by SMS, and what they agree to. Four languages.

`{…}` is filled in by `bind_words`. The order of languages is always that of LANGUAGES.
"""

from enum import StrEnum

LANGUAGES = ("zh-Hant", "th", "ja", "en")


class Say(StrEnum):
    """What is said in the chat. Those with a button name the page that it opens."""

    GREETING = "greeting"
    """After a follow, with `name` and `brand`; a link to bind."""
    INVITATION = "invitation"
    """The user asked for a link."""
    GO_ON = "go_on"
    """The word was right: back to the page."""
    ADD_FIRST = "add_first"
    """The user must add the account as a friend."""
    IN_USE = "in_use"
    LINK_OVER = "link_over"
    """The word is of a link that is over."""
    CODE_NEXT = "code_next"
    """LINE confirmed the user: the code is next."""
    NOT_YOURS = "not_yours"
    """Another LINE account opened this user's link, which is dead now."""
    WRONG_CODE = "wrong_code"
    NO_CODE = "no_code"
    TOO_MANY_TRIES = "too_many_tries"
    BOUND = "bound"
    """With `number`, masked; a link to unbind."""
    STANDS = "stands"
    """The user asked for a link and has a binding; links to add a number."""
    MOVED = "moved"
    """The number is another LINE account's now."""
    UNBOUND = "unbound"
    NOT_BOUND = "not_bound"
    """There was nothing to unbind."""
    SURE = "sure"
    """Whether the user wants to unbind: two buttons."""


SMS = {
    "zh-Hant": "{brand}：驗證碼 {code}，{m} 分鐘內有效。用於連結您的 LINE 帳號，請勿告訴任何人。",
    "th": "{brand}: รหัสผูก LINE {code} ใช้ได้ {m} นาที ห้ามบอกผู้อื่น",
    "ja": "{brand}：認証コード {code}（{m}分間有効）。LINEとの連携用です。誰にも教えないでください。",
    "en": "{brand}: {code} is your code to connect your LINE account. Valid {m} minutes. Tell it to nobody.",
}


CONSENT = {
    "zh-Hant": "我同意將我的手機號碼與我的 LINE 帳號連結，讓「{brand}」透過 LINE 傳送"
    "與我相關的通知，例如配送、訂單或帳單。「{brand}」會保存我的手機號碼、"
    "LINE 使用者識別碼與同意的時間，僅用於傳送這些通知。"
    "我可以隨時解除連結：在 LINE 聊天室傳送「解除綁定」，或使用完成訊息中的連結。",
    "th": "ฉันยินยอมให้เชื่อมหมายเลขโทรศัพท์มือถือของฉันกับบัญชี LINE ของฉัน เพื่อให้ “{brand}” ส่งการแจ้งเตือนที่เกี่ยวข้องกับฉันผ่าน LINE "
    "เช่น การจัดส่ง คำสั่งซื้อ หรือใบแจ้งยอด “{brand}” จะเก็บหมายเลขโทรศัพท์ รหัสผู้ใช้ LINE และเวลาที่ให้ความยินยอม "
    "เพื่อส่งการแจ้งเตือนเหล่านี้เท่านั้น "
    "ฉันยกเลิกได้ทุกเมื่อโดยส่งคำว่า “ยกเลิกการผูก” ในแชต LINE หรือใช้ลิงก์ในข้อความยืนยัน",
    "ja": "私の携帯電話番号と私のLINEアカウントを連携し、「{brand}」が配送、注文、請求など"
    "私に関するお知らせをLINEで送ることに同意します。"
    "「{brand}」は、電話番号、LINEのユーザーID、同意した日時を、これらのお知らせを送るためだけに保存します。"
    "LINEのトークで「連携解除」と送るか、完了メッセージのリンクから、いつでも解除できます。",
    "en": "I agree that my mobile number is connected with my LINE account, so that “{brand}” can send me notices that "
    "concern me, such as deliveries, orders or bills, over LINE. “{brand}” keeps my number, my LINE user ID and the "
    "time of this consent, for sending these notices only. I can disconnect at any time: by sending “unlink” in the "
    "LINE chat, or by the link in the message that confirms it.",
}


BUTTON = {
    Say.GREETING: ("連結手機號碼", "ผูกหมายเลขโทรศัพท์", "電話番号を連携する", "Connect my number"),
    Say.INVITATION: ("連結手機號碼", "ผูกหมายเลขโทรศัพท์", "電話番号を連携する", "Connect my number"),
    Say.STANDS: ("連結其他號碼", "ผูกหมายเลขอื่น", "別の番号を連携する", "Connect another"),
    Say.GO_ON: ("繼續", "ดำเนินการต่อ", "続ける", "Go on"),
    Say.ADD_FIRST: ("加入好友", "เพิ่มเพื่อน", "友だち追加", "Add friend"),
    Say.CODE_NEXT: ("輸入驗證碼", "กรอกรหัส", "コードを入力する", "Enter the code"),
    Say.BOUND: ("解除連結", "ยกเลิกการผูก", "連携を解除する", "Disconnect"),
    Say.SURE: ("是，解除連結", "ใช่ ยกเลิกการผูก", "はい、解除する", "Yes, disconnect"),
}
TEXTS: dict[Say, tuple[str, str, str, str]] = {
    Say.GREETING: (
        "{name}您好，歡迎加入「{brand}」！連結您的手機號碼後，與您相關的通知會直接傳到這裡。",
        "สวัสดี {name} ยินดีต้อนรับสู่ “{brand}” เมื่อผูกหมายเลขโทรศัพท์แล้ว การแจ้งเตือนที่เกี่ยวข้องกับคุณจะส่งมาที่นี่โดยตรง",
        "{name}さん、「{brand}」を友だち追加していただきありがとうございます。電話番号を連携すると、あなたへのお知らせがここに届きます。",
        "Hello {name}, welcome to “{brand}”! Connect your mobile number, and the notices that concern you come here.",
    ),
    Say.INVITATION: (
        "請在 24 小時內開啟以下連結，連結您的手機號碼與「{brand}」。此連結僅供您本人使用，請勿轉傳。",
        "เปิดลิงก์นี้ภายใน 24 ชั่วโมง เพื่อผูกหมายเลขโทรศัพท์ของคุณกับ “{brand}” ลิงก์นี้สำหรับคุณเท่านั้น โปรดอย่าส่งต่อ",
        "24時間以内に下のリンクを開き、電話番号を「{brand}」と連携してください。このリンクはあなた専用です。転送しないでください。",
        "Open this link within 24 hours to connect your mobile number with “{brand}”. It is yours only: "
        "don't pass it on.",
    ),
    Say.STANDS: (
        "您的號碼已與「{brand}」連結：{number}。",
        "หมายเลขของคุณผูกกับ “{brand}” แล้ว: {number}",
        "あなたの電話番号は「{brand}」と連携済みです：{number}",
        "Your number is connected with “{brand}”: {number}.",
    ),
    Say.GO_ON: (
        "收到。請返回頁面繼續連結。",
        "ได้รับแล้ว โปรดกลับไปที่หน้าเว็บเพื่อดำเนินการต่อ",
        "確認しました。ページに戻って続けてください。",
        "Got it. Please go back to the page and go on.",
    ),
    Say.ADD_FIRST: (
        "請先將「{brand}」加入好友，再繼續連結。",
        "โปรดเพิ่ม “{brand}” เป็นเพื่อนก่อน แล้วจึงดำเนินการต่อ",
        "先に「{brand}」を友だち追加してから続けてください。",
        "Please add “{brand}” as a friend first, then go on.",
    ),
    Say.IN_USE: (
        "這個連結已由另一個 LINE 帳號使用中。若要連結您自己的號碼，請傳送「綁定」取得新連結。",
        "ลิงก์นี้กำลังถูกใช้โดยบัญชี LINE อื่น หากต้องการผูกหมายเลขของคุณ โปรดส่งคำว่า “ผูก” เพื่อรับลิงก์ใหม่",
        "このリンクは別のLINEアカウントが使用中です。ご自身の番号を連携するには「連携」と送って新しいリンクを受け取ってください。",
        "This link is in use by another LINE account. To connect your own number, send “link” and get a new one.",
    ),
    Say.LINK_OVER: (
        "這個連結已經失效。請傳送「綁定」取得新連結。",
        "ลิงก์นี้ใช้ไม่ได้แล้ว โปรดส่งคำว่า “ผูก” เพื่อรับลิงก์ใหม่",
        "このリンクは無効になりました。「連携」と送って新しいリンクを受け取ってください。",
        "This link is over. Send “link” and get a new one.",
    ),
    Say.CODE_NEXT: (
        "LINE 帳號已確認。最後一步：請返回頁面，以簡訊驗證碼確認您的手機號碼。",
        "ยืนยันบัญชี LINE แล้ว ขั้นตอนสุดท้าย: กลับไปที่หน้าเว็บและยืนยันหมายเลขด้วยรหัสทาง SMS",
        "LINEアカウントを確認しました。最後に、ページに戻ってSMSのコードで電話番号を確認してください。",
        "Your LINE account is confirmed. Last step: go back to the page and confirm your number with a code by SMS.",
    ),
    Say.NOT_YOURS: (
        "有另一個 LINE 帳號開啟了您的連結，為了您的安全，該連結已失效。如需連結，請傳送「綁定」取得新連結，且勿轉傳。",
        "มีบัญชี LINE อื่นเปิดลิงก์ของคุณ เพื่อความปลอดภัย ลิงก์นั้นใช้ไม่ได้แล้ว หากต้องการ โปรดส่งคำว่า “ผูก” เพื่อรับลิงก์ใหม่ และอย่าส่งต่อ",
        "別のLINEアカウントがあなたのリンクを開いたため、安全のため無効にしました。必要な場合は「連携」と送り、新しいリンクは転送しないでください。",
        "Another LINE account opened your link. To keep you safe it no longer works. If you need one, send “link” and "
        "don't pass it on.",
    ),
    Say.WRONG_CODE: (
        "驗證碼不正確，請再試一次。還可以試 {left} 次。",
        "รหัสไม่ถูกต้อง โปรดลองอีกครั้ง เหลืออีก {left} ครั้ง",
        "コードが違います。もう一度お試しください（残り{left}回）。",
        "This is not the code. Please try again; tries left: {left}.",
    ),
    Say.NO_CODE: (
        "驗證碼已過期。請返回頁面重新取得。",
        "รหัสหมดอายุแล้ว โปรดกลับไปที่หน้าเว็บเพื่อขอรหัสใหม่",
        "コードの有効期限が切れました。ページに戻って新しいコードを受け取ってください。",
        "The code is too old. Please go back to the page and get a new one.",
    ),
    Say.TOO_MANY_TRIES: (
        "驗證碼錯誤次數過多，這個連結已失效。請傳送「綁定」取得新連結。",
        "ใส่รหัสผิดหลายครั้งเกินไป ลิงก์นี้ใช้ไม่ได้แล้ว โปรดส่งคำว่า “ผูก” เพื่อรับลิงก์ใหม่",
        "コードの誤りが多すぎたため、このリンクは無効になりました。「連携」と送って新しいリンクを受け取ってください。",
        "Too many wrong codes: this link is over. Send “link” and get a new one.",
    ),
    Say.BOUND: (
        "連結完成：{number} 已與「{brand}」連結，與您相關的通知會傳到這裡。若這不是您本人所為，請解除連結。",
        "ผูกเรียบร้อยแล้ว: {number} ผูกกับ “{brand}” การแจ้งเตือนที่เกี่ยวข้องกับคุณจะส่งมาที่นี่ หากคุณไม่ได้ทำรายการนี้ โปรดยกเลิกการผูก",
        "連携が完了しました：{number} と「{brand}」。あなたへのお知らせがここに届きます。"
        "心当たりがない場合は連携を解除してください。",
        "You are connected: {number} with “{brand}”. Notices that concern you come here. "
        "If this was not you, disconnect.",
    ),
    Say.MOVED: (
        "您先前與「{brand}」連結的一個手機號碼，已由另一個 LINE 帳號以簡訊驗證並連結。該號碼的通知不再傳到這裡。",
        "หมายเลขหนึ่งที่คุณเคยผูกกับ “{brand}” ถูกยืนยันทาง SMS และผูกกับบัญชี LINE อื่นแล้ว การแจ้งเตือนของหมายเลขนั้นจะไม่ส่งมาที่นี่อีก",
        "「{brand}」と連携していた電話番号の一つが、SMSで確認のうえ別のLINEアカウントに連携されました。その番号へのお知らせは、今後ここには届きません。",
        "A number that you had connected with “{brand}” was confirmed by SMS and connected with another "
        "LINE account. Its notices no longer come here.",
    ),
    Say.UNBOUND: (
        "已解除與「{brand}」的連結，通知不再傳到這裡。隨時可以傳送「綁定」重新連結。",
        "ยกเลิกการผูกกับ “{brand}” แล้ว การแจ้งเตือนจะไม่ส่งมาที่นี่อีก ส่งคำว่า “ผูก” เพื่อผูกใหม่ได้ทุกเมื่อ",
        "「{brand}」との連携を解除しました。今後お知らせはここには届きません。「連携」と送ればいつでも再び連携できます。",
        "You are disconnected from “{brand}”: its notices no longer come here. Send “link” to connect again "
        "at any time.",
    ),
    Say.NOT_BOUND: (
        "目前沒有與「{brand}」連結的號碼。",
        "ไม่มีหมายเลขที่ผูกกับ “{brand}”",
        "「{brand}」と連携している電話番号はありません。",
        "No number is connected with “{brand}”.",
    ),
    Say.SURE: (
        "要解除 {number} 與「{brand}」的連結嗎？",
        "ต้องการยกเลิกการผูก {number} กับ “{brand}” หรือไม่",
        "{number} と「{brand}」の連携を解除しますか？",
        "Disconnect {number} from “{brand}”?",
    ),
}
