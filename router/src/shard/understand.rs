//! What a customer's message means, read before the engine is asked: language, intent and mood, each only as far as the
//! policy asks for it and the customer has granted its purpose. The engine hears what came out, never the words.
//!
//! | label | purpose that must be granted |
//! |---|---|
//! | language, intent | service: they say who can answer this matter |
//! | mood, and how it stands over time | analysis: it tells of the person, beyond the matter |

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use engine::state::Workspace;
use policy::document::UnderstandingDoc;
use policy::id::{ConversationId, CustomerId, WorkspaceId};
use policy::time::Timestamp;
use policy::{Grants, Purpose};
use protocol::{LabelReason, LabelView, LabelsView};
use serde::{Deserialize, Serialize};
use understanding::intent::{Example, Intent, Intents};
use understanding::language::{Hints, Language, Languages};
use understanding::mood::{Circumstances, HALF_LIFE_MS, Mood, Moods, Reason, Standing, Tone};
use understanding::text::Text;

use super::cards::Card;
use super::state::State;

/// Reading stops after so long; what has not been read by then stays unknown. The cost of each part is bounded by itself, so
/// that this is reached on a machine that does something else only.
const BUDGET: Duration = Duration::from_millis(2);

/// A language that is less sure than this, in thousandths, gives way to the page's: a word such as "Hello" is read as any
/// of several.
const SURE: u16 = 900;

/// What was understood of one message. Sealed with it under the customer's key, and erased with it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Labels {
    /// Its language.
    pub language: Option<Language>,
    /// What it wants.
    pub intent: Option<Intent>,
    /// How it sounds.
    pub mood: Option<Mood>,
}

impl Labels {
    /// As an agent sees it, as far as its purposes are granted now.
    pub(super) fn view(&self, grants: Grants) -> Option<LabelsView> {
        if !grants.holds(Purpose::Service) {
            return None;
        }
        let words = |words: &[String]| words.iter().map(|words| reason("words", Some(words), None)).collect();
        let language = self.language.as_ref().and_then(|label| {
            Some(LabelView {
                name: label.code.clone()?,
                confidence: label.confidence,
                because: words(&label.because),
                version: label.version,
            })
        });
        let intent = self.intent.as_ref().and_then(|label| {
            Some(LabelView {
                name: label.name.clone()?,
                confidence: label.confidence,
                because: words(&label.because),
                version: label.version,
            })
        });
        let mood = self.mood.as_ref().filter(|_| grants.holds(Purpose::Analysis)).map(|mood| LabelView {
            name: tone(mood.tone).to_owned(),
            confidence: mood.confidence,
            because: mood.because.iter().map(told).collect(),
            version: mood.version,
        });
        let view = LabelsView { language, intent, mood };
        (view != LabelsView::default()).then_some(view)
    }
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Upset => "upset",
        Tone::Worried => "worried",
        Tone::Pleased => "pleased",
        Tone::Even => "even",
    }
}

fn told(because: &Reason) -> LabelReason {
    match because {
        Reason::Words(words) => reason("words", Some(words), None),
        Reason::Capitals(count) => reason("capitals", None, Some(*count)),
        Reason::Marks(count) => reason("marks", None, Some(*count)),
        Reason::Contacts(count) => reason("contacts", None, Some(*count)),
        Reason::Waited(seconds) => reason("waited", None, Some(*seconds)),
        Reason::Unsolved(count) => reason("unsolved", None, Some(*count)),
    }
}

fn reason(kind: &str, words: Option<&String>, count: Option<u32>) -> LabelReason {
    LabelReason { kind: kind.to_owned(), words: words.cloned(), count }
}

/// What comes out of reading a message.
#[derive(Default)]
pub(super) struct Understood {
    /// What is kept with the message.
    pub labels: Labels,
    /// How the customer stands now, if that may be known.
    pub standing: Option<Standing>,
}

