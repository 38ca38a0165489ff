//! A workspace in a server that the run started itself, and lean sessions in it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use policy::id::SessionId;
use protocol::{
    AgentBody, AgentInput, ClientFrame, PresenceWish, SUBPROTOCOL, ServerFrame, SessionEvent, VERSION,
    WidgetSessionInput, WorkspaceBody, WorkspaceInput,
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::api::Api;
use crate::wire::{Socket, open};

const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A run's workspace.
pub(crate) struct Setting {
    pub(crate) api: Api,
    pub(crate) workspace: WorkspaceBody,
}

/// An agent of a run.
#[derive(Debug, Clone)]
pub(crate) struct Hired {
    pub(crate) body: AgentBody,
    pub(crate) token: String,
}

impl Setting {
    /// Makes the workspace.
    pub(crate) async fn make(api: &Api, operator: &str, name: &str, policy: String) -> Result<Self> {
        let input = WorkspaceInput { name: name.to_owned(), company: None, policy: Some(policy) };
        let workspace = api.make_workspace(operator, &input).await.context("the run's workspace")?;
        Ok(Self { api: api.clone(), workspace })
    }

    /// Adds an agent with these skills.
    pub(crate) async fn hire(&self, name: &str, skills: &[String], capacity: u32) -> Result<Hired> {
        let input = AgentInput {
            sign_in: name.to_owned(),
            name: name.to_owned(),
            kind: "person".into(),
            role: "agent".into(),
            skills: skills.iter().map(|skill| (skill.clone(), 100)).collect(),
            capacity,
            ..AgentInput::default()
        };
        let (body, token) = self.api.make_agent(&self.workspace.admin_token, &input).await?;
        Ok(Hired { body, token })
    }

    /// What a visitor of this workspace says first.
    pub(crate) fn visit(&self, topics: &[String]) -> WidgetSessionInput {
        WidgetSessionInput {
            widget: self.workspace.widget.clone(),
            topics: topics.to_vec(),
            ..WidgetSessionInput::default()
        }
    }

    /// A customer's session after its snapshot, from this address.
    pub(crate) async fn customer(&self, topics: &[String], from: Option<SocketAddr>) -> Result<Socket> {
        let body = self.api.visit(&self.visit(topics)).await?;
        Ok(self.session(&body.ticket, from).await?.0)
    }

    /// An agent's session, online.
    pub(crate) async fn agent(&self, agent: &Hired) -> Result<Socket> {
        let ticket = self.api.ticket(&agent.token).await?;
        let (mut socket, _) = self.session(&ticket, None).await?;
        say(&mut socket, &ClientFrame::Presence { id: "online".into(), state: PresenceWish::Online }).await?;
        until(&mut socket, |frame| {
            matches!(frame, ServerFrame::Accepted { id, .. } if id == "online").then_some(())
        })
        .await
        .context("the agent does not come online")?;
        Ok(socket)
    }

    /// A new session after its snapshot.
    pub(crate) async fn session(
        &self,
        ticket: &str,
        from: Option<SocketAddr>,
    ) -> Result<(Socket, SessionId)> {
        let mut socket = self.hello(ticket, from, None).await?;
        let id = until(&mut socket, |frame| match frame {
            ServerFrame::Welcome { session, .. } => Some(session),
            _ => None,
        })
        .await
        .context("no welcome came")?;
        snapshot(&mut socket).await?;
        Ok((socket, id))
    }

    /// A session that the server no longer knows, after the snapshot that it begins anew with.
    pub(crate) async fn again(
        &self,
        ticket: &str,
        from: Option<SocketAddr>,
        id: SessionId,
    ) -> Result<Socket> {
        let mut socket = self.hello(ticket, from, Some(id)).await?;
        snapshot(&mut socket).await?;
        Ok(socket)
    }

    async fn hello(
        &self,
        ticket: &str,
        from: Option<SocketAddr>,
        session: Option<SessionId>,
    ) -> Result<Socket> {
        let protocols = format!("{SUBPROTOCOL}, ticket.{ticket}");
        let mut socket = open(self.api.address, from, Some(&protocols)).await?;
        let seq = session.map(|_| 1);
        say(&mut socket, &ClientFrame::Hello { protocol: VERSION, session, seq }).await?;
        Ok(socket)
    }
}

/// A customer writes, and it is taken.
pub(crate) async fn write(socket: &mut Socket, text: &str) -> Result<()> {
    let id = "first".to_owned();
    say(socket, &ClientFrame::Send { id, conversation: None, contact_point: None, text: text.to_owned() })
        .await?;
    until(socket, |frame| matches!(frame, ServerFrame::Accepted { id, .. } if id == "first").then_some(()))
        .await
}

async fn snapshot(socket: &mut Socket) -> Result<()> {
    until(socket, |frame| {
        matches!(frame, ServerFrame::Event { event: SessionEvent::Snapshot { .. }, .. }).then_some(())
    })
    .await
    .context("no snapshot came")
}

/// Sends a frame.
pub(crate) async fn say(socket: &mut Socket, frame: &ClientFrame) -> Result<()> {
    socket.send(Message::text(serde_json::to_string(frame)?)).await?;
    Ok(())
}

/// Reads frames until one of them is what is looked for.
pub(crate) async fn until<T>(
    socket: &mut Socket,
    mut find: impl FnMut(ServerFrame) -> Option<T>,
) -> Result<T> {
    let looking = async {
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => {
                    let frame: ServerFrame = serde_json::from_str(&text)?;
                    if let ServerFrame::Rejected { code, detail, .. } = &frame {
                        bail!("a request was rejected ({code:?}): {detail}");
                    }
                    if let Some(found) = find(frame) {
                        return Ok(found);
                    }
                }
                Message::Close(close) => {
                    bail!("the server closed the session: {}", close.map_or(1005, |it| it.code.into()))
                }
                _ => {}
            }
        }
        bail!("the session has ended")
    };
    timeout(ANSWER_MAX, looking).await.context("no answer came in time")?
}

/// A policy with these skills, whose offers wait a minute.
pub(crate) fn policy(skills: &[String]) -> String {
    let mut text = String::from("[skills]\n");
    for skill in skills {
        text.push_str(&format!("\"{skill}\" = \"of this run\"\n"));
    }
    text.push_str(
        "\n[[intake]]\nqueue = \"support\"\n\n[queues.support]\ntarget_s = 30\noffer_s = 60\nsame_agent = false\n\
         language = false\ntopics = true\n",
    );
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_policy_is_one_that_is_taken() {
        let text = super::policy(&["pair-1".into(), "pair-2".into()]);
        let document: policy::Document = toml::from_str(&text).unwrap();
        assert!(policy::Policy::compile(&document).is_ok());
        assert_eq!(document.skills.len(), 2);
    }
}
