//! What mail programs and people write around an answer, in the languages they write it in. Sources: the programs' own
//! translations, as their mails show them.

use std::sync::LazyLock;

use regex::Regex;

/// Compiled phrases; a pattern that is wrong matches nothing, and the tests find it.
pub(super) struct Phrases(Option<Regex>);

impl Phrases {
    fn new(pattern: &str) -> Self {
        Self(Regex::new(pattern).ok())
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|it| it.is_match(text))
    }
}

/// How an introduction begins.
pub(super) const OPENING: &str = r"(?i)^(?:on|am|at|le|op|el|em|il|il giorno|in data|den|på|dnia|w dniu|pe|dne|ngày|vào|dana|dňa|kuupäeval|tarihinde|στις|на|в|от|у|от|在|于|於|في|ב-|mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|lun|mar|mer|jeu|ven|sam|dim|mo|di|mi|do|fr|sa|so|ma|ti|ke|to|pe|la|su|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)[\s.,:]|^(?:在|于|於|في|\d)";

/// That somebody wrote.
pub(super) const WROTE: &str = r"(?i)(?:\b(?:wrote|writes|schrieb|schreibt|schreef|escribi[óo]|escreveu|scritto|napisał(?:\(?a\)?)?|skrev|kirjoitti|писала?|написала?|пишет|пише|написав|napsala?|napsal\(a\)|írta|yazdı|scris|έγραψε|viết|menulis|kirjutas|napísala?|napisao|пиша|написа)\b|écrit|ecrit|写道|寫道|のメッセージ|さんは|作成|작성|썼|كتب|כתב)";

/// That what follows is the mail that is answered.
pub(super) static ORIGINAL: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        r"(?i)^[-_=*\s]{2,}(?:original message|original appointment|message d['’]origine|message original|message initial|ursprüngliche (?:nachricht|mail)|originalnachricht|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|oprindelig meddelelse|oprindelig besked|opprinnelig melding|ursprungligt meddelande|alkuperäinen viesti|исходное сообщение|оригинальное сообщение|пересылаемое сообщение|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|pôvodná správa|eredeti üzenet|orijinal mesaj|mesajul original|原始邮件|原始郵件|元のメッセージ|원본 메시지|الرسالة الأصلية|reply message)[-_=*:\s]*$",
    )
});

/// "Reply above this line", as ticket systems put it.
pub(super) static REPLY_ABOVE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        r"(?i)^\W*(?:##-)?\s*(?:please )?(?:type your reply|write (?:your reply|a reply)|reply|antwort\w*|répond\w*|écrivez|responda?|responder|rispond\w*|请在|请回复|الرجاء).{0,40}(?:above|oberhalb|über|au-dessus|encima|acima|sopra|上方|أعلى).{0,30}$",
    )
});

/// That what follows is another's mail, handed on.
pub(super) static FORWARD: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        r"(?i)^(?:[-_=*\s]{2,}\s*(?:forwarded (?:message|by.*)|forwarded email|message transféré|message réexpédié|weitergeleitete nachricht|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht|videresendt (?:besked|melding)|vidarebefordrat meddelande|пересланное сообщение|przekazana wiadomość|转发的邮件|轉寄的郵件|转发邮件信息|転送メッセージ|전달된 메시지|رسالة معاد توجيهها)\s*[-_=*:\s]*|begin forwarded message:|début du message (?:transféré|réexpédié)\s*:|anfang der weitergeleiteten (?:nachricht|e-mail):|inizio messaggio inoltrato:|inicio del mensaje reenviado:|início da mensagem (?:encaminhada|reenviada):)$",
    )
});

/// What a device or a program adds by itself.
pub(super) static DEVICE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        r"(?i)^(?:sent (?:from|via|with|using)\b|get outlook for|get (?:bluemail|yahoo mail)|envoyé (?:depuis|de|à partir|avec|via)\b|téléchargez outlook|gesendet (?:von|mit|aus|über)\b|von meinem .{1,40}gesendet|diese nachricht wurde von meinem|enviado (?:desde|do|de|a partir|con|com|via)\b|obtener outlook|obter o outlook|inviato (?:da|dal|con)\b|scarica outlook|verzonden (?:vanaf|met|vanuit|via|van)\b|verstuurd vanaf|отправлено (?:с|из|от)\b|wysłan[eoa] z\b|skickat från|sendt fra|lähetetty|odesl[áa]no z|odoslané z|trimis de pe|poslano z|iphone'?(?:umdan| ?dan)? gönderildi|发自我的|發自我的|從我的.{1,20}傳送|从我的.{1,20}发送|iphoneから送信|.{1,20}から送信|나의 .{1,20}에서 보냄|.{1,20}에서 보냄|أرسلت من|تم الإرسال من|נשלח מ)",
    )
});

/// A polite ending on a line of its own.
static CLOSING: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        r"(?i)^(?:(?:best|kind|kindest|warm|warmest|with (?:best|kind)) regards|regards|best wishes|all the best|(?:yours )?sincerely(?: yours)?|yours (?:truly|faithfully)|cordially|respectfully|mit (?:freundlichen|besten|lieben|herzlichen) grü(?:ß|ss)en|(?:viele|liebe|beste|herzliche|freundliche|schöne) grü(?:ß|ss)e|mfg|lg|vg|cordialement|bien (?:cordialement|à vous)|(?:sincères|meilleures) salutations|salutations(?: distinguées)?|saludos(?: cordiales)?|un (?:cordial )?saludo|atentamente|atenciosamente|cumprimentos|com os melhores cumprimentos|abraços?|cordiali saluti|distinti saluti|(?:met )?vriendelijke groet(?:en)?|mvg|med (?:vänlig|venlig|vennlig) h(?:älsning(?:ar)?|ilsen)|med vänliga hälsningar|pozdrawiam|z poważaniem|с уважением|此致|祝好|مع (?:أطيب )?تحياتي?|تحياتي)[\s,.!;:]*$",
    )
});

