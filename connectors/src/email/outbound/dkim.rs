//! DKIM signatures (RFC 6376), relaxed in header and body, by RSA-SHA256 or Ed25519-SHA256 (RFC 8463). The key's other half
//! stands in the domain's DNS; receivers then know that the mail came from the domain and was not changed.

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, rsa};
use data_encoding::BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// Fields that are signed; those that are missing are signed as missing where `From` and `Subject` would be added.
const SIGNED: [&str; 14] = [
    "from",
    "from",
    "subject",
    "subject",
    "to",
    "cc",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "auto-submitted",
];

/// Signs for one domain.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key cannot be read or is none that DKIM knows.
    #[error("the DKIM key cannot be used: {0}")]
    Key(String),
    /// The library could not sign.
    #[error("the mail cannot be signed")]
    Sign,
}

impl Signer {
    /// A signer with a private key from a PEM file (RSA of 1024 bits or more, or Ed25519).
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn load(domain: &str, selector: &str, key: &Path) -> Result<Self, SignError> {
        let unusable = |error: &dyn std::fmt::Display| SignError::Key(error.to_string());
        let key = match PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&error))? {
            PrivateKeyDer::Pkcs8(der) => {
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()) {
                    Ok(pair) => Key::Ed25519(Box::new(pair)),
                    Err(_) => Key::Rsa(Box::new(
                        rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| unusable(&error))?,
                    )),
                }
            }
            PrivateKeyDer::Pkcs1(der) => Key::Rsa(Box::new(
                rsa::KeyPair::from_der(der.secret_pkcs1_der()).map_err(|error| unusable(&error))?,
            )),
            _ => return Err(SignError::Key("it is neither RSA nor Ed25519".to_owned())),
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// The signature's field, with its line break, to be put on top of the mail.
    ///
    /// # Errors
    /// [`SignError::Sign`].
    pub fn sign(&self, mail: &[u8], at_s: u64) -> Result<String, SignError> {
        let (head, body) = split(mail);
        let fields = fields(head);
        let body_hash = BASE64.encode(digest::digest(&digest::SHA256, &relaxed_body(body)).as_ref());
        let mut signed = Vec::new();
        let mut names = Vec::new();
        for (at, name) in SIGNED.iter().enumerate() {
            // Of fields with one name the last counts first; a name once more than there are fields says that none may be added.
            let nth = SIGNED[..at].iter().filter(|it| *it == name).count();
            let found = fields.iter().rev().filter(|(it, _)| it == name).nth(nth);
            if let Some((name, value)) = found {
                signed.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
            }
            if found.is_some() || nth > 0 {
                names.push(*name);
            }
        }
        let algorithm = match &self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let (domain, selector, names) = (&self.domain, &self.selector, names.join(":"));
        let value = format!(
            "v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector}; t={at_s};\r\n h={names};\r\n bh={body_hash};\r\n b="
        );
        signed.extend_from_slice(format!("dkim-signature:{}", relaxed(&value)).as_bytes());
        let signature = BASE64.encode(&self.signature(&signed)?);
        let lines: Vec<&str> =
            signature.as_bytes().chunks(70).filter_map(|it| std::str::from_utf8(it).ok()).collect();
        Ok(format!("DKIM-Signature: {value}{}\r\n", lines.join("\r\n  ")))
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)
                    .map_err(|_| SignError::Sign)?;
                Ok(signature)
            }
            // RFC 8463 signs the hash of the text.
            Key::Ed25519(key) => {
                Ok(key.sign(digest::digest(&digest::SHA256, text).as_ref()).as_ref().to_vec())
            }
        }
    }
}

fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    match mail.windows(4).position(|it| it == b"\r\n\r\n") {
        Some(at) => (&mail[..at + 2], &mail[at + 4..]),
        None => (mail, &[]),
    }
}

/// Names in lower case and values on one line with single blanks (section 3.4.2).
fn fields(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.split("\r\n").filter(|it| !it.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim_end().to_ascii_lowercase(), value.to_owned()));
        }
    }
    fields.into_iter().map(|(name, value)| (name, relaxed(&value))).collect()
}

fn relaxed(value: &str) -> String {
    value.split([' ', '\t', '\r', '\n']).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Blanks at the ends of lines go, others become one; empty lines at the end go (section 3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(body.len());
    let mut empty_lines = 0;
    let lines = body.split(|it| *it == b'\n').map(|it| it.strip_suffix(b"\r").unwrap_or(it));
    for line in lines {
        let mut words = line.split(|it| matches!(it, b' ' | b'\t'));
        let mut kept = Vec::with_capacity(line.len());
        // A blank at the beginning of a line stays, as one.
        if let Some(first) = words.next() {
            kept.extend_from_slice(first);
        }
        for word in words.filter(|it| !it.is_empty()) {
            kept.push(b' ');
            kept.extend_from_slice(word);
        }
        if kept.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            canonical.extend_from_slice(b"\r\n");
        }
        canonical.extend_from_slice(&kept);
        canonical.extend_from_slice(b"\r\n");
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_relaxed_as_the_standard_shows() {
        // RFC 6376, section 3.4.5.
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"a"), b"a\r\n");
        assert_eq!(relaxed_body(b"a\r\n\r\nb\r\n"), b"a\r\n\r\nb\r\n");
    }

    #[test]
    fn fields_are_relaxed_as_the_standard_shows() {
        assert_eq!(
            fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n"),
            [("a".to_owned(), "X".to_owned()), ("b".to_owned(), "Y Z".to_owned())]
        );
    }

    #[test]
    fn a_signature_can_be_checked_with_the_public_half() {
        use aws_lc_rs::signature::{ED25519, KeyPair as _, UnparsedPublicKey};
        let pair = Ed25519KeyPair::generate().expect("a key");
        let public = pair.public_key().as_ref().to_vec();
        let signer = Signer {
            domain: "hub.example".to_owned(),
            selector: "s1".to_owned(),
            key: Key::Ed25519(Box::new(pair)),
        };
        let mail = b"From: a@hub.example\r\nSubject: hi\r\n\r\nbody\r\n";
        let field = signer.sign(mail, 1).expect("signed");
        assert!(field.contains("h=from:from:subject:subject;"), "{field}");
        let (_, value) = field.split_once(':').expect("a field");
        let (before, signature) = value.rsplit_once("b=").expect("a signature");
        let signed =
            format!("from:a@hub.example\r\nsubject:hi\r\ndkim-signature:{}", relaxed(&format!("{before}b=")));
        let signature =
            BASE64.decode(signature.split_whitespace().collect::<String>().as_bytes()).expect("base 64");
        let hash = digest::digest(&digest::SHA256, signed.as_bytes());
        UnparsedPublicKey::new(&ED25519, public).verify(hash.as_ref(), &signature).expect("it is right");
    }
}
