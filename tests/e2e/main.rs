//! End to end: the real server as a child process, real connections, one file a theme. Each test has a server or a
//! workspace of its own, so that they can run side by side.

mod chat;
mod drain;
mod email;
mod faults;
mod figures;
mod hot;
mod hours;
mod limits;
mod migrate;
mod nodes;
mod places;
mod policy;
mod rates;
mod restart;
mod resume;
mod roles;
mod set_up;
mod steps;
mod strangers;
mod understanding;
mod whatif;
