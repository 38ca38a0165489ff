//! Why a mail was not delivered: by the server's words first, since they are more exact than its numbers, then by its status
//! (RFC 3463) and its reply code (RFC 5321).

use std::sync::LazyLock;

use regex::RegexSet;

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody has this address.
    UserUnknown,
    /// Nobody has this domain.
    HostUnknown,
    /// The address has moved.
    Moved,
    /// There is no room in the mailbox.
    MailboxFull,
    /// The mailbox is not in use just now.
    Disabled,
    /// It was refused by a rule: spam, a missing proof, a list.
    Policy,
    /// It is too large.
    TooLarge,
    /// The way there is not open.
    Network,
    /// Something else, or nothing that is told.
    Other,
}

impl Reason {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserUnknown => "user_unknown",
            Self::HostUnknown => "host_unknown",
            Self::Moved => "moved",
            Self::MailboxFull => "mailbox_full",
            Self::Disabled => "disabled",
            Self::Policy => "policy",
            Self::TooLarge => "too_large",
            Self::Network => "network",
            Self::Other => "other",
        }
    }

    /// Whether the address is no good for any mail, and not just for this one or just now.
    #[must_use]
    pub const fn is_about_the_address(self) -> bool {
        matches!(self, Self::UserUnknown | Self::HostUnknown | Self::Moved)
    }

    /// By the fields of a report, and by what it tells people, which may say more: a mailbox that is full or shut is not one
    /// that does not exist. Who refuses the content of a mail had taken its recipient before.
    #[must_use]
    pub fn of_report(diagnostic: &str, words: &str, status: (u8, u16, u16)) -> Self {
        let told = Self::of(words, (0, 0, 0));
        match Self::of(diagnostic, status) {
            Self::UserUnknown if matches!(told, Self::MailboxFull | Self::Disabled) => told,
            Self::UserUnknown if answers_data(diagnostic, words) => Self::Policy,
            Self::Other => told,
            found => found,
        }
    }

    /// By words, else by status.
    #[must_use]
    pub fn of(words: &str, status: (u8, u16, u16)) -> Self {
        let words = &words[..words.floor_char_boundary(4_000)];
        let told = PHRASES.as_ref().and_then(|set| set.matches(words).iter().min()).map(|at| ORDER[at].0);
        told.unwrap_or_else(|| Self::by_status(status))
    }

    const fn by_status((_, subject, detail): (u8, u16, u16)) -> Self {
        match (subject, detail) {
            (1, 1 | 3 | 10) => Self::UserUnknown,
            (1, 2) => Self::HostUnknown,
            (1, 6) => Self::Moved,
            (2, 2) | (3, 1) => Self::MailboxFull,
            (2, 1) => Self::Disabled,
            (2, 3) | (3, 4) => Self::TooLarge,
            (4, 4) => Self::HostUnknown,
            (4, _) => Self::Network,
            (7, _) | (1, 7 | 8) => Self::Policy,
            _ => Self::Other,
        }
    }
}

