//! Simulated customers: a few at a time, each with a matter and some patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{AuthorKind, ClientFrame, ConversationState, SessionEvent, WidgetSessionInput};
use tokio::sync::Semaphore;
use tracing::debug;

use super::client::Client;

/// How many at once.
const AT_ONCE: usize = 7;
/// A new one comes this often.
const EVERY: Duration = Duration::from_secs(18);
/// Who has not been helped by then leaves.
const STAY: Duration = Duration::from_secs(240);

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
        lines: &["Meine Lampe kam kaputt an, ich möchte sie zurückgeben", "Gestern", "Perfekt, danke"],
    },
    // Nobody but who tries the demo speaks Arabic.
    Matter {
        name: "نور",
        language: "ar",
        lines: &["مرحبًا، أين طلبي؟ لم يصل بعد", "الرقم هو 4715", "شكرًا جزيلًا"],
    },
    Matter {
        name: "Lucía",
        language: "es",
        lines: &["Quisiera que me devuelvan el dinero de dos sillas", "El viernes", "¡Gracias!", "Adiós"],
    },
    Matter {
        name: "Théo",
        language: "fr",
        lines: &[
            "Bonjour",
            "Quel bureau me conseillez-vous pour une petite pièce ?",
            "Environ deux mètres",
            "Merci",
        ],
    },
    Matter {
        name: "Maximiliane von Hohenstein-Wallersdorf",
        language: "en",
        lines: &[
            "This is the THIRD time I ask!!! My table has still not been delivered, and nobody answers my e-mails.",
            "Two weeks ago",
            "Well, I hope so.",
        ],
    },
    Matter {
        name: "Ana",
        language: "pt",
        lines: &["Onde está a minha encomenda?", "Uma pessoa, por favor", "Obrigada"],
    },
];

/// Sends customers in until the server ends.
pub(super) async fn run(base: String, widget: String) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for matter in MATTERS.iter().cycle() {
        if let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (base, widget) = (base.clone(), widget.clone());
            tokio::spawn(async move {
                if let Err(error) = visit(&base, widget, matter).await {
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
    let leaves = Instant::now() + STAY;
    let mut own = None;
    loop {
        let left = leaves.saturating_duration_since(Instant::now());
        let Some(event) = client.event_within(left).await? else {
            if let Some(conversation) = own {
                let id = client.id();
                client.say(&ClientFrame::Close { id, conversation, solved: None }).await?;
            }
            return Ok(());
        };
        match event {
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
            SessionEvent::Conversation { conversation } => own = Some(conversation.id),
            _ => {}
        }
    }
}
