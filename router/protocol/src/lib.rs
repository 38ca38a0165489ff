//! The wire: frames of the WebSocket session and bodies of the HTTP API. Only this crate knows their JSON form.
//!
//! A session goes `hello` -> `welcome` -> numbered events one way and requests with a client's id the other way:
//!
//! ```text
//! client                                server
//!   hello{ticket, session?, seq?} ────►
//!                                 ◄──── welcome{session, mode, ...}
//!                                 ◄──── event{seq: 1, snapshot{...}}        (modes live and snapshot)
//!   send{id, text} ───────────────────►
//!                                 ◄──── accepted{id, message, seq, level}   (durable at that level)
//!                                 ◄──── event{seq: 2, message{...}}
//!   ack{seq: 2} ──────────────────────►
//! ```
//!
//! Events are numbered per session without gaps; `accepted`, `rejected`, `typing`, `place`, `board` and `pong` are not
//! numbered. Unknown fields are ignored, unknown frame types are refused.

mod board;
mod client;
mod close;
mod http;
mod label;
mod mail;
mod server;
mod view;
mod whatif;

pub use board::{AgentRow, AlarmKind, AlarmRow, BoardView, PromiseRow, QueueRow};
pub use client::{ClientFrame, PresenceWish, TransferTarget};
pub use close::CloseCode;
pub use http::{
    AgentBody, AgentInput, BackupBody, BackupInput, BoardBody, BreaksBody, ConversationBody, DemoLinks,
    DemoSignIn, HistoryBody, IdentitySecretBody, PolicyRemark, PolicyRemarks, Problem, ProblemItem,
    PublicationView, PublicationsBody, SignInBody, SignInInput, TicketBody, TokenBody, TokenInput,
    WidgetBody, WidgetInput, WidgetSessionBody, WidgetSessionInput, WorkspaceBody, WorkspaceInput,
};
pub use label::{LabelReason, LabelView, LabelsView};
pub use mail::{
    AsideBody, AsideView, FailedMailView, FileBody, FileView, MailInput, MailState, MailView, SenderProof,
};
pub use server::{Code, Mode, ServerFrame, SessionEvent};
pub use view::{
    AgentState, Author, AuthorKind, BreakView, ContactPointView, ConversationState, ConversationView,
    DecisionView, DeliveryState, FlipView, LosingGroup, Me, MessageView, Nearest, OfferView, PlaceView,
    Reason, ScorePart, TermsView, Wrapping,
};
pub use whatif::{TrialArm, TrialBody, TryBody, TryChange, TryGroup, TryLoad};

/// The version of the session protocol, said in `hello` and in the WebSocket sub-protocol.
pub const VERSION: u32 = 1;

/// The WebSocket sub-protocol that the server selects. The ticket travels beside it as `ticket.<ticket>`.
pub const SUBPROTOCOL: &str = "switchboard.v1";
