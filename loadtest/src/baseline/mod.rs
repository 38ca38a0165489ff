//! The yardsticks: what the least that does the job needs. Each runs as a child process of this program, so that it pays
//! for process and sockets as the server does.

mod append;
mod child;
mod relay;
mod run;

pub(crate) use append::{AppendArgs, Appended, append};
pub(crate) use child::{Child, run_once};
pub(crate) use relay::{IDLE, RelayArgs, relay};
pub(crate) use run::{Arguments, LIGHT, raw, run};