impl Understood {
    /// The language, where it is sure enough.
    pub(super) fn language(&self) -> Option<&str> {
        let language = self.labels.language.as_ref().filter(|language| language.confidence >= SURE)?;
        language.code.as_deref()
    }

    /// The intent, where there is one.
    pub(super) fn intent(&self) -> Option<&str> {
        self.labels.intent.as_ref()?.name.as_deref()
    }

    /// What the conversation is about: what the page says, and the intent.
    pub(super) fn topics(&self, of_page: &[String]) -> Vec<String> {
        let intent = self.intent().filter(|intent| !of_page.iter().any(|topic| topic == intent));
        of_page.iter().cloned().chain(intent.map(str::to_owned)).collect()
    }

    /// What is kept with the message.
    pub(super) fn kept(&self) -> Option<Box<Labels>> {
        (self.labels != Labels::default()).then(|| Box::new(self.labels.clone()))
    }

    /// How the customer stands, from bad (-1000) to good (1000); 0 where it is not known.
    pub(super) fn mood(&self) -> i64 {
        self.standing.map_or(0, |standing| standing.valence.into())
    }
}

impl State {
    /// Starts what a workspace's policy asks for, so that the first message finds it ready.
    pub(super) fn prepare_models(&mut self, workspace: WorkspaceId) {
        let Some(it) = self.engine.workspace(workspace) else { return };
        let document = &it.policy.document().understanding;
        if document.is_off() {
            self.models.forget(workspace);
            return;
        }
        // A look starts the training; what is ready by now does not matter yet.
        self.models.get(workspace, it.policy_version, document);
        beside(understanding::warm_up);
    }

    /// Reads a message; `page` is the language of the page that it was written on.
    pub(super) fn understand(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        card: &Card,
        page: Option<&str>,
        text: &str,
    ) -> Understood {
        let Some(it) = self.engine.workspace(workspace) else { return Understood::default() };
        let document = &it.policy.document().understanding;
        if document.is_off() || !card.grants.holds(Purpose::Service) {
            return Understood::default();
        }
        let started = Instant::now();
        let within = || started.elapsed() < BUDGET;
        let now = self.parts.clock.now();
        let text = Text::read(text);
        let mut understood = Understood::default();
        let page = page.map(|page| page.split('-').next().unwrap_or(page));
        if document.language {
            let allowed: Vec<&str> = document.languages.iter().map(String::as_str).collect();
            let hints = Hints { channel: page, allowed: &allowed, ..Hints::default() };
            understood.labels.language = Some(Languages::shipped().label(&text, &hints));
        }
        if let Some(intents) = self.models.get(workspace, it.policy_version, document).filter(|_| within()) {
            understood.labels.intent = Some(intents.label(&text));
        }
        if document.mood && card.grants.holds(Purpose::Analysis) && within() {
            let language = understood.language().or(page).map(str::to_owned);
            let around = circumstances(it, customer, card, now);
            let mood = Moods::shipped().label(&text, language.as_deref(), &around);
            let before = card.standing.unwrap_or_default();
            understood.standing = Some(before.with(&mood, now.0, HALF_LIFE_MS));
            understood.labels.mood = Some(mood);
        }
        understood
    }
}

/// Contacts of so many days count.
const LATELY_MS: i64 = 7 * 86_400_000;

/// What stands around a customer's message.
fn circumstances(it: &Workspace, customer: CustomerId, card: &Card, now: Timestamp) -> Circumstances {
    // The first 48 bits of an id are the time at which it was made (UUID version 7, RFC 9562).
    let made = |id: &ConversationId| i64::try_from(id.bits() >> 80).unwrap_or(0);
    let lately = card.conversations.iter().filter(|id| now.0 - made(id) < LATELY_MS).count();
    let open = it.customers.get(&customer).and_then(|id| it.conversations.get(id));
    let contacts = lately + usize::from(open.is_none());
    let seconds = |ms: i64| u32::try_from(ms / 1_000).unwrap_or(0);
    let target = open.and_then(|open| it.policy.queue(&open.needs.queue)).map(|queue| queue.target);
    Circumstances {
        contacts: u32::try_from(contacts).unwrap_or(u32::MAX),
        unsolved: 0,
        waited_s: open.and_then(|open| open.unanswered_since).map_or(0, |since| seconds(now.0 - since.0)),
        target_s: target.map_or(0, |target| seconds(target.0)),
    }
}

