//! The server `switchboard`: everything that waits.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`], [`config`], [`verbs`] | what is asked on the command line, settings, what each verb does |
//! | [`server`] | builds the parts, binds, spawns, drains in order |
//! | [`listen`] | the accept loop: TLS, limits, sources |
//! | [`api`], [`pages`], [`texts`] | HTTP: the API, the embedded pages, the catalogues |
//! | [`accounts`], [`tickets`] | who may do what |
//! | [`rates`] | limits on requests by source, on this node and over all nodes |
//! | [`session`] | WebSocket sessions: resume, limits, slow readers |
//! | [`pause`] | telling everybody while the store takes nothing |
//! | [`shard`] | THE loop: command, engine, log, effects |
//! | [`recording`] | what was recorded of a workspace, for export and what-if |
//! | [`trial`] | a policy in force for some blocks of time, to see what it changes |
//! | [`tried`] | what the guards said of policies that were tried on recorded traffic |
//! | [`email`] | mailboxes, the listener for mail, the way out |
//! | [`demo`] | a small company with a bot and simulated customers |
//! | [`metrics`], [`telemetry`], [`clock`] | figures, logs, time |

pub mod accounts;
pub mod api;
pub mod cli;
mod client;
pub mod clock;
pub mod cluster;
pub mod conditions;
pub mod config;
pub mod demo;
pub mod email;
mod files;
pub mod listen;
pub mod metrics;
pub mod pages;
pub mod pause;
pub mod rates;
pub mod recording;
pub mod server;
pub mod service;
pub mod session;
pub mod shard;
pub mod telemetry;
pub mod texts;
pub mod tickets;
pub mod trial;
pub mod tried;
pub mod verbs;
