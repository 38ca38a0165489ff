//! Our DKIM signatures by another's reckoning: Python's `dkimpy` checks them, with a key that `openssl` made. Where one of them
//! is not installed the test says "skipped".

use std::path::Path;
use std::process::Command;

use connectors::email::outbound::dkim::Signer;
use connectors::email::outbound::{Draft, File, compose};

/// Checks the mail on standard input; the public key is the argument.
const CHECK: &str = "
import sys, dkim
record = b'v=DKIM1; k=' + sys.argv[1].encode() + b'; p=' + sys.argv[2].encode()
sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: record) else 1)
";

fn ran(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(program).args(arguments).output().ok().filter(|it| it.status.success())?;
    Some(output.stdout)
}

/// The Python that has what is needed: the one in the path, or the system's.
fn python() -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|it| ran(it, &["-c", "import dkim, nacl"]).is_some())
}

fn checked(python: &str, mail: &[u8], kind: &str, public: &str) -> bool {
    use std::io::Write as _;
    let mut child = Command::new(python)
        .args(["-c", CHECK, kind, public])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("it was found before");
    child.stdin.take().expect("a pipe").write_all(mail).expect("it reads");
    child.wait().expect("it ends").success()
}

/// The public half as DNS has it: RSA whole, Ed25519 without the 12 bytes that say so.
fn public(key: &Path, skip: usize) -> Option<String> {
    let der = ran("openssl", &["pkey", "-in", key.to_str()?, "-pubout", "-outform", "DER"])?;
    Some(data_encoding::BASE64.encode(der.get(skip..)?))
}

#[test]
fn others_find_the_signature_right() {
    let (Some(python), Some(_)) = (python(), ran("openssl", &["version"])) else {
        assert!(std::env::var_os("CI").is_none(), "the gate needs it: `.ci/need openssl dkim` installs it");
        eprintln!("skipped: this needs openssl, and python3 with dkimpy and pynacl");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (kind, algorithm, skip) in [("rsa", "RSA", 0), ("ed25519", "ED25519", 12)] {
        let key = folder.path().join(kind);
        let path = key.to_str().expect("a plain path");
        ran("openssl", &["genpkey", "-algorithm", algorithm, "-out", path]).expect("a key can be made");
        let signer = Signer::load("hub.test", "s1", &key).expect("the key can be used");
        let draft = Draft {
            message_id: "m1@hub.test".to_owned(),
            from: ("Support".to_owned(), "support@hub.test".to_owned()),
            to: vec!["ann@shop.test".to_owned()],
            subject: "Grüße  mit   Abstand".to_owned(),
            text: "one  two \n\n\nthree\t\n\n\n".to_owned(),
            references: (0..10).map(|it| format!("r{it}@shop.test")).collect(),
            files: vec![File {
                name: "é.bin".to_owned(),
                media_type: "application/octet-stream".to_owned(),
                content: vec![1; 500],
            }],
            at_ms: 1_700_000_000_000,
            ..Draft::default()
        };
        let mail = compose(&draft).expect("written");
        let field = signer.sign(&mail, 1_700_000_000).expect("signed");
        let signed = [field.into_bytes(), mail].concat();
        let public = public(&key, skip).expect("the public half");
        assert!(checked(python, &signed, kind, &public), "{kind}");
        let bent = String::from_utf8_lossy(&signed).replace("one", "two").into_bytes();
        assert!(!checked(python, &bent, kind, &public), "{kind}: a changed mail passes");
    }
}
