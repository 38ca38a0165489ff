//! The connectors against real mail servers: Dovecot reads mailboxes out, Postfix hands mail over and takes ours. Both are
//! started here on free ports in a fresh folder and stopped at the end. Where they are not installed, or where this does not
//! run as root (Postfix's master needs it), the tests say "skipped".

mod inbound;
mod mail;
mod mailbox;
mod outbound;
mod server;

/// How long anything may take on a laden machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
