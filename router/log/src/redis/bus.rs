//! What nodes have in common beside the log: who lives, words from one to another, and small values with an end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use redis::{FromRedisValue, RedisResult, Value, cmd};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::RedisLog;
use super::link;
use super::read::{Reader, unreadable};
use super::scripts;
use crate::ReadError;

/// Words that may wait for whoever listens.
const HEARD: usize = 4_096;
/// Before a broken connection is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Words to this node.
    Words(Vec<u8>),
    /// The connection broke and is there again: some words may be missing.
    Gap,
}

/// Some of a key's share of a limit that all nodes have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Whose share.
    pub key: String,
    /// One comes to it in so many microseconds.
    pub each_us: u64,
    /// So many may be taken at once.
    pub burst: u32,
    /// So many are taken.
    pub count: u32,
    /// Whether they are taken in any case, since they were let through already.
    pub anyway: bool,
}

/// The way to what nodes have in common. It has a connection of its own.
#[derive(Clone)]
pub struct Bus {
    handle: Handle,
    reader: Arc<Reader>,
}

impl RedisLog {
    /// The way to what nodes have in common.
    #[must_use]
    pub fn bus(&self) -> Bus {
        let reader = &self.inner.reader;
        let reader = Arc::new(Reader::lazy(reader.place.clone(), reader.layout.clone()));
        Bus { handle: self.handle.clone(), reader }
    }
}

impl Bus {
    /// Once, without a second try: whoever needs one knows better when.
    async fn once<T, F>(&self, work: impl FnOnce(Arc<Reader>) -> F) -> Result<T, ReadError>
    where
        T: FromRedisValue + Send + 'static,
        F: Future<Output = RedisResult<Value>> + Send + 'static,
    {
        let (reader, asked) = (Arc::clone(&self.reader), work(Arc::clone(&self.reader)));
        let answered = self.handle.spawn(async move {
            let answer = asked.await.and_then(|value| Ok(T::from_redis_value(value)?));
            if answer.is_err() {
                reader.forget_link().await;
            }
            answer.map_err(|error| unreadable(&error))
        });
        answered.await.unwrap_or_else(|_| Err(ReadError::Io("the store is closed".into())))
    }

    /// Says words to a node; says how many heard them.
    ///
    /// # Errors
    /// If Redis cannot be asked: then nobody knows.
    pub async fn say(&self, node: &str, words: Arc<Vec<u8>>) -> Result<u64, ReadError> {
        let node = node.to_owned();
        self.once(|reader| async move {
            let link = reader.link().await?;
            link.call(cmd("PUBLISH").arg(reader.layout.common(&node)).arg(&words[..])).await
        })
        .await
    }

    /// Hears what is said to a node. Silence for longer than `silence` counts as a broken connection, so the node has to
    /// say something to itself now and then.
    #[must_use]
    pub fn listen(&self, node: &str, silence: Duration) -> mpsc::Receiver<Heard> {
        let (tell, heard) = mpsc::channel(HEARD);
        let (reader, node) = (Arc::clone(&self.reader), node.to_owned());
        self.handle.spawn(async move {
            let channel = reader.layout.common(&node);
            loop {
                match link::subscribe(&reader.place, &channel).await {
                    Ok(mut subscription) => {
                        if tell.send(Heard::Gap).await.is_err() {
                            return;
                        }
                        let mut words = subscription.on_message();
                        while let Ok(Some(message)) = timeout(silence, words.next()).await {
                            let words = message.get_payload_bytes().to_vec();
                            if tell.send(Heard::Words(words)).await.is_err() {
                                return;
                            }
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the words of other nodes cannot be heard just now");
                    }
                }
                if tell.is_closed() {
                    return;
                }
                sleep(PAUSE).await;
            }
        });
        heard
    }

    /// Says that a node lives for so long, or, with no time, that it goes; says which nodes live.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn beat(&self, node: &str, keep: Duration) -> Result<Vec<String>, ReadError> {
        let node = node.to_owned();
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        self.once(move |reader| async move {
            let link = reader.link().await?;
            let key = reader.layout.common("nodes");
            let arguments = |command: &mut redis::Cmd| {
                command.arg(&node).arg(keep);
            };
            link.run(&scripts::BEAT, &[&key], &arguments).await
        })
        .await
    }

    /// Takes from shares, in one round trip; says of each how long to wait in milliseconds, 0 where that much could be had.
    ///
    /// # Errors
    /// If Redis cannot be asked: then nobody knows what was taken.
    pub async fn spend(&self, spends: Vec<Spend>) -> Result<Vec<u64>, ReadError> {
        self.once(|reader| async move {
            let link = reader.link().await?;
            let asked = spends.iter().map(|it| {
                let (link, key) = (link.clone(), reader.layout.common(&format!("rate:{}", it.key)));
                async move {
                    let arguments = |command: &mut redis::Cmd| {
                        command.arg(it.each_us).arg(it.burst).arg(it.count).arg(u8::from(it.anyway));
                    };
                    link.run(&scripts::SPEND, &[&key], &arguments).await
                }
            });
            let waits: RedisResult<Vec<Value>> = join_all(asked).await.into_iter().collect();
            waits.map(Value::Array)
        })
        .await
    }

    /// Keeps a value for so long.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn put(&self, name: &str, value: Vec<u8>, keep: Duration) -> Result<(), ReadError> {
        let name = name.to_owned();
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        self.once(move |reader| async move {
            let link = reader.link().await?;
            link.call(cmd("SET").arg(reader.layout.common(&name)).arg(value).arg("PX").arg(keep)).await
        })
        .await
    }

    /// A value that is kept.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn look(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let name = name.to_owned();
        self.once(move |reader| async move {
            let link = reader.link().await?;
            link.call(cmd("GET").arg(reader.layout.common(&name))).await
        })
        .await
    }

    /// Takes a value away; of several who try only one gets it.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn take(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let name = name.to_owned();
        self.once(move |reader| async move {
            let link = reader.link().await?;
            link.call(cmd("GETDEL").arg(reader.layout.common(&name))).await
        })
        .await
    }

    /// Keeps a value unless there is one, for so long or for ever; says which one there was.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn claim(
        &self,
        name: &str,
        value: Vec<u8>,
        keep: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let name = name.to_owned();
        self.once(move |reader| async move {
            let link = reader.link().await?;
            let mut set = cmd("SET");
            set.arg(reader.layout.common(&name)).arg(value).arg("NX").arg("GET");
            if let Some(keep) = keep {
                set.arg("PX").arg(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
            }
            link.call(&set).await
        })
        .await
    }
}
