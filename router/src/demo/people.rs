//! Who works at the demo company: the one who tries the demo, simulated colleagues, and the bot.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::{AgentInput, AuthorKind, ClientFrame, ConversationState, PresenceWish, SessionEvent};
use tracing::debug;

use super::client::Client;
use super::phrases::{self, Phrases};

/// A simulated colleague.
pub(super) struct Colleague {
    pub(super) sign_in: &'static str,
    name: &'static str,
    skills: &'static [(&'static str, u8)],
    languages: &'static [&'static str],
}

/// The simulated colleagues.
pub(super) const COLLEAGUES: &[Colleague] = &[
    Colleague {
        sign_in: "bruno",
        name: "Bruno",
        skills: &[("orders", 80), ("products", 60), ("refunds", 40)],
        languages: &["en", "de", "fr"],
    },
    Colleague {
        sign_in: "carla",
        name: "Carla",
        skills: &[("refunds", 90), ("orders", 50)],
        languages: &["en", "es", "pt"],
    },
];

/// All agents of the demo; the first is the one who tries it.
pub(super) fn agents(sign_in: (&str, &str)) -> Vec<AgentInput> {
    let of = |skills: &[(&str, u8)]| -> BTreeMap<String, u8> {
        skills.iter().map(|(skill, level)| ((*skill).to_owned(), *level)).collect()
    };
    let mut agents = vec![
        AgentInput {
            sign_in: sign_in.0.into(),
            name: "Ada".into(),
            kind: "person".into(),
            role: "admin".into(),
            password: Some(sign_in.1.into()),
            skills: of(&[("orders", 90), ("refunds", 90), ("products", 90)]),
            languages: Vec::new(),
            capacity: 5,
            channels: BTreeMap::new(),
        },
        AgentInput {
            sign_in: "harbour-bot".into(),
            name: "Harbour bot".into(),
            kind: "bot".into(),
            role: "agent".into(),
            password: None,
            skills: of(&[("greeting", 100)]),
            languages: Vec::new(),
            capacity: 200,
            channels: BTreeMap::new(),
        },
    ];
    agents.extend(COLLEAGUES.iter().map(|colleague| AgentInput {
        sign_in: colleague.sign_in.into(),
        name: colleague.name.into(),
        kind: "person".into(),
        role: "agent".into(),
        password: None,
        skills: of(colleague.skills),
        languages: colleague.languages.iter().map(|it| (*it).to_owned()).collect(),
        capacity: 2,
        channels: BTreeMap::new(),
    }));
    agents
}

/// Works until the server ends.
pub(super) async fn run(base: String, token: String, colleague: &'static Colleague) {
    loop {
        if let Err(error) = work(&base, &token).await {
            debug!(%error, colleague = colleague.sign_in, "a simulated colleague starts again");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn work(base: &str, token: &str) -> anyhow::Result<()> {
    let mut client = Client::agent(base, token).await?;
    let id = client.id();
    client.say(&ClientFrame::Presence { id, state: PresenceWish::Online }).await?;
    let mut said = Said::new();
    loop {
        let Some(event) = client.event_within(Duration::from_secs(2)).await? else {
            close_quiet(&mut client, &mut said).await?;
            continue;
        };
        match event {
            SessionEvent::Offer { offer } => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let id = client.id();
                client.say(&ClientFrame::Accept { id, offer: offer.id }).await?;
            }
            SessionEvent::Conversation { conversation } => match conversation.state {
                ConversationState::Assigned => {
                    let phrases = phrases::of(conversation.language.as_deref());
                    said.insert(conversation.id, InHand { turn: 0, heard: Instant::now(), phrases });
                    answer(&mut client, &mut said, conversation.id, conversation.last).await?;
                }
                _ => drop(said.remove(&conversation.id)),
            },
            SessionEvent::ConversationLeft { conversation } => drop(said.remove(&conversation)),
            SessionEvent::Message { conversation, message } if message.from.kind == AuthorKind::Customer => {
                answer(&mut client, &mut said, conversation, message.seq).await?;
            }
            _ => {}
        }
    }
}

/// A conversation in hand.
struct InHand {
    /// How many answers were given.
    turn: usize,
    /// When the customer last wrote.
    heard: Instant,
    phrases: &'static Phrases,
}

type Said = BTreeMap<policy::id::ConversationId, InHand>;

/// A customer who has written nothing for so long has all that was wanted.
const QUIET: Duration = Duration::from_secs(45);

async fn close_quiet(client: &mut Client, said: &mut Said) -> anyhow::Result<()> {
    let quiet = said.iter().find(|(_, it)| it.heard.elapsed() > QUIET).map(|(id, _)| *id);
    if let Some(conversation) = quiet {
        said.remove(&conversation);
        let id = client.id();
        client.say(&ClientFrame::Close { id, conversation, solved: Some(true) }).await?;
    }
    Ok(())
}

async fn answer(
    client: &mut Client,
    said: &mut Said,
    conversation: policy::id::ConversationId,
    last: u64,
) -> anyhow::Result<()> {
    let Some(it) = said.get_mut(&conversation) else { return Ok(()) };
    it.heard = Instant::now();
    client.say(&ClientFrame::Seen { conversation, upto: last }).await?;
    client.say(&ClientFrame::Typing { conversation }).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let text = it.phrases.answers.get(it.turn).copied();
    it.turn += 1;
    match text {
        Some(text) => client.write(Some(conversation), text).await,
        None => {
            let id = client.id();
            client.say(&ClientFrame::Close { id, conversation, solved: Some(true) }).await
        }
    }
}
