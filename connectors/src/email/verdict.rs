//! Whether the sender is who it says: by what the *own* server found out and wrote into `Authentication-Results` (RFC 8601).
//! Anyone can write such a field, so only the topmost one that bears the own server's name counts, and only if it stands above
//! everything that came with the mail. A field that breaks the grammar is not believed.

use super::headers::Headers;
use super::mail::{Mail, domain_of};

/// What is to be thought of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The own server proved the address, by this method.
    Verified {
        /// `dmarc`, `dkim` or `spf`.
        by: &'static str,
    },
    /// Nothing speaks for it and nothing against.
    Unverified,
    /// It is likely forged: it never comes near what belongs to the address's owner.
    Suspect {
        /// Why, in one word.
        why: &'static str,
    },
}

impl Verdict {
    /// Its name in records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::Unverified => "unverified",
            Self::Suspect { .. } => "suspect",
        }
    }
}

/// One `Authentication-Results` field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// Who found out.
    pub server: String,
    /// What.
    pub results: Vec<Found>,
}

/// What one method found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The method: `dkim`.
    pub method: String,
    /// The result: `pass`.
    pub result: String,
    /// Properties such as `header.d`.
    pub properties: Vec<(String, String)>,
    /// What stands in parentheses, joined by blanks: some servers name a domain's policy there.
    pub comments: String,
}

