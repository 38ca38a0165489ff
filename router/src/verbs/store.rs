//! Verbs on a store: tokens, workspaces, backups.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use engine::{Command, CommandKind, Engine};
use log_store::{Batch, Level, Log, Options, Position, ShardId};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::time::Timestamp;

use super::policy::read_policy;
use super::say;
use crate::accounts::{Accounts, Role, WorkspaceRecord};
use crate::cli;
use crate::client::Remote;
use crate::config::{Config, Overrides, Sessions};
use crate::server::Server;
use crate::shard;

fn options(data: &Path) -> Options {
    Options { path: data.to_path_buf(), level: Level::Disk, archive_days: 30 }
}

pub(super) async fn accounts(data: &Path) -> anyhow::Result<(Arc<dyn Log>, Arc<Accounts>)> {
    let log = log_store::open(&options(data))?;
    let accounts = Accounts::open(Arc::clone(&log), Sessions::default().sign_in_hours, None).await?;
    Ok((log, accounts))
}

fn now_ms() -> i64 {
    crate::clock::Clock::default().now().0
}

/// A workspace by its name.
pub(super) fn workspace_named(accounts: &Accounts, name: &str) -> anyhow::Result<WorkspaceRecord> {
    accounts.workspace_named(name).with_context(|| {
        let names: Vec<_> = accounts.workspaces().into_iter().map(|it| it.name).collect();
        format!("there is no workspace {name}; there are: {}", names.join(", "))
    })
}

/// `switchboard token`
pub(super) async fn token(verb: cli::Token) -> anyhow::Result<()> {
    match verb {
        cli::Token::Create { data, workspace, agent, days } => {
            let (log, accounts) = accounts(&data).await?;
            let record = workspace_named(&accounts, &workspace)?;
            let user = accounts.users(record.id).into_iter().find(|it| it.sign_in == agent);
            let user = user.with_context(|| format!("nobody signs in as {agent} in {workspace}"))?;
            let (token, _) = accounts.issue_token(record.id, user.agent, days, now_ms()).await?;
            log.close();
            say(&token)
        }
        cli::Token::Operator { data } => {
            let (log, accounts) = accounts(&data).await?;
            let token = accounts.reissue_operator_token().await?;
            log.close();
            say(&token)
        }
    }
}

/// `switchboard workspace`
pub(super) async fn workspace(verb: cli::Workspace) -> anyhow::Result<()> {
    match verb {
        cli::Workspace::List { data } => {
            let (log, accounts) = accounts(&data).await?;
            for record in accounts.workspaces() {
                say(&format!("{}  {}  widget {}", record.name, record.id, record.widget))?;
            }
            log.close();
            Ok(())
        }
        cli::Workspace::Create { name, data, company, policy } => {
            let document = policy.as_deref().map(read_policy).transpose()?;
            let listen = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
            let overrides = Overrides { listen, data: Some(data), level: None };
            let server = Server::start(Config::load(None, crate::config::environment(), overrides)?).await?;
            let record =
                crate::api::make_workspace(&server.app, &name, company.as_deref().unwrap_or(&name), document)
                    .await?;
            let accounts = &server.app.accounts;
            let agent = AgentId::from_bits(uuid::Uuid::now_v7().as_u128());
            accounts.put_user(record.id, agent, "operator", "Operator", "person", Role::Admin, None).await?;
            let (token, _) = accounts.issue_token(record.id, agent, 365, now_ms()).await?;
            say(&format!(
                "workspace {name} ({})\n  widget key       {}\n  identity secret  {}\n  admin token      {token}\nThese are shown this once.",
                record.id, record.widget, record.identity_secret
            ))?;
            super::tell_operator(accounts)?;
            server.drain().await;
            Ok(())
        }
    }
}

/// `switchboard backup`
pub(super) async fn backup(arguments: cli::Backup) -> anyhow::Result<()> {
    let to = std::path::absolute(&arguments.to)?;
    let manifest = match (arguments.url, arguments.token) {
        (Some(url), Some(token)) => {
            let body = protocol::BackupInput { to: to.display().to_string() };
            let server = Remote::at(&url, arguments.ca.as_deref())?;
            server.post::<serde_json::Value>("/api/v1/backup", Some(&token), &body).await?.to_string()
        }
        _ => {
            let log = log_store::open(&options(&arguments.data))?;
            let manifest = log_store::backup::backup(&*log, &arguments.data, &to)?;
            log.close();
            serde_json::to_string(&manifest)?
        }
    };
    say(&format!(
        "the backup is in {}: {manifest}\nKeep its folder keys/ elsewhere; see the README there.",
        to.display()
    ))
}

/// `switchboard restore`
pub(super) async fn restore(arguments: cli::Restore) -> anyhow::Result<()> {
    let options = options(&arguments.data);
    let manifest =
        log_store::backup::restore(&arguments.from, &arguments.data, || log_store::open(&options)).await?;
    let log = log_store::open(&options)?;
    let mut events = 0;
    for (number, position) in &manifest.positions {
        let recovered = shard::recover(ShardId(*number), &*log).with_context(|| format!("shard {number}"))?;
        anyhow::ensure!(
            recovered.position.0 == *position,
            "shard {number} came back at {:?}",
            recovered.position
        );
        let hash = recovered.engine.to_snapshot().map(|bytes| shard::state_hash(&bytes))?;
        say(&format!("shard {number}: {position} events, state {hash:016x}"))?;
        events += position;
    }
    log.close();
    say(&format!("restored {events} events and {} rows; the store is whole", manifest.rows))
}

/// `switchboard bench-log`
pub(super) async fn bench_log(arguments: cli::BenchLog) -> anyhow::Result<()> {
    let log = log_store::open(&Options { level: Level::Os, ..options(&arguments.data) })?;
    let workspace = WorkspaceId::from_bits(1);
    let shard = ShardId(shard::shard_of(workspace, 16));
    let mut engine = Engine::new();
    let mut events = Vec::new();
    let mut position = Position(0);
    let mut made = 0u64;
    let mut turn = 0u128;
    let mut at = Timestamp(1_700_000_000_000);
    let mut next = |kind| {
        turn += 1;
        (turn, Command { id: CommandId::from_bits(turn), workspace, kind })
    };
    let (_, first) = next(CommandKind::CreateWorkspace);
    engine.handle(at, &first, &mut events)?;
    while made < arguments.events {
        // Twenty customers in turn, so that conversations have many messages, as they do.
        for customer in 0..20 {
            at.0 += 7;
            let (turn, command) = next(CommandKind::ReceiveMessage {
                customer: CustomerId::from_bits(customer),
                contact_point: ContactPointId::from_bits(customer),
                channel: "web_chat".into(),
                to: None,
                new: ConversationId::from_bits(customer << 64 | 1),
                message: MessageId::from_bits(made.into()),
                size: 120,
                language: None,
                topics: Vec::new(),
                known_agent: None,
                holds: Vec::new(),
            });
            tracing::trace!(%turn, "made");
            engine.handle(at, &command, &mut events)?;
        }
        if events.len() >= 200 {
            let records =
                events.drain(..).map(|event| engine::record::write(&event)).collect::<Result<Vec<_>, _>>()?;
            made += records.len() as u64;
            let batch = Batch { shard, expected: position, records, writes: Vec::new() };
            position = log.append(batch).await?;
        }
    }
    log.close();
    say(&format!("{made} events"))
}
