//! Whatever comes is read: mails cut up, bent and mixed from samples, and bytes of chance. Nothing panics, nothing is lost,
//! nothing that could run is left. `SWITCHBOARD_HOSTILE_S` makes it go on for so many seconds; the seed is printed where
//! something fails, and `SWITCHBOARD_HOSTILE_SEED` plays it again.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use connectors::email::html::{Images, clean, to_text};
use connectors::email::imap::Cursor;
use connectors::email::thread::{Threads, ids};
use connectors::email::{Limits, charset, names, read, reply, verdict};

/// Rounds in the everyday run.
const ROUNDS: u64 = 3_000;

/// Pieces that mean something to a reader of mail.
const PIECES: [&[u8]; 40] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\n\n",
    b"--b",
    b"--b--",
    b"--outer",
    b"> ",
    b">> ",
    b"-- \n",
    b"\0",
    b"\xff\xfe",
    b"\x1b$B",
    b"=?utf-8?B?",
    b"?=",
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Type: message/delivery-status\n\n",
    b"Final-Recipient: rfc822; a@b.example\n",
    b"Action: failed\n",
    b"Status: 5.",
    b"On 1 May 2020, Bob wrote:\n",
    b"From: a\nSent: b\nTo: c\n",
    b"________________\n",
    b"Sent from my iPhone\n",
    b"Regards,\n",
    b"<div>",
    b"</div>",
    b"<blockquote type=cite>",
    b"<script>",
    b"<svg><style>",
    b"<!--",
    b" onerror=alert(1) ",
    b"href=\"javascript:alert(1)\"",
    b"&#x6a;avascript:",
    b"filename*0*=utf-8''%ff",
    b"; charset=",
    b"\xf0\x9f\x8e",
];

/// Small, fast and good enough to bend bytes with (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap_or(0)
    }
}

fn samples() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the samples are there").flatten().map(|it| it.path()).collect();
    paths.sort();
    paths.iter().map(|it| std::fs::read(it).expect("a sample can be read")).collect()
}

fn bend(samples: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut mail = samples[dice.roll(samples.len())].clone();
    for _ in 0..=dice.roll(12) {
        let at = dice.roll(mail.len() + 1);
        match dice.roll(7) {
            0 => {
                let piece = PIECES[dice.roll(PIECES.len())];
                mail.splice(at..at, piece.iter().copied());
            }
            1 => {
                let end = (at + dice.roll(200)).min(mail.len());
                mail.drain(at..end);
            }
            2 => mail.insert(at, u8::try_from(dice.roll(256)).unwrap_or(0)),
            3 => mail.truncate(at),
            4 => {
                let other = &samples[dice.roll(samples.len())];
                let from = dice.roll(other.len());
                let to = (from + dice.roll(400)).min(other.len());
                mail.splice(at..at, other[from..to].iter().copied());
            }
            5 => {
                let piece = PIECES[dice.roll(PIECES.len())].repeat(dice.roll(60));
                mail.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = mail.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
    }
    mail
}

/// Everything that reads what strangers send.
fn try_all(raw: &[u8]) {
    let mail = read(raw, &Limits::default());
    let joined: String = mail.split.pieces.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(joined, mail.text, "the pieces are the text");
    assert_eq!(
        mail.split.visible().trim().is_empty(),
        mail.text.trim().is_empty(),
        "something is always shown"
    );
    let carried: usize = mail.attachments.iter().map(|it| it.content.len()).sum();
    assert!(carried <= raw.len() + 1_024, "attachments are not larger than the mail");
    for it in &mail.attachments {
        assert!(!it.name.is_empty() && !it.name.contains(['/', '\\', '\0', '\n']), "{:?}", it.name);
    }
    let text = charset::guess(raw);
    let html = mail.html.as_deref().unwrap_or(&text);
    let cleaned = clean(html, Images::Blocked, &BTreeMap::new()).html.to_ascii_lowercase();
    for bad in ["<script", "<iframe", "<style", "<svg", "<form", "<meta", "<base", "<link", "<!--"] {
        assert!(!cleaned.contains(bad), "{bad} is left in {cleaned:?}");
    }
    // What these give is looked at elsewhere: here it counts that they come back.
    black_box(to_text(html));
    black_box(reply::split(&text));
    black_box(names::clean(&text));
    black_box(ids(&text));
    black_box(verdict::judge(&mail, "mx.hub.example"));
    for field in mail.headers.iter().take(50) {
        black_box(verdict::parse(&field.value));
    }
    black_box(Cursor::from_bytes(raw));
    black_box(Threads::new(b"secret").refers_to(&mail, &[]));
}

#[test]
fn the_samples_are_read() {
    samples().iter().for_each(|it| try_all(it));
}

#[test]
fn whatever_comes_is_read() {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let seconds: Option<u64> = number("SWITCHBOARD_HOSTILE_S");
    let single: Option<u64> = number("SWITCHBOARD_HOSTILE_SEED");
    let until = seconds.map(|it| Instant::now() + Duration::from_secs(it));
    let samples = samples();
    let mut seed = single.unwrap_or(1);
    loop {
        let bent = bend(&samples, &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
        if let Err(panic) = std::panic::catch_unwind(|| try_all(&bent)) {
            eprintln!("SWITCHBOARD_HOSTILE_SEED={seed} plays this again");
            std::panic::resume_unwind(panic);
        }
        let done = until.map_or(seed >= ROUNDS, |it| Instant::now() >= it);
        if done || single.is_some() {
            eprintln!("{seed} mails were read");
            return;
        }
        seed += 1;
    }
}

#[test]
fn the_long_and_the_deep_are_read() {
    let quote = format!(
        "yes\n\nOn 1 May 2020, Bob wrote:\n{}",
        "> what he said, again and again and again\n".repeat(20_000)
    );
    assert_eq!(reply::split(&quote).visible(), "yes");
    // Every line could begin an introduction, and none does.
    let almost = "On 1 May 2020 we met\n".repeat(50_000);
    assert_eq!(reply::split(&almost).pieces.len(), 1);
    try_all(format!("Content-Type: text/html\n\n{}", "<div><table><tr><td>".repeat(20_000)).as_bytes());
    try_all("Content-Type: message/rfc822\n\n".repeat(50_000).as_bytes());
    try_all(format!("Subject: {}\n\n", "=?utf-8?Q?x?= ".repeat(50_000)).as_bytes());
    try_all(format!("From: {}\n\nx", "a@b.example, ".repeat(50_000)).as_bytes());
    try_all("x".repeat(5 << 20).as_bytes());
    try_all(b"");
}
