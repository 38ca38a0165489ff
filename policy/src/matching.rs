//! Who gets whom: the exact index over agents and waiting conversations. `Pool` is its whole surface.
//!
//! ```text
//!   agents ── share ──> profiles ── are eligible for ──> classes <── are of ── waiting conversations
//!                                                          │ free: eligible agents with room, best first
//!                                                          │ counts: offline, away, at capacity; others by what they lack
//!                                                          └ lanes: who waits, by priority and age
//! ```
//!
//! A decision reads the heads of these orders and never walks over all agents or all that wait. The rule: filters
//! (language, each skill at its least proficiency, standing, room, refusals, reservation), then the score, then the
//! longest idle, then the lower id. An agent with room gets what is past its bound first, the oldest first; else the
//! highest priority, then the oldest, then the lower id.

mod ability;
mod agents;
mod ahead;
mod choose;
mod classes;
mod costs;
mod decision;
mod figures;
mod groups;
mod ids;
mod line;
mod pool;
mod profiles;
mod ratio;
mod rings;
mod rules;
mod settings;
mod shape;
mod slab;

pub use ability::{Ability, Seen};
pub use agents::Share;
pub use ahead::{Ahead, Drain};
pub use decision::{Decision, Lost, Name, Score, Terms, Trigger};
pub use figures::{Figures, Learned};
pub use pool::Pool;
pub use settings::{QueueTerms, Settings};
pub(crate) use shape::covers;
pub use shape::{Able, AgentProfile, Needs, Preferred, Room, Standing, Waiting};
