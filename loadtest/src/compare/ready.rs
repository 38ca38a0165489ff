//! Makes pairs ready: over the bare relay, or over the server with an agent and a customer whose conversation is assigned.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use futures_util::SinkExt as _;
use policy::id::ConversationId;
use protocol::{ClientFrame, ConversationState, ServerFrame, SessionEvent};
use tokio_tungstenite::tungstenite::Message;

use crate::pairs::{Between, Pair};
use crate::setting::{Hired, Setting, policy, say, until};
use crate::wire::{Socket, open};

/// Pairs over the bare relay.
pub(crate) async fn over_relay(to: SocketAddr, count: usize) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        let mut ends = Vec::with_capacity(2);
        for _ in 0..2 {
            let mut socket = open(to, None, None).await?;
            socket.send(Message::text(format!("pair {index}"))).await?;
            ends.push(socket);
        }
        if let (Some(reader), Some(writer)) = (ends.pop(), ends.pop()) {
            pairs.push(Pair { index, writer, reader, between: Between::Relay, next: 0 });
        }
    }
    Ok(pairs)
}

/// The skills that hold pairs apart.
pub(crate) fn skills(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("pair-{index}")).collect()
}

/// The policy for so many pairs.
pub(crate) fn pairs_policy(count: usize) -> String {
    policy(&skills(count))
}

/// Pairs over two relays that are joined: one end at each.
pub(crate) async fn over_joined(one: SocketAddr, other: SocketAddr, count: usize) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        let (mut writer, mut reader) = (open(one, None, None).await?, open(other, None, None).await?);
        writer.send(Message::text(format!("pair {index}"))).await?;
        reader.send(Message::text(format!("pair {index}"))).await?;
        pairs.push(Pair { index, writer, reader, between: Between::Relay, next: 0 });
    }
    // Names are not answered: a moment for all of them to be known.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    Ok(pairs)
}

/// Pairs over the server.
pub(crate) async fn over_server(setting: &Setting, count: usize) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        pairs.push(pair(setting, setting, index, index).await?);
    }
    Ok(pairs)
}

/// A pair: a customer who comes one way, and an agent with this skill of the policy who comes another way.
pub(crate) async fn pair(one: &Setting, other: &Setting, index: usize, skill: usize) -> Result<Pair> {
    let skill = [format!("pair-{skill}")];
    let agent = other.hire(&format!("agent-{index}"), &skill, 1).await?;
    let mut reader = other.agent(&agent).await?;
    let mut writer = one.customer(&skill, None).await?;
    let open = ClientFrame::Send {
        id: "open".into(),
        conversation: None,
        contact_point: None,
        text: "hello".into(),
    };
    say(&mut writer, &open).await?;
    let conversation = take(&mut reader, &agent).await.with_context(|| format!("pair {index}"))?;
    until(&mut writer, |frame| {
        matches!(frame, ServerFrame::Accepted { id, .. } if id == "open").then_some(())
    })
    .await?;
    Ok(Pair { index, writer, reader, between: Between::Server(conversation.to_string()), next: 0 })
}

/// An agent waits for an offer, accepts it, and waits until the conversation is in hand.
pub(crate) async fn take(socket: &mut Socket, agent: &Hired) -> Result<ConversationId> {
    let (offer, conversation) = until(socket, |frame| match frame {
        ServerFrame::Event { event: SessionEvent::Offer { offer }, .. } => {
            Some((offer.id, offer.conversation.id))
        }
        _ => None,
    })
    .await
    .context("no offer came")?;
    say(socket, &ClientFrame::Accept { id: format!("accept-{offer}"), offer }).await?;
    until(socket, |frame| match frame {
        ServerFrame::Event { event: SessionEvent::Conversation { conversation: it }, .. } => {
            let mine = it.holder.as_ref().and_then(|holder| holder.agent) == Some(agent.body.id);
            (it.id == conversation && it.state == ConversationState::Assigned && mine).then_some(())
        }
        _ => None,
    })
    .await
    .context("an accepted conversation was not given")?;
    Ok(conversation)
}
