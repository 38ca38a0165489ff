//! From a freed slot to the next offer: agents with room for one hold a conversation for a moment and close it, while more
//! customers wait than agents are there. The time runs from writing `close` to the offer on the agent's socket.

use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use protocol::{ClientFrame, ConversationState, ServerFrame, SessionEvent};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::ready::take;
use crate::journal::micros;
use crate::rng::Rng;
use crate::setting::{Hired, Setting, say, until};
use crate::wire::Socket;

/// The policy: everybody may serve everybody.
pub(crate) fn offers_policy() -> String {
    crate::setting::policy(&[])
}

/// Measures for a while; microseconds.
pub(crate) async fn measure(setting: &Setting, agents: usize, seconds: f64, seed: u64) -> Result<Vec<u64>> {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    // Four for each agent: somebody always waits.
    let mut customers = Vec::new();
    for index in 0..agents * 4 {
        customers.push(tokio::spawn(wait_in_line(setting.customer(&[], None).await?, index, end)));
    }
    let mut serving = Vec::new();
    for index in 0..agents {
        let agent = setting.hire(&format!("offers-{index}"), &[], 1).await?;
        let socket = setting.agent(&agent).await?;
        serving.push(tokio::spawn(serve(socket, agent, Rng::new(seed, &format!("hold {index}")), end)));
    }
    let mut samples = Vec::new();
    for task in serving {
        samples.extend(task.await??);
    }
    for task in customers {
        task.await??;
    }
    Ok(samples)
}

/// Writes, and writes again as soon as the conversation was closed.
async fn wait_in_line(mut socket: Socket, index: usize, end: Instant) -> Result<()> {
    for turn in 0.. {
        let open = ClientFrame::Send {
            id: format!("open-{index}-{turn}"),
            conversation: None,
            contact_point: None,
            text: "hello".into(),
        };
        say(&mut socket, &open).await?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(message) = timeout(left, socket.next()).await else { return Ok(()) };
            let Some(Ok(message)) = message else { return Ok(()) };
            let Message::Text(text) = message else { continue };
            if let ServerFrame::Event { event: SessionEvent::Conversation { conversation }, .. } =
                serde_json::from_str(&text)?
                && conversation.state == ConversationState::Closed
            {
                break;
            }
        }
    }
    Ok(())
}

async fn serve(mut socket: Socket, agent: Hired, mut rng: Rng, end: Instant) -> Result<Vec<u64>> {
    let mut samples = Vec::new();
    let mut closed: Option<Instant> = None;
    while Instant::now() < end {
        let conversation = match closed {
            None => take(&mut socket, &agent).await?,
            Some(at) => {
                let (offer, conversation) = until(&mut socket, |frame| match frame {
                    ServerFrame::Event { event: SessionEvent::Offer { offer }, .. } => {
                        Some((offer.id, offer.conversation.id))
                    }
                    _ => None,
                })
                .await?;
                samples.push(micros(at.elapsed()));
                let id = format!("accept-{offer}");
                say(&mut socket, &ClientFrame::Accept { id: id.clone(), offer }).await?;
                until(&mut socket, |frame| {
                    matches!(frame, ServerFrame::Accepted { id: done, .. } if done == id).then_some(())
                })
                .await?;
                conversation
            }
        };
        sleep(Duration::from_secs_f64(0.02 + rng.exponential(0.08).min(0.5))).await;
        let id = format!("close-{conversation}");
        closed = Some(Instant::now());
        say(&mut socket, &ClientFrame::Close { id, conversation, solved: None }).await?;
    }
    Ok(samples)
}