/// Whether a line is a polite ending.
pub(super) fn is_closing(line: &str) -> bool {
    let line = line.trim();
    line.len() <= 120 && CLOSING.is_match(line)
}

static DASHED_NAME: LazyLock<Phrases> =
    LazyLock::new(|| Phrases::new(r"^[-–—]{1,2}\s?\p{Lu}[\p{L}'.-]*(?: \p{Lu}[\p{L}'.-]*){0,2}$"));

/// Whether a line is a name after a dash.
pub(super) fn is_dashed_name(line: &str) -> bool {
    let line = line.trim();
    line.len() <= 60 && !line.starts_with("- ") && DASHED_NAME.is_match(line)
}

/// Whether a line may stand under a polite ending: a name, a title, a number, an address.
pub(super) fn may_sign(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() <= 60 && !line.ends_with(['?', '!']) && line.split_whitespace().count() <= 8
}

/// What a line of a block of fields names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    From,
    Sent,
    To,
    Cc,
    Subject,
}

/// Labels in many languages, in lower case.
const LABELS: [(Label, &[&str]); 5] = [
    (
        Label::From,
        &[
            "from",
            "de",
            "von",
            "da",
            "van",
            "od",
            "fra",
            "från",
            "lähettäjä",
            "от",
            "от кого",
            "від",
            "feladó",
            "kimden",
            "gönderen",
            "de la",
            "发件人",
            "寄件者",
            "寄件人",
            "差出人",
            "送信者",
            "보낸 사람",
            "من",
            "מאת",
            "expéditeur",
            "remitente",
            "remetente",
            "mittente",
            "afzender",
        ],
    ),
    (
        Label::Sent,
        &[
            "sent",
            "date",
            "date sent",
            "envoyé",
            "envoyé le",
            "message du",
            "gesendet",
            "gesendet am",
            "datum",
            "inviato",
            "data",
            "verzonden",
            "enviado",
            "enviado el",
            "enviada",
            "enviada em",
            "enviado em",
            "fecha",
            "sendt",
            "skickat",
            "datum",
            "dato",
            "lähetetty",
            "päivämäärä",
            "wysłano",
            "data wysłania",
            "отправлено",
            "дата",
            "odesláno",
            "gönderildi",
            "tarih",
            "trimis",
            "elküldve",
            "dátum",
            "发送时间",
            "日期",
            "寄件日期",
            "送信日時",
            "日時",
            "보낸 날짜",
            "날짜",
            "تاريخ",
            "التاريخ",
            "تاريخ الإرسال",
            "נשלח",
        ],
    ),
    (
        Label::To,
        &[
            "to",
            "à",
            "a",
            "an",
            "aan",
            "para",
            "do",
            "til",
            "till",
            "vastaanottaja",
            "кому",
            "komu",
            "címzett",
            "kime",
            "alıcı",
            "către",
            "收件人",
            "收件者",
            "宛先",
            "받는 사람",
            "إلى",
            "אל",
            "per",
            "destinataire",
        ],
    ),
    (
        Label::Cc,
        &[
            "cc",
            "bcc",
            "copie à",
            "copie",
            "kopie",
            "kopie an",
            "copia",
            "kopi",
            "kopia",
            "dw",
            "копия",
            "抄送",
            "副本",
            "参照",
            "참조",
            "نسخة",
        ],
    ),
    (
        Label::Subject,
        &[
            "subject",
            "objet",
            "sujet",
            "betreff",
            "oggetto",
            "onderwerp",
            "asunto",
            "assunto",
            "emne",
            "ämne",
            "aihe",
            "temat",
            "тема",
            "předmět",
            "predmet",
            "tárgy",
            "konu",
            "subiect",
            "主题",
            "主旨",
            "主題",
            "件名",
            "제목",
            "الموضوع",
            "נושא",
        ],
    ),
];

/// The label that a line begins with.
pub(super) fn label(line: &str) -> Option<Label> {
    let line = line.trim_start_matches([' ', '\t', '*', '\u{a0}', '|']);
    let (name, _) = line.split_once([':', '：'])?;
    let name = name.trim_matches([' ', '*', '\t', '\u{a0}']);
    if name.is_empty() || name.chars().count() > 20 {
        return None;
    }
    let name = name.to_lowercase();
    LABELS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(label, _)| *label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        for phrases in [&*ORIGINAL, &*REPLY_ABOVE, &*FORWARD, &*DEVICE, &*CLOSING, &*DASHED_NAME] {
            assert!(phrases.0.is_some());
        }
        assert!(Regex::new(OPENING).is_ok() && Regex::new(WROTE).is_ok());
    }

    #[test]
    fn labels_are_known_in_many_languages() {
        assert_eq!(label("  *De :* Ann"), Some(Label::From));
        assert_eq!(label("主题：你好"), Some(Label::Subject));
        assert_eq!(label("Envoyé le : lundi"), Some(Label::Sent));
        assert_eq!(label("Note: this"), None);
    }

    #[test]
    fn devices_sign_in_many_languages() {
        for line in [
            "Sent from my iPhone",
            "Gesendet von Outlook für Android",
            "Envoyé de mon iPhone",
            "发自我的 iPhone",
            "iPhoneから送信",
        ] {
            assert!(DEVICE.is_match(line), "{line}");
        }
        assert!(!DEVICE.is_match("Sentence"));
    }

    #[test]
    fn reply_above_is_a_line_of_its_own() {
        assert!(REPLY_ABOVE.is_match("##- Please type your reply above this line -##"));
        assert!(!REPLY_ABOVE.is_match("I will reply later"));
    }
}
