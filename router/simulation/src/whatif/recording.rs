//! A recording as a file: what was recorded of one workspace, without bodies and without names. `switchboard export events`
//! writes it from a data folder, `loadtest simulate --record` from a simulated world.
//!
//! The first line is JSON and says what follows. Then frames: length (u32, little endian) of the rest, a tag, the content.
//!
//! | tag | content |
//! |---|---|
//! | 1 | the state to begin with, as a snapshot of the engine; at most one, first; none: the beginning |
//! | 2 | an event, in the record format of the log |
//! | 3 | customers who were erased, 16 bytes each |
//! | 4 | the end: how many events there were (u64, little endian) |

use std::io::{self, BufRead, Read, Write};

use engine::{Engine, Event, EventKind, record};
use policy::id::{CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

const FORM: u32 = 1;
const STATE: u8 = 1;
const EVENT: u8 = 2;
const ERASED: u8 = 3;
const END: u8 = 4;
/// A first line or an event of more bytes is none of ours; a state may be larger.
const LINE_MAX: u64 = 4_096;
const EVENT_MAX: u32 = 16 << 20;
const STATE_MAX: u32 = 1 << 30;
/// Erased customers in one frame.
const ERASED_AT_ONCE: usize = 4_096;

/// Why a recording was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not a recording.
    #[error("this is no recording: {0}; make one with `switchboard export events`")]
    Form(String),
    /// A record of it cannot be read.
    #[error("event {number} of the recording cannot be read: {fault}")]
    Event {
        /// Which, from 1.
        number: u64,
        /// Why.
        fault: record::RecordError,
    },
    /// Its state cannot be read or written.
    #[error("the state that the recording begins with: {0}")]
    State(#[from] engine::SnapshotError),
    /// It ends too early.
    #[error("the recording is cut short after {0} events: export it again")]
    CutShort(u64),
    /// Whoever reads it gave up.
    #[error("{0}")]
    Stopped(String),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What it is: `events`.
    pub switchboard: String,
    /// The form of what follows.
    pub form: u32,
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// What is in it, in words.
    pub holds: String,
    /// What is not in it, in words.
    pub leaves_out: String,
}

impl Header {
    /// The first line of a workspace's recording.
    #[must_use]
    pub fn of(workspace: WorkspaceId) -> Self {
        Self {
            switchboard: "events".to_owned(),
            form: FORM,
            workspace,
            holds: "ids, times, sizes, routing classes, agents' skills and presence, policies, decisions"
                .to_owned(),
            leaves_out: "message bodies, names, addresses, facts, labels, keys".to_owned(),
        }
    }
}

/// One part of a recording, in its order.
#[derive(Debug)]
pub enum Part {
    /// The state to begin with.
    State(Box<Engine>),
    /// What happened next.
    Event(Box<Event>),
    /// Customers who were erased.
    Erased(Vec<CustomerId>),
}

/// The same event without an agent's name.
#[must_use]
pub fn unnamed(mut event: Event) -> Event {
    if let EventKind::AgentPut { name, .. } = &mut event.kind {
        *name = "".into();
    }
    event
}

/// Writes a recording.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    events: u64,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(mut out: W, workspace: WorkspaceId) -> Result<Self, Fault> {
        serde_json::to_writer(&mut out, &Header::of(workspace)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        Ok(Self { out, events: 0 })
    }

    fn frame(&mut self, tag: u8, content: &[u8]) -> Result<(), Fault> {
        let length =
            u32::try_from(content.len() + 1).map_err(|_| Fault::Form("a part is too long".into()))?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&[tag])?;
        self.out.write_all(content)?;
        Ok(())
    }

    /// The state to begin with.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn state(&mut self, engine: &Engine) -> Result<(), Fault> {
        let bytes = engine.to_snapshot()?;
        self.frame(STATE, &bytes)
    }

    /// The next event; an agent's name is left out.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<(), Fault> {
        self.events += 1;
        let number = self.events;
        let written = match event.kind {
            EventKind::AgentPut { .. } => record::write(&unnamed(event.clone())),
            _ => record::write(event),
        };
        self.frame(EVENT, &written.map_err(|fault| Fault::Event { number, fault })?)
    }

    /// Customers who were erased.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn erased(&mut self, customers: &[CustomerId]) -> Result<(), Fault> {
        for group in customers.chunks(ERASED_AT_ONCE) {
            let bytes: Vec<u8> = group.iter().flat_map(|it| it.bits().to_be_bytes()).collect();
            self.frame(ERASED, &bytes)?;
        }
        Ok(())
    }

    /// Ends it; says how many events are in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(mut self) -> Result<u64, Fault> {
        let events = self.events;
        self.frame(END, &events.to_le_bytes())?;
        self.out.flush()?;
        Ok(events)
    }
}

