// The renderer's own few words, in the four languages of the phone. Not LINE's wording.

const WORDS = new Map([
  ["en", {
    notification: "Notification message",
    footer: "Sent to the phone number registered with your LINE account.",
    madeUp: "Example key – made up",
    sticker: "Sticker", emoji: "Emoji", picture: "Picture", video: "Video", audio: "Voice message",
    coupon: "Coupon", menu: "Menu", user: "member", all: "All", shortened: "Too large to show in full",
  }],
  ["ja", {
    notification: "通知メッセージ",
    footer: "LINEに登録されている電話番号宛てにお送りしています。",
    madeUp: "サンプルキー（架空）",
    sticker: "スタンプ", emoji: "絵文字", picture: "画像", video: "動画", audio: "ボイスメッセージ",
    coupon: "クーポン", menu: "メニュー", user: "メンバー", all: "全員", shortened: "長すぎるため一部のみ表示",
  }],
  ["th", {
    notification: "ข้อความแจ้งเตือน",
    footer: "ส่งถึงหมายเลขโทรศัพท์ที่ลงทะเบียนไว้กับบัญชี LINE ของคุณ",
    madeUp: "คีย์ตัวอย่าง (สมมติขึ้น)",
    sticker: "สติกเกอร์", emoji: "อีโมจิ", picture: "รูปภาพ", video: "วิดีโอ", audio: "ข้อความเสียง",
    coupon: "คูปอง", menu: "เมนู", user: "สมาชิก", all: "ทุกคน", shortened: "ยาวเกินไป แสดงได้เพียงบางส่วน",
  }],
  ["zh-Hant", {
    notification: "通知型訊息",
    footer: "此通知傳送至您在LINE登錄的電話號碼。",
    madeUp: "範例代碼（虛構）",
    sticker: "貼圖", emoji: "表情貼", picture: "圖片", video: "影片", audio: "語音訊息",
    coupon: "優惠券", menu: "選單", user: "成員", all: "所有人", shortened: "內容過長，僅顯示部分",
  }],
]);

/** The word of this name in a language; languages without words of their own get English. */
export function word(language, name) {
  const found = WORDS.get(language.startsWith("zh") ? "zh-Hant" : language) ?? WORDS.get("en");
  return found[name];
}
