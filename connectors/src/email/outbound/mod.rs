//! Mail out: composed, signed, and handed to the relay.
//!
//! | module | what it does |
//! |---|---|
//! | [`mod@compose`] | header and parts; nothing that a user gives can begin a new line of the header |
//! | [`dkim`] | the signature (RFC 6376) |
//! | [`relay`] | SMTP submission with connections that are used again |

pub mod compose;
pub mod dkim;
pub mod relay;

pub use compose::{Draft, DraftError, File, compose, is_address};
pub use relay::{Relay, Sent};
