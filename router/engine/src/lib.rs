//! Conversations as a state machine: commands in, events out. No clock, no I/O, no threads, no randomness.
//!
//! ```text
//!            command, time                       events
//!   shell ──────────────────► Engine::handle ──────────────► log, then effects
//!     ▲                            │ applies each event at once
//!     │       next_deadline        ▼
//!     └───────────────────────── state ◄──────────────────── Engine::apply (replay: the same function)
//! ```
//!
//! * [`Engine::handle`] judges one command at a given time. On success the events are applied already; the shell appends
//!   them to the log and lets nothing out before they are durable. If the append is refused, the shell throws the engine
//!   away and replays.
//! * [`Engine::apply`] applies one recorded event. The live path uses it too, so replay cannot differ.
//! * [`Engine::next_deadline`] says when the engine wants a [`CommandKind::Tick`] if nothing happens before.
//!
//! Bodies, names and addresses of customers never enter here: commands and events carry ids, kinds, sizes and the routing
//! class that came out.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod command;
mod event;
mod handle;
pub mod invariant;
mod reality;
pub mod record;
mod rejection;
mod route;
mod snapshot;
pub mod state;

pub use command::{Actor, Command, CommandKind, HandOver};
pub use event::{ClosedBy, DeliveryStage, Event, EventKind, Side, StandingCause};
pub use reality::Remark;
pub use rejection::Rejection;
pub use snapshot::SnapshotError;
pub use state::Engine;