/// Words of servers, and what they mean; the first that fits counts.
const ORDER: [(Reason, &str); 9] = [
    (
        Reason::MailboxFull,
        r"(?i)(?:mailbox|mail box|inbox|account|user|quota|storage|disk)[^.]{0,40}\b(?:full|exceeded|over ?quota)|over (?:the )?(?:storage )?quota|overquota|quota (?:is )?exceeded|exceed(?:s|ed|ing)?[^.]{0,20}(?:quota|storage|mailbox)|insufficient[^.]{0,20}(?:storage|space)|not enough (?:storage |disk )?space|out of storage|mailbox.{0,20}too large|容量|メールボックスがいっぱい|いっぱい",
    ),
    (
        Reason::Policy,
        r"(?i)\bspam\b|\bspammer|\bdmarc\b|\bspf\b|\bdkim\b|blacklist|blocklist|block list|\bblocked\b|\bbanned\b|reputation|content (?:rejected|policy)|policy (?:violation|reasons?)|sender (?:address )?(?:rejected|denied)|not allowed to send|not accepted for policy|unsolicited|restricted|not authori[sz]ed|authentication (?:is )?required|access denied|relay(?:ing)? (?:access )?(?:denied|not)|message rejected|virus|domain of sender|sender domain",
    ),
    (
        Reason::TooLarge,
        r"(?i)message (?:size|is too|too) (?:large|big|exceeds)|size (?:limit )?exceeds|too large",
    ),
    (
        Reason::Moved,
        r"(?i)address (?:has )?(?:changed|moved)|no longer (?:valid|used|available)[^.]{0,40}(?:new address|please use)|has moved|recipient has moved",
    ),
    (
        Reason::Network,
        r"(?i)no route to host|network (?:is )?unreachable|connection (?:timed out|refused|reset)",
    ),
    (
        Reason::Disabled,
        r"(?i)(?:account|mailbox|user|recipient)[^.\n]{0,40}(?:disabled|inactive|suspended|locked|not active)",
    ),
    (
        Reason::UserUnknown,
        r"(?i)user (?:is )?unknown|unknown user|unknown[- ](?:recipient|address|account|mailbox|local)|no such (?:user|mailbox|recipient|address|person|local|account)|no (?:mailbox|user|account|valid recipients?)\b|(?:user|recipient|mailbox|account|address|person)[^.\n]{0,80}(?:does not exist|doesn't exist|not exist|not found|not known|unknown|not listed|invalid|not recogni[sz]ed|could not be found|couldn't be found|wasn't found)|(?:invalid|bad|wrong|undeliverable)[- ](?:recipient|mailbox|user|address|destination)|does(?:n't| not) have an? .{0,40}account|not our customer|isn't in my|not listed in|no mailbox here|recipnotfound|resolver\.adr|(?:ユーザー?|あて先|宛先|アドレス)[^。]{0,80}見つかり|unknown or illegal|mailbox unavailable|user not found",
    ),
    (
        Reason::HostUnknown,
        r"(?i)host (?:or domain )?(?:name )?(?:not found|unknown|lookup)|unknown host|(?:domain|host)[^.\n]{0,40}(?:does not exist|doesn't exist|not found|invalid|couldn't be found)|no mx|name service error|unrouteable (?:mail )?domain|nullmx|non-?existent (?:domain|host)|cannot find any host",
    ),
    (
        Reason::Network,
        r"(?i)connection (?:timed out|refused|reset|lost)|timed? ?out|timeout|too many hops|loop|retry|not (?:been )?delivered[^.]{0,40}(?:hours|days)|could not connect|queue too long|in the queue too long",
    ),
];

static PHRASES: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(ORDER.map(|(_, it)| it)).ok());

/// Whether a refusal answered the content of a mail, as the transcript of a report tells.
fn answers_data(diagnostic: &str, words: &str) -> bool {
    if words.contains("end of DATA") {
        return true;
    }
    let refusal = code(diagnostic).map(|it| it.to_string());
    let mut command = "";
    for line in words.lines().map(str::trim) {
        match line.strip_prefix("<<<") {
            // Another refusal may have followed from the first one.
            Some(answer) if refusal.as_ref().is_none_or(|it| answer.contains(it)) => {
                return command == "DATA";
            }
            Some(_) => {}
            None => match line.strip_prefix(">>>").map(str::trim) {
                Some(said) => command = said,
                // It names the command alone: a status that is about the address is of an answer before it.
                None if line == "DATA" => return status(diagnostic).is_none(),
                None => {}
            },
        }
    }
    false
}

