//! The scripts that run in Redis: small, and never anything of matching. Each is known by its hash, so that two versions of
//! the program run side by side.

use std::sync::LazyLock;

/// A script.
pub(super) struct Script {
    pub(super) code: &'static str,
    known: redis::Script,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, known: redis::Script::new(code) }
    }

    /// By what Redis knows it.
    pub(super) fn hash(&self) -> &str {
        self.known.get_hash()
    }
}

/// The fenced append.
pub(super) static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("append.lua")));
/// Takes a lease.
pub(super) static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
/// Renews a lease or gives it back.
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
/// Lets a log begin later.
pub(super) static BEGIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("begin.lua")));

/// Which nodes live.
pub(super) static BEAT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("beat.lua")));

/// A limit that all nodes have in common.
pub(super) static SPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("spend.lua")));

/// All of them.
pub(super) fn all() -> [&'static Script; 6] {
    [&APPEND, &ACQUIRE, &RENEW, &BEGIN, &BEAT, &SPEND]
}
