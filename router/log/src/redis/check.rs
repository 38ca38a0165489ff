//! The look at Redis before anything is entrusted to it: what is unsafe is refused, with what to set.

use std::collections::BTreeMap;

use redis::{ErrorKind, FromRedisValue as _, RedisError, RedisResult, ServerErrorKind, cmd};

use super::link::Link;
use super::place::{Place, Topology};
use super::{Layout, scripts};
use crate::{Level, OpenError};

/// The oldest Redis that is taken.
const LEAST: (u32, u32) = (7, 0);
/// The form of our keys; 1 is the first.
const FORMAT: &str = "1";

/// What a server says of itself.
type Info = BTreeMap<String, String>;

fn parse(text: &str) -> Info {
    let lines = text.lines().filter_map(|line| line.trim_end().split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Looks at every primary, and at the form of what is there.
pub(super) async fn check(
    place: &Place,
    level: Level,
    link: &Link,
    layout: &Layout,
) -> Result<(), OpenError> {
    let refuse = |detail: String| OpenError::Redis { place: place.shown(), detail };
    let told = |error: RedisError| refuse(explain(&error));
    for answer in link.call_all(cmd("INFO").arg("everything")).await.map_err(told)? {
        let text = String::from_redis_value(answer).map_err(|error| refuse(error.to_string()))?;
        judge(&parse(&text), &place.topology, level).map_err(refuse)?;
    }
    for script in scripts::all() {
        link.call_all(cmd("SCRIPT").arg("LOAD").arg(script.code)).await.map_err(told)?;
    }
    let key = layout.common("format");
    let mut put = cmd("SET");
    put.arg(&key).arg(FORMAT).arg("NX").arg("GET");
    let found: RedisResult<Option<String>> =
        link.call(&put).await.and_then(|it| Option::from_redis_value(it).map_err(RedisError::from));
    match found.map_err(told)?.as_deref() {
        None | Some(FORMAT) => Ok(()),
        Some(other) => Err(refuse(format!(
            "its keys were written by a newer version (format {}): start that one, or choose another `redis.prefix`",
            other.chars().take(20).collect::<String>()
        ))),
    }
}

/// What keeps a server from being used.
fn judge(info: &Info, topology: &Topology, level: Level) -> Result<(), String> {
    let value = |name: &str| info.get(name).map_or("", String::as_str);
    let version = value("redis_version");
    let mut numbers = version.split('.').map(|it| it.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) < LEAST {
        return Err(format!("version {version} is too old: use Redis 7.0 or later"));
    }
    let clustered = value("cluster_enabled") == "1";
    if clustered != (*topology == Topology::Cluster) {
        let (is, set) = if clustered { ("is", "cluster") } else { ("is not", "single") };
        return Err(format!("it {is} a Cluster: set `redis.topology = \"{set}\"`"));
    }
    if value("role") != "master" {
        return Err("it is a replica, which takes no writes: name the primary in `redis.urls`, or let sentinels name it \
                    (`redis.topology = \"sentinel\"`)"
            .into());
    }
    let policy = value("maxmemory_policy");
    if policy != "noeviction" {
        return Err(format!(
            "`maxmemory-policy` is {policy}, so it would drop what was acknowledged: set `maxmemory-policy noeviction`"
        ));
    }
    if value("aof_enabled") != "1" && level != Level::RedisDisk {
        return Err(format!(
            "it keeps no journal, so a restart would lose what was acknowledged at level {level}: set `appendonly yes` \
             and `appendfsync everysec` (or `always`)"
        ));
    }
    let replicas = value("connected_slaves").parse::<u32>().unwrap_or(0);
    if level == Level::RedisReplica && replicas == 0 {
        return Err("no replica is connected, which level redis+replica needs: start one, or set `level = \
                    \"redis+disk\"`"
            .into());
    }
    Ok(())
}

/// An error of Redis, said so that the reader knows what to do.
pub(super) fn explain(error: &RedisError) -> String {
    let code = error.code().unwrap_or_default();
    let advice = match (error.kind(), code) {
        (ErrorKind::AuthenticationFailed, _) | (_, "WRONGPASS" | "NOAUTH") => {
            "it does not take the user and password: check `redis.user` and `redis.password`"
        }
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, "NOPERM") => {
            "the user may not do this: give it the rights in deploy/redis/users.acl"
        }
        (_, "OOM") => "its memory is full: raise `maxmemory` or make room; the store goes on by itself",
        (_, "MISCONF") => "it cannot write to its disk: make room there; the store goes on by itself",
        (_, "NOREPLICAS") => "it wants more replicas than are connected (`min-replicas-to-write`)",
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => {
            "it is a replica now: its new primary is looked for"
        }
        (_, "BUSY") => "another program's script keeps it busy: end that one (`SCRIPT KILL`)",
        (ErrorKind::Server(ServerErrorKind::BusyLoading), _) => {
            "it reads its data from disk: it comes by itself"
        }
        (_, "WRONGTYPE") => {
            "a key of ours is of another type: another program uses our keys, choose another `redis.prefix`"
        }
        (ErrorKind::Server(ServerErrorKind::ClusterDown), _) => "the Cluster is down: see `CLUSTER INFO`",
        _ if error.is_timeout() => "it does not answer in time",
        _ if error.is_io_error() => "it cannot be reached",
        _ => "it refuses",
    };
    // Redis's own words may quote a key of ours, which holds ids only.
    format!("{advice} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Info {
        parse(
            "# Server\r\nredis_version:7.0.15\r\ncluster_enabled:0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n\
             aof_enabled:1\r\nconnected_slaves:0\r\n",
        )
    }

    #[test]
    fn what_is_unsafe_is_refused_with_what_to_set() {
        assert_eq!(judge(&good(), &Topology::Single, Level::Redis), Ok(()));
        let cases = [
            ("redis_version", "6.2.14", Level::Redis, "too old"),
            ("maxmemory_policy", "allkeys-lru", Level::Redis, "maxmemory-policy noeviction"),
            ("aof_enabled", "0", Level::Redis, "appendonly yes"),
            ("role", "slave", Level::Redis, "replica"),
            ("cluster_enabled", "1", Level::Redis, "redis.topology"),
            ("connected_slaves", "0", Level::RedisReplica, "no replica"),
        ];
        for (name, value, level, said) in cases {
            let mut info = good();
            info.insert(name.to_owned(), value.to_owned());
            let refused = judge(&info, &Topology::Single, level).unwrap_err();
            assert!(refused.contains(said), "{name}: {refused}");
        }
        let mut info = good();
        info.insert("aof_enabled".to_owned(), "0".to_owned());
        assert_eq!(judge(&info, &Topology::Single, Level::RedisDisk), Ok(()), "the node's own disk has it");
    }
}