impl Found {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// Judges a mail's sender by the fields of the own server, whose name stands in its `Authentication-Results`.
#[must_use]
pub fn judge(mail: &Mail, own_server: &str) -> Verdict {
    match found(mail, own_server) {
        // A name that looks like another address is meant to be read instead of the real one.
        Verdict::Unverified if poses(mail) => Verdict::Suspect { why: "address_as_name" },
        verdict => verdict,
    }
}

/// Whether the writer's name is an address elsewhere than the writer's own.
fn poses(mail: &Mail) -> bool {
    let Some(writer) = mail.from.first() else { return false };
    let named = domain_of(&writer.name).filter(|it| it.contains('.') && !it.contains(char::is_whitespace));
    match (named, writer.domain()) {
        (Some(named), Some(real)) => !aligned(&named, &real),
        _ => false,
    }
}

fn found(mail: &Mail, own_server: &str) -> Verdict {
    let writer = match mail.from.as_slice() {
        [] => return Verdict::Unverified,
        [writer] => writer,
        // Only one of them can have been looked at, and it need not be the one that is shown.
        _ => return Verdict::Suspect { why: "several_senders" },
    };
    let Some(domain) = writer.domain() else { return Verdict::Unverified };
    let Some(results) = own(&mail.headers, own_server) else { return Verdict::Unverified };
    let of = |method: &'static str| results.results.iter().filter(move |it| it.method == method);
    if let Some(dmarc) = of("dmarc").next() {
        let about = dmarc.property("header.from").is_none_or(|it| aligned(it, &domain));
        if dmarc.result == "pass" && about {
            return Verdict::Verified { by: "dmarc" };
        }
        if dmarc.result == "fail" {
            return if strict(dmarc) { Verdict::Suspect { why: "dmarc" } } else { Verdict::Unverified };
        }
    }
    let signed = of("dkim").filter(|it| it.result == "pass").any(|it| {
        let signer =
            it.property("header.d").or_else(|| it.property("header.i").and_then(|it| it.rsplit('@').next()));
        signer.is_some_and(|it| aligned(it, &domain))
    });
    if signed {
        return Verdict::Verified { by: "dkim" };
    }
    let sent = of("spf").filter(|it| it.result == "pass").any(|it| {
        let sender = it.property("smtp.mailfrom").map(|it| it.rsplit('@').next().unwrap_or(it));
        sender.is_some_and(|it| aligned(it, &domain))
    });
    if sent { Verdict::Verified { by: "spf" } } else { Verdict::Unverified }
}

/// Whether the domain's owner asked that such mail be refused; if the server does not say, it is taken for granted.
fn strict(dmarc: &Found) -> bool {
    let told = dmarc.property("policy.dmarc").or_else(|| dmarc.property("policy.published-domain-policy"));
    let comments = dmarc.comments.to_ascii_lowercase();
    let policy = told.map(str::to_ascii_lowercase).or_else(|| {
        let at = comments.find("p=")?;
        Some(comments[at + 2..].split(|it: char| !it.is_ascii_alphabetic()).next()?.to_owned())
    });
    policy.as_deref() != Some("none")
}

/// Whether two domains belong to one organisation, by the list of public suffixes.
fn aligned(one: &str, other: &str) -> bool {
    let clean = |it: &str| it.trim().trim_end_matches('.').to_ascii_lowercase();
    let (one, other) = (clean(one), clean(other));
    let organisation = |it: &str| psl::domain_str(it).map(str::to_owned);
    one == other || organisation(&one).is_some_and(|it| Some(it) == organisation(&other))
}

/// The own server's topmost field, if it stands where only the own server can have put it.
fn own(headers: &Headers, own_server: &str) -> Option<Results> {
    let mut passed_own = false;
    for field in headers.iter() {
        if field.name.eq_ignore_ascii_case("Received") {
            let by = received_by(&field.value);
            let is_own = by.as_deref().is_some_and(|it| aligned(it, own_server));
            // What stands below the line that our own server wrote when it took the mail came with the mail.
            if passed_own && !is_own {
                return None;
            }
            passed_own |= is_own;
        } else if field.name.eq_ignore_ascii_case("Authentication-Results") {
            match parse(&field.value) {
                Some(results) if results.server.eq_ignore_ascii_case(own_server) => return Some(results),
                _ => {}
            }
        }
    }
    None
}

/// The host after `by`.
fn received_by(value: &str) -> Option<String> {
    let mut words = value.split_whitespace();
    words.find(|it| it.eq_ignore_ascii_case("by"))?;
    words.next().map(|it| it.trim_matches([';', '(', ')', '[', ']']).to_ascii_lowercase())
}

/// Reads a field's value; `None` where it breaks the grammar.
#[must_use]
pub fn parse(value: &str) -> Option<Results> {
    let mut words = Words::new(value)?;
    let server = words.take_value()?;
    // A version may follow.
    if words.next_is(|it| matches!(it, Word::Text(text) if text.bytes().all(|it| it.is_ascii_digit()))) {
        words.advance();
    }
    let mut results = Vec::new();
    while words.advance_if(&Word::Mark(';')) {
        if words.at_end() {
            break;
        }
        let first = words.take_value()?;
        if first.eq_ignore_ascii_case("none") && !words.next_is(|it| *it == Word::Mark('=')) {
            continue;
        }
        // The method may name its version: `dkim/1`.
        if words.advance_if(&Word::Mark('/')) {
            words.take_value()?;
        }
        words.expect('=')?;
        let mut found = Found {
            method: first.to_ascii_lowercase(),
            result: words.take_value()?.to_ascii_lowercase(),
            properties: Vec::new(),
            comments: words.take_comments(),
        };
        while !words.at_end() && !words.next_is(|it| *it == Word::Mark(';')) {
            let name = words.take_value()?.to_ascii_lowercase();
            words.expect('=')?;
            // An address may lack what stands before the `@`.
            let mut text = words.take_value()?;
            if text == "@" || text.ends_with('@') {
                text.push_str(&words.take_value()?);
            }
            found.properties.push((name, text));
            let more = words.take_comments();
            if !more.is_empty() {
                found.comments.push(' ');
                found.comments.push_str(&more);
            }
        }
        results.push(found);
    }
    words.at_end().then_some(Results { server, results })
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(String),
    Comment(String),
    Mark(char),
}

struct Words {
    words: Vec<Word>,
    at: usize,
}

impl Words {
    fn new(value: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut chars = value.chars().peekable();
        while let Some(&next) = chars.peek() {
            match next {
                _ if next.is_whitespace() => {
                    chars.next();
                }
                '(' => {
                    let (mut depth, mut text) = (0, String::new());
                    loop {
                        match chars.next()? {
                            '(' => depth += 1,
                            ')' if depth == 1 => break,
                            ')' => depth -= 1,
                            '\\' => text.extend(chars.next()),
                            other => text.push(other),
                        }
                    }
                    words.push(Word::Comment(text));
                }
                '"' => {
                    chars.next();
                    let mut text = String::new();
                    loop {
                        match chars.next()? {
                            '"' => break,
                            '\\' => text.extend(chars.next()),
                            other => text.push(other),
                        }
                    }
                    words.push(Word::Text(text));
                }
                ';' | '=' | '/' => {
                    words.push(Word::Mark(next));
                    chars.next();
                }
                // These may not stand in a value without quotes (RFC 2045, section 5.1).
                ':' | '<' | '>' | ',' | '\\' | '[' | ']' | '?' | ')' => return None,
                _ => {
                    let mut text = String::new();
                    while let Some(&it) = chars.peek() {
                        if it.is_whitespace() || matches!(it, '(' | '"' | ';' | '=') {
                            break;
                        }
                        if matches!(it, ':' | '<' | '>' | ',' | '\\' | '[' | ']' | '?' | ')') {
                            return None;
                        }
                        text.push(it);
                        chars.next();
                    }
                    words.push(Word::Text(text));
                }
            }
        }
        Some(Self { words, at: 0 })
    }

    fn skip_comments(&mut self) {
        while matches!(self.words.get(self.at), Some(Word::Comment(_))) {
            self.at += 1;
        }
    }

    fn take_comments(&mut self) -> String {
        let mut comments = Vec::new();
        while let Some(Word::Comment(text)) = self.words.get(self.at) {
            comments.push(text.as_str());
            self.at += 1;
        }
        comments.join(" ")
    }

