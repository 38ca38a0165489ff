//! A connection to Redis, whatever its topology: many commands under way at once, answered in order.

use std::sync::Once;

use redis::aio::{ConnectionLike as _, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    RedisError, RedisResult, ServerErrorKind, TlsCertificates, TlsMode, Value, cmd,
};

use super::place::{Place, Topology};
use super::scripts::Script;

/// A connection. Clones share it.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Many(ClusterConnection),
}

impl Link {
    /// Connects to whatever is the primary now.
    pub(super) async fn dial(place: &Place) -> RedisResult<Self> {
        match &place.topology {
            Topology::Single => single(place).await.map(Self::One),
            Topology::Sentinel(name) => {
                let connected =
                    sentinels(place, name)?.get_async_connection_with_config(&config(place)).await;
                connected.map(Self::One)
            }
            Topology::Cluster => cluster(place).await.map(Self::Many),
        }
    }

    /// Sends a command to where its key is.
    pub(super) async fn call(&self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::One(one) => one.clone().req_packed_command(command).await,
            Self::Many(many) => many.clone().req_packed_command(command).await,
        };
        answer.and_then(Value::extract_error)
    }

    /// Sends a command without a key to where this key is.
    pub(super) async fn call_at(&self, key: &[u8], command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(_) => self.call(command).await,
            Self::Many(many) => {
                let route = Route::new(slot(key), SlotAddr::Master);
                let routing = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route));
                many.clone().route_command(command.clone(), routing).await.and_then(Value::extract_error)
            }
        }
    }

    /// Sends a command to every primary.
    pub(super) async fn call_all(&self, command: &Cmd) -> RedisResult<Vec<Value>> {
        match self {
            Self::One(_) => Ok(vec![self.call(command).await?]),
            Self::Many(many) => {
                let routing = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                match many.clone().route_command(command.clone(), routing).await? {
                    Value::Map(answers) => Ok(answers.into_iter().map(|(_, answer)| answer).collect()),
                    other => Ok(vec![other]),
                }
            }
        }
    }

    /// Runs a script where its first key is; Redis is given it if it does not have it.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[&[u8]],
        arguments: Arguments<'_>,
    ) -> RedisResult<Value> {
        let evaluate = |name: &str, what: &str| {
            let mut command = cmd(name);
            command.arg(what).arg(keys.len()).arg(keys);
            arguments(&mut command);
            command
        };
        match self.call(&evaluate("EVALSHA", script.hash())).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.call(&evaluate("EVAL", script.code)).await
            }
            answer => answer,
        }
    }
}

/// Adds a script's arguments to a command.
pub(super) type Arguments<'a> = &'a (dyn Fn(&mut Cmd) + Sync);

/// The slot of a key: CRC-16/XMODEM of its hash tag, modulo 16,384 (Redis Cluster specification, "Key distribution model").
fn slot(key: &[u8]) -> u16 {
    let open = key.iter().position(|byte| *byte == b'{').map(|at| &key[at + 1..]);
    let tag = open.and_then(|rest| rest.iter().position(|byte| *byte == b'}').map(|end| &rest[..end]));
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.iter().fold(0u16, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 },
        )
    });
    crc % 16_384
}

fn certificates(place: &Place) -> RedisResult<TlsCertificates> {
    static PROVIDER: Once = Once::new();
    // The library asks for the process's provider; one that is there already is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
    let root_cert = match &place.ca {
        Some(path) => Some(std::fs::read(path).map_err(RedisError::from)?),
        None => None,
    };
    Ok(TlsCertificates { client_tls: None, root_cert })
}

fn is_tls(info: &ConnectionInfo) -> bool {
    matches!(info.addr(), ConnectionAddr::TcpTls { .. })
}

/// An address with user and password.
fn info(place: &Place, url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let mut settings = info.redis_settings().clone();
    if let Some(user) = &place.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &place.password {
        settings = settings.set_password(password);
    }
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

fn config(place: &Place) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(place.timeout))
        .set_response_timeout(Some(place.timeout))
}

/// A client for each address.
fn clients(place: &Place) -> RedisResult<Vec<Client>> {
    let certificates = certificates(place)?;
    let client = |url: &String| {
        let info = info(place, url)?;
        if is_tls(&info) { Client::build_with_tls(info, certificates.clone()) } else { Client::open(info) }
    };
    place.urls.iter().map(client).collect()
}

async fn single(place: &Place) -> RedisResult<MultiplexedConnection> {
    let mut failure = RedisError::from((ErrorKind::InvalidClientConfig, "no address"));
    for client in clients(place)? {
        match client.get_multiplexed_async_connection_with_config(&config(place)).await {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Subscribes to a channel. In a Cluster every node hears what is published on any.
pub(super) async fn subscribe(place: &Place, channel: &[u8]) -> RedisResult<PubSub> {
    let clients = match &place.topology {
        Topology::Sentinel(name) => vec![sentinels(place, name)?.async_get_client().await?],
        Topology::Single | Topology::Cluster => clients(place)?,
    };
    let mut failure = RedisError::from((ErrorKind::InvalidClientConfig, "no address"));
    for client in clients {
        let subscribed = async {
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(channel).await?;
            Ok(subscription)
        };
        match tokio::time::timeout(place.timeout, subscribed).await {
            Ok(Ok(subscription)) => return Ok(subscription),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = RedisError::from((ErrorKind::Client, "no answer in time")),
        }
    }
    Err(failure)
}

fn sentinels(place: &Place, name: &str) -> RedisResult<SentinelClient> {
    let certificates = certificates(place)?;
    let sentinels = place.urls.iter().map(|url| info(place, url)).collect::<RedisResult<Vec<_>>>()?;
    let tls = sentinels.iter().any(is_tls);
    let addresses: Vec<_> = sentinels.iter().map(|it| it.addr().clone()).collect();
    let mut builder = SentinelClientBuilder::new(addresses, name, SentinelServerType::Master)?;
    if tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(certificates);
    }
    if let Some(settings) = sentinels.first().map(ConnectionInfo::redis_settings) {
        if let Some(user) = settings.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
    }
    builder.build()
}

async fn cluster(place: &Place) -> RedisResult<ClusterConnection> {
    let certificates = certificates(place)?;
    let nodes = place.urls.iter().map(|url| info(place, url)).collect::<RedisResult<Vec<_>>>()?;
    let tls = nodes.iter().any(is_tls);
    let mut builder = ClusterClient::builder(nodes)
        .connection_timeout(place.timeout)
        .response_timeout(place.timeout)
        .retries(2);
    if tls {
        builder = builder.tls(TlsMode::Secure).certs(certificates);
    }
    builder.build()?.get_async_connection().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // The check value of CRC-16/XMODEM, and keys whose slots `CLUSTER KEYSLOT` tells.
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"sb:{foo}:log"), slot(b"foo"));
        assert_ne!(slot(b"sb:{}:log"), slot(b""));
    }
}
