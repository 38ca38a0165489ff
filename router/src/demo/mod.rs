//! A small company to try things on: a shop with a policy, a bot, people to write with, and simulated customers and
//! colleagues. They are clients like any other: they speak the session protocol over the wire.

mod bot;
mod client;
mod customers;
mod people;
mod phrases;

use anyhow::Context;
use protocol::{AgentInput, DemoLinks, DemoSignIn};
use tracing::info;

use crate::accounts::WorkspaceRecord;
use crate::server::Server;

/// The demo company's policy document.
pub const POLICY: &str = include_str!("policy.toml");
/// The workspace's name.
const WORKSPACE: &str = "demo";
/// The company's name as customers see it.
const COMPANY: &str = "Harbour & Pine";
/// The sign-in of the person who tries the demo.
const SIGN_IN: (&str, &str) = ("ada", "harbour-demo");

/// Sets the demo workspace up (once), starts what is simulated (unless quiet), and returns the links.
///
/// # Errors
/// If the workspace cannot be made.
pub async fn start(server: &Server, quiet: bool) -> anyhow::Result<DemoLinks> {
    let record = workspace(server).await?;
    let app = &server.app;
    let operator = match app.accounts.operator_token_once() {
        Some(token) => token,
        None => app.accounts.reissue_operator_token().await?,
    };
    let sign_in = DemoSignIn {
        name: SIGN_IN.0.into(),
        password: SIGN_IN.1.into(),
        token: operator,
        widget_key: record.widget.clone(),
    };
    // Set once: a second demo in one process cannot be.
    drop(app.demo.set(sign_in.clone()));
    if !quiet {
        let base = format!("127.0.0.1:{}", server.address.port());
        let bot = token_of(server, &record, "harbour-bot").await?;
        tokio::spawn(bot::run(base.clone(), bot));
        for colleague in people::COLLEAGUES {
            let token = token_of(server, &record, colleague.sign_in).await?;
            tokio::spawn(people::run(base.clone(), token, colleague));
        }
        tokio::spawn(customers::run(base, record.widget.clone()));
        info!("simulated customers, colleagues and the bot are on their way");
    }
    let url = server.url();
    Ok(DemoLinks {
        widget: format!("{url}/shop/"),
        console: format!("{url}/console/"),
        dashboard: format!("{url}/dashboard/"),
        api: format!("{url}/api/v1"),
        sign_in,
    })
}

async fn workspace(server: &Server) -> anyhow::Result<WorkspaceRecord> {
    let app = &server.app;
    if let Some(record) = app.accounts.workspace_named(WORKSPACE) {
        return Ok(record);
    }
    let document = toml::from_str(POLICY).context("the demo's policy")?;
    let record = crate::api::make_workspace(app, WORKSPACE, COMPANY, Some(document)).await?;
    for agent in people::agents(SIGN_IN) {
        put(server, &record, agent).await?;
    }
    Ok(record)
}

async fn put(server: &Server, record: &WorkspaceRecord, agent: AgentInput) -> anyhow::Result<()> {
    crate::api::put_agent(&server.app, record.id, agent).await
}

async fn token_of(server: &Server, record: &WorkspaceRecord, sign_in: &str) -> anyhow::Result<String> {
    let accounts = &server.app.accounts;
    let user = accounts.users(record.id).into_iter().find(|user| user.sign_in == sign_in);
    let user = user.with_context(|| {
        format!("the demo has no agent {sign_in}: remove its data folder and start again")
    })?;
    Ok(accounts.issue_token(record.id, user.agent, 1, server.app.now().0).await?.0)
}
