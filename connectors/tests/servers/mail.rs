//! A small Postfix and Dovecot of our own, for tests; it knows nothing of the connectors, so that the tests of the server use
//! it too.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::PATIENCE;

/// Running mail servers.
pub(crate) struct Mail {
    folder: TempDir,
    pub(crate) imap: u16,
    pub(crate) smtp: u16,
    pub(crate) submission: u16,
    pub(crate) lmtp: u16,
    /// Where Postfix hands mail for `inbound.test` over.
    pub(crate) hub_smtp: u16,
    /// Where it hands mail for `inbound-lmtp.test` over.
    pub(crate) hub_lmtp: u16,
}

/// Programs that must be there.
const NEEDED: [&str; 3] = ["dovecot", "postfix", "openssl"];

impl Mail {
    /// Starts both; `None`, said plainly, where that is not possible.
    pub(crate) fn start() -> Option<Self> {
        let missing: Vec<_> = NEEDED.iter().filter(|it| !installed(it)).collect();
        let root = Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout.starts_with(b"0\n"));
        if !missing.is_empty() || !root {
            let gate = std::env::var_os("CI").is_some() && root;
            assert!(!gate, "the gate needs {missing:?}: `.ci/need postfix dovecot openssl` installs them");
            say(&format!("skipped: this needs root and {NEEDED:?}; missing: {missing:?}"));
            return None;
        }
        let [imap, smtp, submission, lmtp, sasl, hub_smtp, hub_lmtp] = free_ports();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mail = Self { folder, imap, smtp, submission, lmtp, hub_smtp, hub_lmtp };
        mail.prepare(sasl);
        run(Command::new("dovecot").arg("-c").arg(mail.path("dovecot.conf")));
        run(Command::new("postfix").arg("-c").arg(mail.path("postfix")).arg("start"));
        for port in [imap, smtp, submission, lmtp] {
            wait_for(port);
        }
        Some(mail)
    }

    /// Kills Dovecot without a word, as a power cut would, and starts it again.
    pub(crate) fn kill_dovecot(&self) {
        let pid = std::fs::read_to_string(self.path("run/master.pid")).expect("Dovecot runs");
        run(Command::new("kill").args(["-9", pid.trim()]));
        let until = Instant::now() + PATIENCE;
        // Its servants go when they notice, and hold the ports until then.
        while !Command::new("dovecot")
            .arg("-c")
            .arg(self.path("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|it| it.success())
        {
            assert!(Instant::now() < until, "Dovecot does not start again");
            std::thread::sleep(Duration::from_millis(200));
        }
        wait_for(self.imap);
    }

    /// Gives a mailbox a new UIDVALIDITY: it is emptied and filled again, as after a move to another server.
    pub(crate) fn renumber(&self, user: &str) {
        let home = self.path("home").join(user).join("Maildir");
        for entry in std::fs::read_dir(&home).expect("the mailbox is there").flatten() {
            if entry.file_name().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(entry.path()).expect("an index can be removed");
            }
        }
    }

    /// Delivers a mail by SMTP, as a customer's server would.
    pub(crate) fn deliver(&self, from: &str, to: &str, mail: &str) {
        use std::io::{BufRead as _, BufReader, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.smtp)).expect("Postfix listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
        let mut answers = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut answer = || {
            let mut line = String::new();
            while answers.read_line(&mut line).expect("an answer") > 0 {
                if line.lines().next_back().is_some_and(|it| it.as_bytes().get(3) == Some(&b' ')) {
                    break;
                }
            }
            assert!(line.starts_with(['2', '3']), "{line}");
        };
        answer();
        let body = mail.replace("\n.", "\n..").replace('\n', "\r\n");
        let lines = [
            "EHLO shop.test".to_owned(),
            format!("MAIL FROM:<{from}>"),
            format!("RCPT TO:<{to}>"),
            "DATA".to_owned(),
        ];
        for line in lines.into_iter().chain([format!("{body}\r\n."), "QUIT".to_owned()]) {
            stream.write_all(format!("{line}\r\n").as_bytes()).expect("written");
            answer();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepare(&self, sasl: u16) {
        let lmtp = self.lmtp;
        let root = self.folder.path().display().to_string();
        // Their servants run as other users.
        run(Command::new("chmod").arg("755").arg(&root));
        for folder in ["run", "home", "postfix", "queue", "data"] {
            std::fs::create_dir_all(self.path(folder)).expect("a folder can be made");
        }
        run(Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(self.path("server.key"))
            .arg("-out")
            .arg(self.path("server.pem")));
        let users = ["support@hub.test", "ann@shop.test"];
        let passwords: String =
            users.iter().map(|it| format!("{it}:{{PLAIN}}secret::::{root}/home/{it}::\n")).collect();
        let mailboxes: String = users.iter().map(|it| format!("{it} ok\n")).collect();
        let write =
            |name: &str, text: &str| std::fs::write(self.path(name), text).expect("a file can be written");
        write("passwd", &passwords);
        write("postfix/mailboxes", &mailboxes);
        let (smtp, submission) = (self.smtp, self.submission);
        write("dovecot.conf", &dovecot(&root, self.imap, lmtp, sasl));
        write("postfix/main.cf", &postfix(&root, lmtp, sasl));
        write("postfix/master.cf", &services(smtp, submission));
        write(
            "postfix/transport",
            &format!(
                "inbound.test smtp:[127.0.0.1]:{}\ninbound-lmtp.test lmtp:inet:127.0.0.1:{}\nbounce.test lmtp:inet:127.0.0.1:{lmtp}\n",
                self.hub_smtp, self.hub_lmtp
            ),
        );
        run(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(self.path("home")));
        run(Command::new("chown").arg("postfix").arg(self.path("data")));
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        let stop = |command: &mut Command| drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
        stop(Command::new("postfix").arg("-c").arg(self.path("postfix")).arg("stop"));
        stop(Command::new("doveadm").arg("-c").arg(self.path("dovecot.conf")).arg("stop"));
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so where tests speak")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|it| Path::new(it).join(program).exists())
}

fn run(command: &mut Command) {
    // What goes on in the background keeps what it inherits: a pipe would never end.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} ended with {status}");
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    listeners.map(|it| it.local_addr().expect("it has an address").port())
}

fn wait_for(port: u16) {
    let until = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn dovecot(root: &str, imap: u16, lmtp: u16, sasl: u16) -> String {
    format!(
        "base_dir = {root}/run
log_path = {root}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/server.pem
ssl_key = <{root}/server.key
auth_mechanisms = plain login
recipient_delimiter = +
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
mail_location = maildir:~/Maildir
postmaster_address = postmaster@hub.test
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/passwd
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {root}/passwd
  default_fields = uid=nobody gid=nogroup
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
"
    )
}

fn postfix(root: &str, lmtp: u16, sasl: u16) -> String {
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/postfix.log
maillog_file_prefixes = {root}
myhostname = mail.hub.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
default_transport = error:5.1.2 nothing leaves this machine
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
default_database_type = texthash
virtual_mailbox_domains = hub.test, shop.test
virtual_mailbox_maps = texthash:{root}/postfix/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
relay_domains = bounce.test, inbound.test, inbound-lmtp.test
relay_recipient_maps =
transport_maps = texthash:{root}/postfix/transport
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {root}/server.pem
smtpd_tls_key_file = {root}/server.key
smtp_tls_security_level = may
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
notify_classes =
smtpd_client_connection_rate_limit = 0
"
    )
}

fn services(smtp: u16, submission: u16) -> String {
    let mut services = format!(
        "127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o mynetworks=
  -o smtpd_tls_security_level=encrypt
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
postlog unix-dgram n - n - 1 postlogd
"
    );
    // Name, how often it is woken, how many may run, program.
    for (name, wake, most, program) in [
        ("pickup", "60", "1", "pickup"),
        ("cleanup", "-", "0", "cleanup"),
        ("qmgr", "60", "1", "qmgr"),
        ("tlsmgr", "1000?", "1", "tlsmgr"),
        ("rewrite", "-", "-", "trivial-rewrite"),
        ("bounce", "-", "0", "bounce"),
        ("defer", "-", "0", "bounce"),
        ("trace", "-", "0", "bounce"),
        ("verify", "-", "1", "verify"),
        ("proxymap", "-", "-", "proxymap"),
        ("smtp", "-", "-", "smtp"),
        ("relay", "-", "-", "smtp"),
        ("error", "-", "-", "error"),
        ("retry", "-", "-", "error"),
        ("lmtp", "-", "-", "lmtp"),
        ("anvil", "-", "1", "anvil"),
        ("scache", "-", "1", "scache"),
    ] {
        // These three are spoken to by name from outside their own folder.
        let private = if matches!(name, "pickup" | "cleanup" | "qmgr") { "n" } else { "-" };
        services.push_str(&format!("{name} unix {private} - n {wake} {most} {program}\n"));
    }
    services
}
