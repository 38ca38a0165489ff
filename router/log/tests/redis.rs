//! The store on real Redis servers keeps the contract and its promises: alone, with TLS and few rights, as a Cluster; fenced,
//! restarted, rolled back, full, busy, unsafe.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::redis::{Place, RedisLog, Taken, Topology};
use log_store::{AppendError, Batch, Level, Log, OpenError, Options, Position, ShardId, Table, Write};
use rustix::process::Signal;
use servers::{Redis, there};

const SHARD: ShardId = ShardId(3);
const HOLD: Duration = Duration::from_secs(60);

fn options(path: &Path, level: Level) -> Options {
    Options { path: path.into(), level, archive_days: 30 }
}

fn open(path: &Path, level: Level, place: &Place) -> Result<RedisLog, OpenError> {
    RedisLog::open(&options(path, level), place)
}

/// One record, and a row that says the same.
fn batch(expected: u64) -> Batch {
    let number = expected + 1;
    let put = Write::Put { table: Table::Customers, key: number.to_be_bytes().into(), value: b"row".into() };
    Batch {
        shard: SHARD,
        expected: Position(expected),
        records: vec![format!("record {number}").into_bytes()],
        writes: vec![put],
    }
}

/// Whether exactly the records 1 to `count` are there, each with its row.
fn assert_whole(log: &dyn Log, count: u64) {
    let entries = log.read(SHARD, Position(0), usize::MAX).unwrap();
    assert_eq!(entries.len() as u64, count);
    for (entry, number) in entries.iter().zip(1u64..) {
        assert_eq!((entry.position.0, &entry.record[..]), (number, format!("record {number}").as_bytes()));
        let row = log.get(SHARD, Table::Customers, &number.to_be_bytes()).unwrap();
        assert_eq!(row.as_deref(), Some(&b"row"[..]), "record {number} has no row");
    }
    let next = log.get(SHARD, Table::Customers, &(count + 1).to_be_bytes()).unwrap();
    assert_eq!(next, None, "a row without its record");
}

async fn append_to(log: &dyn Log, from: u64, to: u64) {
    for expected in from..to {
        assert_eq!(log.append(batch(expected)).await.unwrap(), Position(expected + 1));
    }
}

