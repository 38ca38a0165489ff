//! Values that have the right form and make no sense, together or alone.

use super::Config;

impl Config {
    /// What makes no sense: the key, and why.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        match self.level.parse::<log_store::Level>() {
            Err(error) => faults.push(("level", format!("cannot be used: {error}"))),
            Ok(level) if level.on_redis() && !self.redis.is_set() => {
                faults.push(("level", format!("{level} needs Redis: say where it is with `redis.urls`")));
            }
            Ok(level) if !level.on_redis() && self.redis.is_set() => {
                let detail = format!(
                    "{level} is without Redis, and `redis.urls` names one: use redis+disk, redis or redis+replica"
                );
                faults.push(("level", detail));
            }
            Ok(_) => {}
        }
        faults.extend(self.redis.check());
        if !(1..=1_024).contains(&self.shards) {
            faults.push(("shards", "must be 1 to 1,024".into()));
        }
        if self.public_url.as_deref().is_some_and(|url| !is_origin(url)) {
            faults.push((
                "public_url",
                "must be scheme and host, such as `https://chat.example.com`, without a path".into(),
            ));
        }
        let (limits, sessions) = (&self.limits, &self.sessions);
        if limits.text_bytes > limits.frame_bytes {
            faults.push((
                "limits.text_bytes",
                "must not be above `limits.frame_bytes`: the text would not fit its frame".into(),
            ));
        }
        for (key, value, least) in [
            ("limits.connections", limits.connections, 1),
            ("limits.connections_per_source", limits.connections_per_source, 1),
            ("limits.handshakes", limits.handshakes, 1),
            ("limits.frame_bytes", limits.frame_bytes, 1_024),
            ("limits.text_bytes", limits.text_bytes, 1),
            ("limits.sessions", limits.sessions, 1),
            ("limits.body_bytes", limits.body_bytes, 1_024),
            ("limits.shard_queue", limits.shard_queue, 1),
            ("limits.frames_per_s", wide(limits.frames_per_s), 1),
            ("limits.frames_burst", wide(limits.frames_burst), 1),
            ("limits.requests_per_s", wide(limits.requests_per_s), 1),
            ("limits.requests_burst", wide(limits.requests_burst), 1),
            ("limits.header_timeout_ms", wide(limits.header_timeout_ms), 100),
            ("sessions.heartbeat_ms", wide(sessions.heartbeat_ms), 100),
            ("sessions.ring_events", sessions.ring_events, 2),
            ("sessions.ring_bytes", sessions.ring_bytes, 1_024),
            ("sessions.write_timeout_ms", wide(sessions.write_timeout_ms), 100),
            ("sessions.ticket_ms", wide(sessions.ticket_ms), 1_000),
        ] {
            if value < least {
                faults.push((key, format!("must be {least} or more")));
            }
        }
        if !(1..=720).contains(&sessions.sign_in_hours) {
            faults.push(("sessions.sign_in_hours", "must be 1 to 720 (30 days)".into()));
        }
        if self.retention.hot_days > 3_650 {
            faults.push(("retention.hot_days", "must be 3,650 (ten years) at most".into()));
        }
        if self.snapshots.every_events == 0 {
            faults.push(("snapshots.every_events", "must be 1 or more".into()));
        }
        faults
    }
}

fn wide(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// An origin as browsers write it: lower case, no default port, no slash at the end.
#[must_use]
pub fn origin(text: &str) -> String {
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let port = if text.starts_with("https:") { ":443" } else { ":80" };
    text.strip_suffix(port).unwrap_or(&text).to_owned()
}

/// Whether this is what a browser calls an origin.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
        && host.parse::<axum::http::uri::Authority>().is_ok_and(|it| !it.host().is_empty())
}
