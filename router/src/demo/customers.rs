//! Simulated customers: a few at a time, each with a matter and some patience.

use std::sync::Arc;
use std::time::Duration;

use protocol::{AuthorKind, ClientFrame, ConversationState, SessionEvent, WidgetSessionInput};
use tokio::sync::Semaphore;
use tracing::debug;

use super::client::Client;

/// How many at once.
const AT_ONCE: usize = 4;
/// A new one comes this often.
const EVERY: Duration = Duration::from_secs(18);
/// Nobody stays longer.
const STAY: Duration = Duration::from_secs(600);

struct Matter {
    name: &'static str,
    language: &'static str,
    lines: &'static [&'static str],
}

const MATTERS: &[Matter] = &[
    Matter {
        name: "Mira",
        language: "en",
        lines: &[
            "Hello",
            "My order from Monday has not arrived",
            "The number is 4711",
            "Great, thank you",
            "Bye",
        ],
    },
    Matter {
        name: "Jonas",
        language: "de",
        lines: &["I would like to return a lamp, it came broken", "Yesterday", "Perfect, thanks"],
    },
    Matter {
        name: "Lucía",
        language: "es",
        lines: &["I need a refund for two chairs", "On Friday", "Gracias!", "Adiós"],
    },
    Matter {
        name: "Théo",
        language: "fr",
        lines: &[
            "Which desk do you recommend for a small room?",
            "About two metres",
            "Merci",
            "Bonne journée",
        ],
    },
    Matter { name: "Ana", language: "pt", lines: &["Where is my parcel?", "A person, please", "Obrigada"] },
];

/// Sends customers in until the server ends.
pub(super) async fn run(base: String, widget: String) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for matter in MATTERS.iter().cycle() {
        if let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (base, widget) = (base.clone(), widget.clone());
            tokio::spawn(async move {
                let visit = tokio::time::timeout(STAY, visit(&base, widget, matter)).await;
                if let Ok(Err(error)) = visit {
                    debug!(%error, "a simulated customer left");
                }
                drop(place);
            });
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn visit(base: &str, widget: String, matter: &Matter) -> anyhow::Result<()> {
    let input = WidgetSessionInput {
        widget,
        name: Some(matter.name.into()),
        language: Some(matter.language.into()),
        ..WidgetSessionInput::default()
    };
    let mut client = Client::visitor(base, &input).await?;
    let mut lines = matter.lines.iter();
    if let Some(first) = lines.next() {
        client.write(None, first).await?;
    }
    loop {
        match client.event().await? {
            SessionEvent::Message { conversation, message } if message.from.kind != AuthorKind::Customer => {
                client.say(&ClientFrame::Seen { conversation, upto: message.seq }).await?;
                client.say(&ClientFrame::Typing { conversation }).await?;
                tokio::time::sleep(Duration::from_secs(4)).await;
                if let Some(line) = lines.next() {
                    client.write(Some(conversation), line).await?;
                }
            }
            SessionEvent::Conversation { conversation }
                if conversation.state == ConversationState::Closed =>
            {
                return Ok(());
            }
            _ => {}
        }
    }
}