/// The workspaces' models of intents, trained beside the shard from the examples in their policies.
#[derive(Default)]
pub(super) struct Models {
    of: BTreeMap<WorkspaceId, Model>,
}

/// A model that is being trained, or has been; nothing where the examples are unfit, which the policy's check tells before.
type Trained = Arc<OnceLock<Option<Intents>>>;

#[derive(Default)]
struct Model {
    policy_version: u32,
    examples: BTreeMap<String, Vec<String>>,
    current: Option<Trained>,
    next: Option<Trained>,
}

impl Models {
    /// A workspace's model in the version that is ready. New examples are trained in the background; until that is done, the
    /// model before goes on. One training of a workspace is under way at a time.
    fn get(&mut self, workspace: WorkspaceId, version: u32, document: &UnderstandingDoc) -> Option<&Intents> {
        let model = self.of.entry(workspace).or_default();
        if model.next.as_ref().is_some_and(|next| next.get().is_some()) {
            model.current = model.next.take();
        }
        if model.policy_version != version && model.next.is_none() {
            model.policy_version = version;
            if model.examples != document.intents {
                model.examples.clone_from(&document.intents);
                model.next = Some(train(&document.intents));
            }
        }
        model.current.as_ref()?.get()?.as_ref()
    }

    /// Forgets a workspace.
    pub(super) fn forget(&mut self, workspace: WorkspaceId) {
        self.of.remove(&workspace);
    }
}

fn train(intents: &BTreeMap<String, Vec<String>>) -> Trained {
    let examples: Vec<Example> = intents
        .iter()
        .flat_map(|(intent, texts)| {
            texts.iter().map(|text| Example { intent: intent.clone(), text: text.clone() })
        })
        .collect();
    let trained = Trained::default();
    let result = Arc::clone(&trained);
    let work = move || {
        let model = (!examples.is_empty()).then(|| Intents::train(&examples).ok()).flatten();
        // Nobody else sets it.
        drop(result.set(model));
    };
    beside(work);
    trained
}

/// Does work on a thread for such, so that the shard goes on meanwhile.
fn beside(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> UnderstandingDoc {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        UnderstandingDoc {
            intents: [
                ("parcel".to_owned(), texts(&["where is my parcel", "my parcel is late"])),
                ("refund".to_owned(), texts(&["I want my money back", "refund my order"])),
            ]
            .into(),
            ..UnderstandingDoc::default()
        }
    }

    #[test]
    fn examples_are_trained_once_and_again_when_they_change() {
        let mut models = Models::default();
        let workspace = WorkspaceId::from_bits(1);
        let version = |models: &mut Models, policy_version, document: &UnderstandingDoc| {
            // The second look finds what the first has started; without a runtime it is trained at once.
            models.get(workspace, policy_version, document);
            models.get(workspace, policy_version, document).map(Intents::version)
        };
        let mut document = document();
        let first = version(&mut models, 1, &document);
        assert!(first.is_some());
        assert_eq!(version(&mut models, 2, &document), first, "the same examples in another policy");
        document.intents.entry("parcel".to_owned()).or_default().push("parcel lost".to_owned());
        let second = version(&mut models, 3, &document);
        assert!(second.is_some() && second != first);
        document.intents.clear();
        assert_eq!(version(&mut models, 4, &document), None);
        models.forget(workspace);
        assert!(models.of.is_empty());
    }
}
