//! Ended conversations leave Redis for the blob store once nothing was said in them for `retention.hot_days`. A thread of its own
//! walks over what is there and writes the segments; the shard's task takes one conversation after another out of the store, in a
//! batch like any other, while nothing else is on its way there. So whoever reads finds each either here or there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use log_store::segments::{CONVERSATION, Leave, Leaving, WithSegments};
use log_store::{Log as _, ShardId, Table};
use policy::id::{ConversationId, WorkspaceId};
use policy::time::{Span, Timestamp};
use tokio::task::JoinHandle;

use super::state::{Effect, State};
use super::tails::Header;

/// Conversations that are gathered before they leave.
const GATHERED: usize = 64;
/// Between two that leave.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two walks over everything: a part of the time that they stay, within these bounds.
const ROUNDS: i64 = 24;
const ROUND_MIN: Span = Span::seconds(1);
const ROUND_MAX: Span = Span::seconds(3_600);
/// The first one waits for so long at most: a node that starts has other things to do.
const FIRST_MAX: Span = Span::seconds(60);

type Walked = Result<(Vec<Leaving>, u64), String>;

/// What a shard knows of conversations that leave.
#[derive(Default)]
pub(super) struct Cooling {
    walking: Option<JoinHandle<Walked>>,
    ready: VecDeque<Leaving>,
    /// Where the walk goes on; 0 is the beginning.
    from: u64,
    next: Option<Timestamp>,
    left: Option<Instant>,
}

/// Walks over a page of what is there, and writes the segments of what ended before a time.
fn walk(log: &WithSegments, shard: ShardId, from: u64, before: Timestamp) -> Walked {
    let _turn = log.turn();
    let text = |error: log_store::ReadError| error.to_string();
    let Some((keys, next)) = log.conversations(shard, from).map_err(text)? else {
        return Ok((Vec::new(), 0));
    };
    let mut found = Vec::new();
    for conversation in keys.iter().filter_map(|key| key.first_chunk::<CONVERSATION>()) {
        let header =
            log.get(shard, Table::Transcripts, &[&conversation[..], &[0; 8]].concat()).map_err(text)?;
        let header = header.and_then(|bytes| postcard::from_bytes::<Header>(&bytes).ok());
        if header.and_then(|it| it.closed).is_none_or(|it| it.active >= before) {
            continue;
        }
        match log.gather(shard, *conversation) {
            Ok(leaving) => found.extend(leaving),
            // It stays where it is.
            Err(error) => {
                tracing::warn!(shard = shard.0, %error, "an ended conversation cannot leave the store");
            }
        }
        if found.len() == GATHERED {
            // The same page once more: what has left by then is passed by.
            return Ok((found, from));
        }
    }
    Ok((found, next))
}

fn ids(conversation: &[u8; CONVERSATION]) -> (WorkspaceId, ConversationId) {
    let (workspace, id) = conversation.split_at(CONVERSATION / 2);
    let bits = |half: &[u8]| half.first_chunk::<16>().map_or(0, |it| u128::from_be_bytes(*it));
    (WorkspaceId::from_bits(bits(workspace)), ConversationId::from_bits(bits(id)))
}

impl State {
    /// Looks for conversations that have been over for long enough.
    pub(super) fn see_to_cooling(&mut self) {
        let Some(segments) = self.parts.segments.clone() else { return };
        let (now, hot) =
            (self.now(), Span::seconds(i64::from(self.parts.config.retention.hot_days) * 86_400));
        let pause = Span(hot.0 / ROUNDS).clamp(ROUND_MIN, ROUND_MAX);
        let next = *self.cooling.next.get_or_insert(now + pause.min(FIRST_MAX));
        if let Some(walking) = &mut self.cooling.walking {
            let Some(done) = walking.now_or_never() else { return };
            self.cooling.walking = None;
            match done.map_err(|error| error.to_string()).flatten() {
                Ok((found, next)) => {
                    self.cooling.ready.extend(found);
                    self.cooling.from = next;
                }
                Err(error) => {
                    tracing::warn!(shard = self.id.0, %error, "ended conversations cannot be looked through");
                    self.cooling.from = 0;
                }
            }
            if self.cooling.from == 0 {
                self.cooling.next = Some(now + pause);
                return;
            }
        }
        if self.cooling.ready.is_empty() && next <= now {
            let (shard, from, before) = (self.id, self.cooling.from, Timestamp(now.0 - hot.0));
            self.cooling.walking =
                Some(tokio::task::spawn_blocking(move || walk(&segments, shard, from, before)));
        }
    }

    /// Takes one conversation out of the store. To be called while nothing is on its way there but what waits here.
    pub(super) fn let_one_leave(&mut self) {
        if self.cooling.ready.is_empty() || self.cooling.left.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        self.cooling.left = Some(Instant::now());
        let (Some(segments), Some(leaving)) = (self.parts.segments.clone(), self.cooling.ready.pop_front())
        else {
            return;
        };
        let conversation = leaving.conversation;
        let (workspace, id) = ids(&conversation);
        let open = self.engine.workspace(workspace).is_some_and(|it| it.conversations.contains_key(&id));
        let waits = self.pending.writes.iter().any(|write| write.key().starts_with(&conversation));
        if open || waits {
            return;
        }
        match segments.leave(self.id, leaving) {
            Ok(Some(Leave { writes, before })) => {
                self.pending.writes.extend(writes);
                self.parts.metrics.conversation_moved();
                if let Some(before) = before {
                    let forget = move || segments.forget(&conversation, before);
                    self.pending.effects.push(Effect::Tell(Box::new(forget)));
                }
            }
            // It comes again with the next round.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(shard = self.id.0, %error, "an ended conversation cannot leave the store");
            }
        }
    }
}
