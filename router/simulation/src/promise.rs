//! The promise: how long a customer who waits has still to wait. A copy of the present is played forward many times by the
//! policy's own rule, with everything drawn that nobody can know: work that is left and work to come, who leaves, who
//! arrives and overtakes. Beyond the size at which that keeps its budget, the length of the line has to do.
//!
//! ```text
//!   workspace ── Present (a copy) ──> draws of a Replay ──> Wait: mean and spread ─┐
//!        └────── Lengths ────────────────────────────────> Wait, from the length ──┴─> Promise: median, P90 ─> shown
//!                                                                     corrected by how earlier ones were kept
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`present`] | the copy: who waits, what is in hand and for how long, what was learned |
//! | `replay` | one draw: the pool's own choices, played forward |
//! | [`mod@forecast`] | many draws within the budget, summed up for each who waits and for newcomers |
//! | [`length`] | the estimate by the length of the line |
//! | [`wait`] | from mean and spread to what is told |
//! | [`telling`] | what is shown next: a promise never grows without saying so |
//! | [`measured`], [`size`] | how good promises were in simulated worlds, and the size that must keep the budget |

pub mod forecast;
pub mod length;
pub mod measured;
pub mod present;
mod replay;
pub mod size;
pub mod telling;
pub mod wait;

pub use forecast::{Forecast, forecast};
pub use length::Lengths;
pub use present::Present;
pub use wait::Wait;