/// The first status in a text.
pub(super) fn status(text: &str) -> Option<(u8, u16, u16)> {
    text.split(|it: char| !(it.is_ascii_digit() || it == '.')).find_map(|word| {
        let mut numbers = word.trim_matches('.').split('.');
        let class: u8 =
            numbers.next().filter(|it| it.len() == 1)?.parse().ok().filter(|it| matches!(it, 2 | 4 | 5))?;
        let subject = numbers.next().filter(|it| it.len() <= 3)?.parse().ok()?;
        let detail = numbers.next().filter(|it| it.len() <= 3)?.parse().ok()?;
        numbers.next().is_none().then_some((class, subject, detail))
    })
}

/// The first reply code in a text: three digits, of a refusal.
pub(super) fn code(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).find_map(|at| {
        let before =
            at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'.' | b'-'));
        let after = bytes
            .get(at + 3)
            .is_none_or(|it| matches!(it, b' ' | b'-' | b'\r' | b'\n' | b')' | b'>' | b',' | b'#'));
        let code = std::str::from_utf8(&bytes[at..at + 3])
            .ok()?
            .parse()
            .ok()
            .filter(|it| (400..=599).contains(it))?;
        (before && after).then_some(code)
    })
}

/// A status that says little gives way to the one that the server's words hold.
pub(super) fn sharpen(told: (u8, u16, u16), words: &str) -> (u8, u16, u16) {
    let vague = told.0 == 0 || (told.1 == 0 && told.2 == 0);
    let found = status(words).filter(|_| vague);
    let by_code = code(words).filter(|_| told.0 == 0).and_then(|it| u8::try_from(it / 100).ok());
    found.or_else(|| by_code.map(|class| (class, 0, 0))).unwrap_or(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found() {
        assert_eq!(status("smtp; 550 5.1.10 RESOLVER"), Some((5, 1, 10)));
        assert_eq!(status("host 203.0.113.5 said"), None);
        assert_eq!(code("said: 550-No"), Some(550));
        assert_eq!(code("192.0.2.550 x1550 5500"), None);
        assert_eq!(sharpen((0, 0, 0), "554 gone"), (5, 0, 0));
        assert_eq!(sharpen((5, 0, 0), "550 5.1.1 gone"), (5, 1, 1));
        assert_eq!(sharpen((5, 2, 1), "550 5.1.1 gone"), (5, 2, 1));
    }

    #[test]
    fn words_come_before_numbers() {
        assert!(PHRASES.is_some());
        assert_eq!(Reason::of("550 5.1.1 mailbox is full", (5, 1, 1)), Reason::MailboxFull);
        assert_eq!(Reason::of("no such user here", (5, 0, 0)), Reason::UserUnknown);
        assert_eq!(Reason::of("", (5, 1, 1)), Reason::UserUnknown);
        assert_eq!(Reason::of("blocked by our policy", (5, 1, 1)), Reason::Policy);
        assert_eq!(
            Reason::of_report("550 user unknown", "the account is disabled", (5, 1, 1)),
            Reason::Disabled
        );
        assert_eq!(
            Reason::of_report("550 user unknown", ">>> DATA\n<<< 550 user unknown", (5, 0, 0)),
            Reason::Policy
        );
        let transcript = ">>> RCPT TO:<a@b.example>\n<<< 550 user unknown\n>>> DATA\n<<< 503 need RCPT first";
        assert_eq!(Reason::of_report("550 user unknown", transcript, (5, 1, 1)), Reason::UserUnknown);
        let named = "--- server's answer\n550 user unknown\n--- command\nDATA\n";
        assert_eq!(Reason::of_report("550 user unknown", named, (5, 0, 0)), Reason::Policy);
        assert_eq!(Reason::of_report("550 5.1.1 user unknown", named, (5, 1, 1)), Reason::UserUnknown);
        assert_eq!(Reason::of_report("550 5.2.1 user unknown", "", (5, 2, 1)), Reason::UserUnknown);
        assert_eq!(Reason::of_report("550 5.2.1", "", (5, 2, 1)), Reason::Disabled);
        assert_eq!(Reason::of_report("", "no such user", (5, 0, 0)), Reason::UserUnknown);
        assert!(!Reason::MailboxFull.is_about_the_address());
    }
}