async fn contract(level: Level, place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Log> { Arc::new(open(folder.path(), level, place).unwrap()) };
    let reopen = |log: Arc<dyn Log>| {
        log.close();
        open()
    };
    log_store::contract::run(open(), reopen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract_at_every_level() {
    if !there() {
        return;
    }
    for level in [Level::Redis, Level::RedisDisk] {
        let redis = Redis::durable();
        contract(level, &Place::single(&redis.url())).await;
    }
    let primary = Redis::durable();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    replica.cli_until(&["INFO", "replication"], "master_link_status:up");
    contract(Level::RedisReplica, &Place::single(&primary.url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_the_contract() {
    if !there() {
        return;
    }
    let nodes: Vec<_> = (0..3)
        .map(|_| {
            Redis::start(&[
                "--cluster-enabled",
                "yes",
                "--appendonly",
                "yes",
                "--cluster-node-timeout",
                "2000",
            ])
        })
        .collect();
    let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut create = vec!["--cluster", "create"];
    create.extend(addresses.iter().map(String::as_str));
    create.extend(["--cluster-replicas", "0", "--cluster-yes"]);
    nodes[0].cli(&create);
    nodes.iter().for_each(|node| node.cli_until(&["CLUSTER", "INFO"], "cluster_state:ok"));
    let place = Place { topology: Topology::Cluster, ..Place::single(&nodes[0].url()) };
    contract(Level::Redis, &place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_over_tls_with_the_rights_in_deploy() {
    if !there() {
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    let (cert, key) = (keys.path().join("cert.pem"), keys.path().join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("skipped: openssl is not installed");
        return;
    }
    let rights = include_str!("../../../deploy/redis/users.acl");
    // The SHA-256 of "secret".
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let users = keys.path().join("users.acl");
    // Redis takes no comments in an ACL file.
    let lines: Vec<_> = rights.lines().filter(|line| !line.starts_with('#')).collect();
    std::fs::write(&users, lines.join("\n").replace(&"0".repeat(64), hash)).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let tls = servers::free_port();
    let _redis = Redis::start(&[
        "--appendonly",
        "yes",
        "--aclfile",
        &text(&users),
        "--tls-port",
        &tls.to_string(),
        "--tls-cert-file",
        &text(&cert),
        "--tls-key-file",
        &text(&key),
        "--tls-ca-cert-file",
        &text(&cert),
        "--tls-auth-clients",
        "no",
    ]);
    let mut place = Place::single(&format!("rediss://localhost:{tls}"));
    place.user = Some("switchboard".into());
    place.password = Some("secret".into());
    place.ca = Some(cert);
    contract(Level::Redis, &place).await;
    place.password = Some("wrong".into());
    let folder = tempfile::tempdir().unwrap();
    let refused = open(folder.path(), Level::Redis, &place).err().unwrap().to_string();
    assert!(refused.contains("redis.password") && !refused.contains("wrong"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsafe_redis_is_refused_with_what_to_set() {
    if !there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = |redis: &Redis, level| {
        open(folder.path(), level, &Place::single(&redis.url()))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let evicting = Redis::start(&["--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"]);
    assert!(refused(&evicting, Level::Redis).contains("maxmemory-policy noeviction"));
    let forgetful = Redis::start(&[]);
    assert!(refused(&forgetful, Level::Redis).contains("appendonly yes"));
    let good = Redis::durable();
    assert!(refused(&good, Level::RedisReplica).contains("no replica"));
    let replica = Redis::start(&["--appendonly", "yes", "--replicaof", "127.0.0.1", &good.port.to_string()]);
    assert!(refused(&replica, Level::Redis).contains("it is a replica"));
    good.cli(&["SET", "switchboard:{node}:format", "9"]);
    assert!(refused(&good, Level::Redis).contains("newer version"));
    let port = servers::free_port();
    let nobody = open(folder.path(), Level::Redis, &Place::single(&format!("redis://127.0.0.1:{port}")));
    assert!(nobody.err().unwrap().to_string().contains("cannot be reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_has_one_owner_and_the_one_before_is_refused() {
    if !there() {
        return;
    }
    let redis = Redis::durable();
    let folder = tempfile::tempdir().unwrap();
    let place = Place::single(&redis.url());
    let node = || open(folder.path(), Level::Redis, &place).unwrap();
    let (a, b) = (node(), node());
    let short = Duration::from_millis(300);
    let Taken::Ours(first) = a.acquire(SHARD, "a", short).await.unwrap() else { panic!("nobody had it") };
    append_to(&a, 0, 2).await;
    assert!(matches!(b.acquire(SHARD, "b", short).await.unwrap(), Taken::Others(by, _) if by == "a"));
    assert_eq!(b.owners(8).await.unwrap()[3], Some((first, "a".to_owned())));
    assert_eq!(a.renew(&[(SHARD, first)], "a", short).await.unwrap(), [true]);
    // It runs out; nobody has it, so that who had it may still go on.
    tokio::time::sleep(short * 2).await;
    append_to(&a, 2, 3).await;
    let Taken::Ours(second) = b.acquire(SHARD, "b", HOLD).await.unwrap() else { panic!("it had run out") };
    assert!(second > first);
    let late = a.append(batch(3)).await;
    assert!(matches!(late, Err(AppendError::Fenced { .. })), "{late:?}");
    assert_eq!(a.renew(&[(SHARD, first)], "a", short).await.unwrap(), [false]);
    append_to(&b, 3, 5).await;
    assert_whole(&b, 5);
    // Given back, it is taken at once.
    b.release(SHARD, second, "b").await.unwrap();
    assert!(matches!(a.acquire(SHARD, "a", HOLD).await.unwrap(), Taken::Ours(third) if third > second));
    assert!(matches!(b.append(batch(5)).await, Err(AppendError::Fenced { .. })));
    append_to(&a, 5, 6).await;
    assert_whole(&a, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_several_writers_without_a_lease_are_all_there() {
    if !there() {
        return;
    }
    let redis = Redis::durable();
    let folder = tempfile::tempdir().unwrap();
    let place = Place::single(&redis.url());
    let writers: Vec<_> =
        (0u8..3).map(|_| Arc::new(open(folder.path(), Level::Redis, &place).unwrap())).collect();
    let rows = |writer: u8, number: u8| {
        let writes =
            vec![Write::Put { table: Table::Accounts, key: vec![1, writer, number], value: vec![number] }];
        Batch { shard: SHARD, expected: Position(0), records: Vec::new(), writes }
    };
    for number in 0..50 {
        for (writer, log) in (0..).zip(&writers) {
            // In turn, so that each finds its head moved; and then all at once.
            log.append(rows(writer, number)).await.unwrap();
        }
    }
    let together = (0..).zip(&writers).map(|(writer, log)| {
        let (log, batches) =
            (Arc::clone(log), (50..100).map(|number| rows(writer, number)).collect::<Vec<_>>());
        tokio::spawn(async move {
            for batch in batches {
                log.append(batch).await.unwrap();
            }
        })
    });
    for done in together.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    let found = writers[0].scan(SHARD, Table::Accounts, &[1], &[2], usize::MAX, false).unwrap();
    assert_eq!(found.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_restarted_under_load_redis_has_everything_once() {
    if !there() {
        return;
    }
    let mut redis = Redis::durable();
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(open(folder.path(), Level::Redis, &Place::single(&redis.url())).unwrap());
    log.acquire(SHARD, "a", HOLD).await.unwrap();
    let writer = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { append_to(&*log, 0, 3_000).await })
    };
    for pause in [37, 91, 140] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        redis.kill();
        tokio::time::sleep(Duration::from_millis(60)).await;
        redis.start_again();
    }
    writer.await.unwrap();
    assert_whole(&*log, 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_lost_with_a_lagging_replica_gets_its_tail_back_from_the_living_owner() {
    if !there() {
        return;
    }
    let mut primary = Redis::durable();
    let replica =
        Redis::start(&["--appendonly", "yes", "--replicaof", "127.0.0.1", &primary.port.to_string()]);
    replica.cli_until(&["INFO", "replication"], "master_link_status:up");
    let folder = tempfile::tempdir().unwrap();
    let place = Place { urls: vec![primary.url(), replica.url()], ..Place::single("") };
    let log = open(folder.path(), Level::Redis, &place).unwrap();
    log.acquire(SHARD, "a", HOLD).await.unwrap();
    append_to(&log, 0, 50).await;
    replica.cli_until(&["GET", "switchboard:{3}:head"], "-50-");
    replica.signal(Signal::STOP);
    append_to(&log, 50, 150).await;
    primary.kill();
    replica.signal(Signal::CONT);
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    let behind = replica.cli(&["GET", "switchboard:{3}:head"]);
    append_to(&log, 150, 151).await;
    println!("the replica was at {}", behind.trim());
    assert_whole(&log, 151);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_own_disk_gives_back_what_redis_has_forgotten() {
    if !there() {
        return;
    }
    // Without a journal: it comes back empty.
    let mut redis = Redis::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let place = Place::single(&redis.url());
    let log = open(folder.path(), Level::RedisDisk, &place).unwrap();
    log.acquire(SHARD, "a", HOLD).await.unwrap();
    append_to(&log, 0, 200).await;
    log.close();
    redis.kill();
    redis.start_again();
    assert!(redis.cli(&["DBSIZE"]).starts_with('0'));
    let log = open(folder.path(), Level::RedisDisk, &place).unwrap();
    log.acquire(SHARD, "a", HOLD).await.unwrap();
    append_to(&log, 200, 201).await;
    assert_whole(&log, 201);
}

/// Waits until the store says this of itself.
async fn until(log: &dyn Log, said: &str) {
    let begun = Instant::now();
    loop {
        let health = log.health();
        if health.detail.as_deref().unwrap_or_default().contains(said) {
            assert_eq!(health.writable, said.is_empty());
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "the store says {health:?} and not {said:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_is_waited_for_and_the_cause_is_named() {
    if !there() {
        return;
    }
    let redis = Redis::durable();
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::single(&redis.url());
    place.timeout = Duration::from_millis(300);
    let log = Arc::new(open(folder.path(), Level::Redis, &place).unwrap());
    log.acquire(SHARD, "a", HOLD).await.unwrap();
    append_to(&*log, 0, 1).await;
    let log_key = "switchboard:{3}:customers:";
    let causes: [(&[&str], &[&str], &str); 5] = [
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"], "memory is full"),
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
            "replicas",
        ),
        (&["RENAME", log_key, "kept"], &["RENAME", "kept", log_key], "another type"),
        (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"], "replica"),
        (&["CLIENT", "PAUSE", "700", "WRITE"], &["CLIENT", "UNPAUSE"], "does not answer"),
    ];
    for ((break_it, mend_it, said), at) in causes.into_iter().zip(1..) {
        redis.cli(break_it);
        if said == "another type" {
            redis.cli(&["SET", log_key, "somebody else's"]);
        }
        let append = {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.append(batch(at)).await })
        };
        until(&*log, said).await;
        assert!(!append.is_finished(), "{said}: acknowledged all the same");
        redis.cli(mend_it);
        assert_eq!(append.await.unwrap().unwrap(), Position(at + 1), "{said}");
        until(&*log, "").await;
    }
    // Another program's script that does not end.
    redis.cli(&["CONFIG", "SET", "busy-reply-threshold", "50"]);
    let (port, code) = (redis.port.to_string(), ["EVAL", "while true do end", "0"]);
    let mut script =
        Command::new("redis-cli").args(["-p", &port]).args(code).stdout(Stdio::null()).spawn().unwrap();
    redis.cli_until(&["PING"], "BUSY");
    let append = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append(batch(6)).await })
    };
    until(&*log, "SCRIPT KILL").await;
    assert!(!append.is_finished());
    redis.cli(&["SCRIPT", "KILL"]);
    script.wait().unwrap();
    assert_eq!(append.await.unwrap().unwrap(), Position(7));
    until(&*log, "").await;
    assert_whole(&*log, 7);
}
