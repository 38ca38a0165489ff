//! Close codes of the WebSocket session.

/// Why the server closes a session, as the code on the wire (RFC 6455 section 7.4; 4000 and up are ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The other side asked for it.
    Normal = 1000,
    /// What came is not WebSocket: not masked, of an unknown kind, in wrong parts.
    Protocol = 1002,
    /// A binary frame: ours are text.
    NotText = 1003,
    /// A text that is not UTF-8.
    NotUtf8 = 1007,
    /// A frame that this protocol does not allow: malformed, out of sequence, too fast.
    Policy = 1008,
    /// A frame above the limit told in `welcome`.
    TooBig = 1009,
    /// A fault of ours.
    Internal = 1011,
    /// The server restarts; reconnect after the `retry_ms` told in the reason.
    Restart = 1012,
    /// Too many sessions; try later.
    Overloaded = 1013,
    /// The ticket is unknown, used or expired, or the sign-in has ended: get a new ticket.
    Unauthorized = 4001,
    /// The page's origin is not allowed for this account.
    Origin = 4003,
    /// No frame and no pong for two heartbeats.
    Silent = 4007,
    /// The client reads too slowly.
    TooSlow = 4008,
    /// The same session was resumed by another connection.
    Replaced = 4009,
}

impl CloseCode {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}