    fn take_value(&mut self) -> Option<String> {
        self.skip_comments();
        let Some(Word::Text(text)) = self.words.get(self.at) else { return None };
        self.at += 1;
        Some(text.clone())
    }

    fn next_is(&mut self, is: impl Fn(&Word) -> bool) -> bool {
        self.skip_comments();
        self.words.get(self.at).is_some_and(is)
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    fn advance_if(&mut self, word: &Word) -> bool {
        let is = self.next_is(|it| it == word);
        if is {
            self.advance();
        }
        is
    }

    fn expect(&mut self, mark: char) -> Option<()> {
        self.advance_if(&Word::Mark(mark)).then_some(())
    }

    fn at_end(&mut self) -> bool {
        self.skip_comments();
        self.at >= self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    const OWN: &str = "mx.hub.example";

    fn judged(head: &str) -> Verdict {
        judge(
            &read(format!("{head}\r\nFrom: Ann <ann@shop.example>\r\n\r\nhi").as_bytes(), &Limits::default()),
            OWN,
        )
    }

    #[test]
    fn the_own_server_is_believed() {
        let found =
            judged("Authentication-Results: mx.hub.example; dmarc=pass (p=reject) header.from=shop.example");
        assert_eq!(found, Verdict::Verified { by: "dmarc" });
        let found = judged("Authentication-Results: mx.hub.example; dkim=pass header.d=mail.shop.example");
        assert_eq!(found, Verdict::Verified { by: "dkim" });
        let found = judged("Authentication-Results: mx.hub.example; spf=pass smtp.mailfrom=x@shop.example");
        assert_eq!(found, Verdict::Verified { by: "spf" });
        let found =
            judged("Authentication-Results: mx.hub.example; dmarc=fail (p=reject) header.from=shop.example");
        assert_eq!(found, Verdict::Suspect { why: "dmarc" });
        let found =
            judged("Authentication-Results: mx.hub.example; dmarc=fail (p=none) header.from=shop.example");
        assert_eq!(found, Verdict::Unverified);
        let found = judged("Authentication-Results: mx.hub.example; dkim=pass header.d=bulk.example");
        assert_eq!(found, Verdict::Unverified);
    }

    #[test]
    fn others_are_not() {
        let found = judged("Authentication-Results: mx.evil.example; dmarc=pass header.from=shop.example");
        assert_eq!(found, Verdict::Unverified);
        // The sender wrote it: it stands below the line of our own server.
        let found = judged(
            "Received: from a by mx.hub.example; now\r\nReceived: from b by mx.evil.example; now\r\n\
             Authentication-Results: mx.hub.example; dmarc=pass header.from=shop.example",
        );
        assert_eq!(found, Verdict::Unverified);
        // Ours comes first.
        let found = judged(
            "Authentication-Results: mx.hub.example; dmarc=fail (p=quarantine)\r\n\
             Authentication-Results: mx.hub.example; dmarc=pass header.from=shop.example",
        );
        assert_eq!(found, Verdict::Suspect { why: "dmarc" });
    }

    #[test]
    fn names_that_pose_as_addresses_are_suspect() {
        let read =
            |from: &str| judge(&read(format!("From: {from}\r\n\r\nhi").as_bytes(), &Limits::default()), OWN);
        assert_eq!(
            read("\"ceo@bank.example\" <eve@evil.example>"),
            Verdict::Suspect { why: "address_as_name" }
        );
        assert_eq!(read("\"ann@shop.example\" <ann@shop.example>"), Verdict::Unverified);
        assert_eq!(read("a@shop.example, b@shop.example"), Verdict::Suspect { why: "several_senders" });
    }

    #[test]
    fn one_of_several_writers_is_never_proven() {
        let proven = "Authentication-Results: mx.hub.example; dmarc=pass header.from=shop.example";
        for from in [
            "From: a@shop.example, b@shop.example",
            "From: boss, ann@shop.example",
            "From: ann@shop.example, boss",
            "From: <ann:shop.example>m^@xample\r\nFrom: Ann <ann@shop.example>",
        ] {
            let mail = read(format!("{proven}\r\n{from}\r\n\r\nhi").as_bytes(), &Limits::default());
            assert!(!matches!(judge(&mail, OWN), Verdict::Verified { .. }), "{from}: {:?}", mail.from);
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_no_result() {
        assert!(
            parse("a.example; spf=pass smtp.mailfrom=@b.example (ok (really)); dkim/1=none reason=\"x; y\"")
                .is_some()
        );
        assert_eq!(parse("a.example; none").map(|it| it.results.len()), Some(0));
        for broken in [
            "",
            "a.example; spf",
            "a.example; iprev=pass policy.iprev=2001:748::2",
            "a.example; (",
            "a.example; x=\"y",
        ] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }
}
