//! Simulation of a workspace: an event heap over the engine that runs in production. It has no clock and no randomness of
//! its own: the seed is an argument.
//!
//! ```text
//!   scenario ──> arrivals ── drawn fates ──> world ── commands ──> engine::Engine
//!      │                                       ▲ └──── contacts ──> figures ──> ratio to the pooled bound
//!      └──> setting ── document, profiles ─────┘
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`scenario`] | what is simulated, as the suite writes it |
//! | [`random`], [`arrivals`] | streams by seed and purpose; who comes, with what fate, whatever the rule |
//! | [`setting`] | the policy document of a scenario and a rule, the agents' profiles |
//! | [`world`] | the heap: customers and agents who act by their fates, and the engine that brings them together |
//! | [`figures`] | what came out, with intervals over replications |
//! | [`promise`] | how long a customer has still to wait, by playing the present forward |
//! | [`anchors`] | designs whose answer is known exactly |
//! | [`whatif`] | recorded traffic under another policy or staffing |

pub mod anchors;
pub mod arrivals;
pub mod figures;
pub mod promise;
pub mod random;
pub mod scenario;
pub mod setting;
pub mod whatif;
pub mod world;