/// How many bytes the last frame has.
pub const END_BYTES: usize = 13;

/// How many events are in a recording with these last bytes; none where they are not its end.
#[must_use]
pub fn ended(last: &[u8]) -> Option<u64> {
    let last: &[u8; END_BYTES] = last.last_chunk()?;
    let (head, count) = last.split_at(5);
    (head == [9, 0, 0, 0, END]).then(|| u64::from_le_bytes(count.try_into().unwrap_or_default()))
}

/// Reads a recording part by part, with one part in memory; gives its header.
///
/// # Errors
/// [`Fault`]: what was given to `each` before is then not the whole.
pub fn read(
    mut input: impl BufRead,
    mut each: impl FnMut(Part) -> Result<(), String>,
) -> Result<Header, Fault> {
    let mut line = Vec::new();
    input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
    let header: Header =
        serde_json::from_slice(&line).map_err(|_| Fault::Form("it does not begin with a header".into()))?;
    if header.switchboard != "events" || header.form != FORM {
        return Err(Fault::Form(format!(
            "its form is {} {}, not events {FORM}",
            header.switchboard, header.form
        )));
    }
    let (mut events, mut content) = (0, Vec::new());
    loop {
        let Some((tag, size)) = frame(&mut input)? else { return Err(Fault::CutShort(events)) };
        content.resize(size, 0);
        input.read_exact(&mut content).map_err(|_| Fault::CutShort(events))?;
        let part = match tag {
            STATE if events == 0 => Part::State(Box::new(Engine::from_snapshot(&content)?)),
            EVENT => {
                events += 1;
                let event = record::read(&content).map_err(|fault| Fault::Event { number: events, fault })?;
                Part::Event(Box::new(event))
            }
            ERASED => {
                let (ids, _) = content.as_chunks::<16>();
                Part::Erased(ids.iter().map(|id| CustomerId::from_bits(u128::from_be_bytes(*id))).collect())
            }
            END if content == events.to_le_bytes() => return Ok(header),
            END => return Err(Fault::CutShort(events)),
            other => return Err(Fault::Form(format!("it has a part of kind {other}"))),
        };
        each(part).map_err(Fault::Stopped)?;
    }
}

/// Tag and size of the next frame; none where the file ends.
fn frame(input: &mut impl Read) -> Result<Option<(u8, usize)>, Fault> {
    let mut head = [0; 5];
    if input.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let [a, b, c, d, tag] = head;
    let length = u32::from_le_bytes([a, b, c, d]);
    let most = if tag == STATE { STATE_MAX } else { EVENT_MAX };
    if length == 0 || length > most {
        return Err(Fault::Form(format!("a part of it has {length} bytes")));
    }
    Ok(Some((tag, length as usize - 1)))
}

#[cfg(test)]
mod tests {
    use policy::id::{AgentId, CommandId};
    use policy::matching::AgentProfile;
    use policy::time::Timestamp;

    use super::*;

    const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(5);

    fn event(kind: EventKind) -> Event {
        Event { at: Timestamp(9), workspace: WORKSPACE, cause: CommandId::from_bits(1), kind }
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, WORKSPACE).unwrap();
        writer.state(&Engine::new()).unwrap();
        writer.event(&event(EventKind::WorkspaceCreated)).unwrap();
        let put = EventKind::AgentPut {
            agent: AgentId::from_bits(3),
            name: "Ana Maria".into(),
            bot: false,
            profile: AgentProfile::default(),
        };
        writer.event(&event(put)).unwrap();
        writer.erased(&[CustomerId::from_bits(7)]).unwrap();
        assert_eq!(writer.end().unwrap(), 2);
        bytes
    }

    #[test]
    fn it_comes_back_without_names() {
        let bytes = written();
        assert_eq!((ended(&bytes), ended(&bytes[..bytes.len() - 1]), ended(&[])), (Some(2), None, None));
        assert!(!bytes.windows(3).any(|it| it == b"Ana"));
        let mut parts = Vec::new();
        let header = read(&bytes[..], |part| {
            parts.push(part);
            Ok(())
        });
        assert_eq!(header.unwrap(), Header::of(WORKSPACE));
        assert_eq!(parts.len(), 4);
        assert!(matches!(&parts[0], Part::State(_)));
        assert!(
            matches!(&parts[2], Part::Event(it) if matches!(&it.kind, EventKind::AgentPut { name, .. } if name.is_empty()))
        );
        assert!(matches!(&parts[3], Part::Erased(ids) if ids[..] == [CustomerId::from_bits(7)]));
    }

    #[test]
    fn damage_is_told_and_never_panics() {
        let bytes = written();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], |_| Ok(())).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            drop(read(&bytes[..], |_| Ok(())));
        }
        assert!(matches!(read(&bytes[..], |_| Err("enough".into())), Err(Fault::Stopped(_))));
    }
}
