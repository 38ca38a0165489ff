//! Starts the small Postfix and Dovecot of the tests for programs that are no Rust tests: prints where they are as one JSON
//! object, and stops them when standard input ends. Where they cannot be started it prints `null`.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use mail::Mail;

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/servers/mail.rs"]
mod mail;

/// How long the servers may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let Some(mail) = Mail::start() else { return writeln!(out, "null") };
    let customer = mail.path("home").join("ann@shop.test").join("Maildir");
    writeln!(
        out,
        "{{\"smtp\":{},\"submission\":{},\"imap\":{},\"ca\":\"{}\",\"customer\":\"{}\"}}",
        mail.smtp,
        mail.submission,
        mail.imap,
        mail.path("server.pem").display(),
        customer.display()
    )?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
