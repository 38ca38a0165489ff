//! How the connectors reach the mail servers of the tests.

use connectors::email::net::{Credentials, Security, Server};

use crate::mail::Mail;

impl Mail {
    /// How the mailbox of a user is reached.
    pub(crate) fn imap_server(&self) -> Server {
        self.server(self.imap, Security::StartTls)
    }

    /// How the relay is reached.
    pub(crate) fn relay_server(&self) -> Server {
        self.server(self.submission, Security::StartTls)
    }

    fn server(&self, port: u16, security: Security) -> Server {
        Server { host: "localhost".to_owned(), port, security, ca: Some(self.path("server.pem")) }
    }
}

/// Who signs in to the support mailbox.
pub(crate) fn support() -> Credentials {
    Credentials { user: "support@hub.test".to_owned(), secret: "secret".to_owned(), oauth: false }
}
