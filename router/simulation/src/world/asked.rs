//! Promises within a world: a share of those who come and have to wait is asked, and what was said is compared with what
//! came of it. One in three of them has endless patience and is measured: the wait of who leaves is never known.

use engine::CommandKind;
use engine::state::{Group, Phase, Promise};
use policy::document::Document;
use policy::time::Timestamp;

use super::ids::conversation_id;
use super::{Contact, EPOCH, Fault, WORKSPACE, World};
use crate::arrivals::Fate;
use crate::promise::{Forecast, Present};
use crate::random::{Purpose, Stream};
use crate::scenario::Scenario;

/// The share of all who come that is asked, and of these the share that is measured.
pub const ASKED: f64 = 0.12;
/// See [`ASKED`].
pub const PROBES: f64 = 0.04;

/// Makes the forecast of a present with a seed; whoever measures its time does it here.
pub type Estimate<'a> = dyn FnMut(&Present, u64) -> Forecast + 'a;

/// One who was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// The class.
    pub class: usize,
    /// When, in milliseconds.
    pub at: i64,
    /// What was told.
    pub promise: Promise,
    /// The mean wait, not rounded, in seconds.
    pub mean_s: f64,
    /// The wait of the last of this class who was taken up, in seconds.
    pub les_s: f64,
    /// The wait that came of it, in seconds; of one with endless patience.
    pub waited_s: Option<f64>,
}

/// Who is asked, and what was said.
pub(super) struct Asking<'a> {
    estimate: &'a mut Estimate<'a>,
    asked: Vec<(usize, Asked)>,
    /// By class, in seconds.
    last_wait: Vec<f64>,
}

/// Plays the fates as [`super::run`] does, and asks for promises; gives those who were asked in the order of arrival.
///
/// # Errors
/// A [`Fault`]: the figures would mean nothing.
pub fn run_asking<'a>(
    scenario: &'a Scenario,
    document: &Document,
    fates: &[Fate],
    seed: u64,
    estimate: &'a mut Estimate<'a>,
) -> Result<(Vec<Asked>, Vec<Contact>), Fault> {
    let mut world = World::new(scenario, seed, fates.len());
    let last_wait = vec![0.0; scenario.classes.len()];
    world.asking = Some(Asking { estimate, asked: Vec::new(), last_wait });
    world.open_for_work(document, false)?;
    world.play(fates)?;
    let asked = world.asking.map(|asking| asking.asked).unwrap_or_default();
    let contacts = &world.contacts;
    let with_wait = |(contact, asked): (usize, Asked)| {
        let of: &Contact = &contacts[contact];
        let probe = draw(seed, contact) < PROBES && of.agent.is_some();
        Asked { waited_s: probe.then_some(of.waited as f64 / 1e3), ..asked }
    };
    Ok((asked.into_iter().map(with_wait).collect(), world.contacts.clone()))
}

fn draw(seed: u64, contact: usize) -> f64 {
    Stream::new(seed, Purpose::Asked, contact as u64).unit()
}

impl World<'_> {
    /// Whether this customer never leaves the queue.
    pub(super) fn is_probe(&self, contact: usize) -> bool {
        self.asking.is_some() && draw(self.seed, contact) < PROBES
    }

    /// Asks for the promise of one who has just come, if that one is to be asked and has to wait.
    pub(super) fn ask_promise(&mut self, contact: usize) -> Result<(), Fault> {
        let Some(asking) = self.asking.as_mut().filter(|_| draw(self.seed, contact) < ASKED) else {
            return Ok(());
        };
        let id = conversation_id(contact);
        let Some(workspace) = self.engine.workspace(WORKSPACE) else { return Ok(()) };
        let Some(it) = workspace.conversations.get(&id) else { return Ok(()) };
        if !matches!(it.phase, Phase::Waiting { open: true, .. }) {
            return Ok(());
        }
        let Some(present) = Present::of(workspace, Timestamp(EPOCH + self.now)) else { return Ok(()) };
        let forecast = (asking.estimate)(&present, self.seed ^ contact as u64);
        let Some(wait) = forecast.waiting.get(&id) else { return Ok(()) };
        let promise = wait.promise(workspace.promises.offset(&Group::of(it)));
        let class = self.lives[contact].fate.class;
        let les_s = asking.last_wait[class];
        let asked = Asked { class, at: self.now, promise, mean_s: wait.mean_s, les_s, waited_s: None };
        asking.asked.push((contact, asked));
        self.ask("to tell a promise", CommandKind::TellPromises { told: vec![(id, promise)] })
    }

    /// Somebody of a class is taken up: the last to enter service.
    pub(super) fn serves(&mut self, contact: usize) {
        let class = self.lives[contact].fate.class;
        let waited = self.contacts[contact].waited;
        if let Some(asking) = &mut self.asking {
            asking.last_wait[class] = waited as f64 / 1e3;
        }
    }
}
