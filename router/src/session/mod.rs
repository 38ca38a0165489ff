//! Sessions: a numbered stream of events to one client, which outlives its connection.
//!
//! A shard pushes rendered frames into a session's bounded ring; the connection is a cursor into that ring. A slow reader
//! costs a lagging cursor and never a growing queue; resuming and catching up are the same thing.
//!
//! * [`frame`]: what may be sent at all: only what `policy::disclose` let through.
//! * [`stream`]: ring, cursor, replies, slots.
//! * [`registry`]: which sessions an owner has.
//! * [`socket`]: the life of one WebSocket connection.
//! * [`handshake`]: ticket, origin, upgrade.

pub mod frame;
pub mod handshake;
pub mod registry;
pub mod socket;
pub mod stream;

pub use frame::Frame;
pub use registry::Registry;
pub use stream::{Owner, Session};
