//! What would have been: recorded traffic under another policy or staffing, before it goes live.
//!
//! ```text
//!   recording ──► rebuild ── commands ──► engine ──► the recorded decisions, bit for bit
//!       │
//!       ├──────► shadow ── another policy, asked in each recorded situation ──► decisions that change
//!       │
//!       └──────► gather ──► traffic ─┬─► plan: as it was ────► world ─┐  the same draws
//!                                    └─► plan: as it would be ► world ─┴─► compare: groups, loads, guards
//! ```
//!
//! Kept as recorded: who came when with what, presence, refusals, absences, handovers, the patience of those who left. Work is
//! recorded handling at full pace, divided by the speed of whoever does it. Drawn: how long those would have waited who
//! were served, beyond the wait they had; how fast offers are answered.

pub mod compare;
mod desk;
pub mod gather;
mod looks;
mod pace;
pub mod plan;
pub mod rebuild;
pub mod recording;
pub mod shadow;
mod speeds;
mod survival;
pub mod switchback;
pub mod tally;
pub mod traffic;
mod world;

pub use compare::{Comparison, Guards, one, pair};
pub use gather::Gather;
pub use looks::{LOOKS, Look};
pub use plan::{Plan, PlanFault, Staffing};
pub use rebuild::{Likeness, Replay};
pub use recording::Part;
pub use shadow::Shadow;
pub use switchback::Split;
pub use tally::{Groups, Tally};
pub use traffic::Traffic;
