// The wire's types, generated from router/protocol by `cargo xtask types`; never edited by hand.
// Large numbers are times in milliseconds and counters, all well within what a JavaScript number holds exactly.

export const VERSION = 1;
export const SUBPROTOCOL = "switchboard.v1";

/** An agent. */
export type AgentBody = {
  /** Who. */
  id: AgentId,
  /** The sign-in name. */
  sign_in: string,
  /** The name as shown. */
  name: string,
  /** `person` or `bot`. */
  kind: string,
  /** `agent`, `supervisor`, `admin`. */
  role: string,
};

/** A person or a bot that serves customers. */
export type AgentId = string;

/** `POST /api/v1/agents` and `PUT /api/v1/agents/{id}` */
export type AgentInput = {
  /** The sign-in name, 1 to 64 characters; cannot be changed. */
  sign_in: string,
  /** The name as shown, 1 to 80 characters. */
  name: string,
  /** `person` or `bot`. */
  kind: string,
  /** `agent`, `supervisor`, `admin`. */
  role: string,
  /** The password, 8 to 256 characters; absent for those who sign in by token only. */
  password: string | null,
  /** Skills by name with proficiency 1 to 100. */
  skills: { [key in string]: number },
  /** Languages spoken, such as `["en", "es"]`; empty: any. */
  languages: Array<string>,
  /** Effort points in all, 1 to 10,000. */
  capacity: number,
  /** The most conversations of a channel at once, by channel; absent: as many as capacity allows. */
  channels: { [key in string]: number },
};

/** An agent on the board. */
export type AgentRow = {
  /** Who. */
  id: AgentId,
  /** The name. */
  name: string,
  /** Person or bot. */
  kind: AuthorKind,
  /** The state. */
  state: AgentState,
  /** Capacity taken, in effort points. */
  load: number,
  /** Taken by interruptible work, which has a capacity of its own, as large. */
  interruptible_load?: number,
  /** Capacity in all. */
  capacity: number,
  /** The planned break that is near or under way. */
  on_break?: BreakView | null,
};

/** An agent's state. */
export type AgentState = "online" | "away" | "offline";

/** What is wrong with those who wait. */
export type AlarmKind = "unstaffed" | "overdue" | "starved";

/** An alarm over those who wait in a queue. */
export type AlarmRow = {
  /** What is wrong. */
  kind: AlarmKind,
  /** Where. */
  queue: string,
  /** How many conversations it is about. */
  conversations: number,
  /** Since when the oldest of them has waited, in milliseconds since 1970. */
  oldest_ms: number,
  /** Languages and skills that they need, 8 at most. */
  needs?: Array<string>,
};

/** What such a mail says, as plain text. */
export type AsideBody = {
  /** To whom it is addressed. */
  to: Array<string>,
  /** Its text, 64 kB of it at most; the mail as it came has all. */
  text: string,
  /** What it carries. */
  files: Array<FileView>,
};

/** A mail that became no message: it is kept, and somebody decides. */
export type AsideView = {
  /** Which. */
  id: string,
  /** When it came, milliseconds since 1970. */
  at_ms: number,
  /** The mailbox that it came to. */
  account: string,
  /** Why it was set aside: `automatic_reply`, `notice`, `bulk`, `report`, `own`, `complaint`, `loop`, `no_sender`, `refused`. */
  why: string,
  /** The address that it names as its sender. */
  from: string,
  /** Its subject. */
  subject: string,
  /** The conversation that it proves to know of, if there is one. */
  conversation?: ConversationId | null,
};

/** Who wrote, or who holds. */
export type Author = {
  /** Customer, person, bot or the router itself. */
  kind: AuthorKind,
  /** The agent, where it is one. */
  agent?: AgentId | null,
  /** The name as shown. */
  name?: string | null,
};

/** What kind of author. */
export type AuthorKind = "customer" | "person" | "bot" | "router";

/** The operations board. */
export type BoardView = {
  /** When it was taken, milliseconds since 1970. */
  at_ms: number,
  /** Conversations waiting or offered. */
  waiting: number,
  /** The longest current wait, in milliseconds. */
  oldest_wait_ms: number,
  /** Conversations that agents hold. */
  in_hand: number,
  /**
   * Of the conversations first answered by a holder in the last hour or still waiting past target: the share, in per
   * cent, taken up within their queue's target. Absent while there were none.
   */
  service_level?: number | null,
  /** The agents, online first, 500 at most. */
  agents: Array<AgentRow>,
  /** Free effort points of agents online. */
  free_capacity: number,
  /** Effort points of agents online. */
  total_capacity: number,
  /** What is wrong with those who wait, 100 rows at most. */
  alarms?: Array<AlarmRow>,
  /** Queues. */
  queues: Array<QueueRow>,
  /** Conversations closed in the last hour. */
  handled_hour: number,
  /** Messages accepted in the last second. */
  messages_per_s: number,
  /** Decisions in the last second. */
  decisions_per_s: number,
  /** Time of a decision with its record, in microseconds: median and 99th percentile over the last 1,000. */
  decision_us: [number, number],
  /** The last minutes, oldest first, one a minute, 60 at most: (waiting at its end, service level in per cent, handled). */
  history: Array<[number, number | null, number]>,
  /**
   * How promises of the wait were kept: all of them, then by queue, language and priority; about the last thousand of
   * each count.
   */
  promises?: Array<PromiseRow>,
  /** Conversations to open, those that wait longest first, then the newest, 100 at most. */
  conversations: Array<ConversationView>,
};

/** A planned break of an agent. */
export type BreakView = {
  /** When it begins, in milliseconds since 1970. Nothing more is offered until then. */
  from_ms: number,
  /** When it ends. */
  until_ms: number,
  /** Whether it has begun. */
  begun: boolean,
};

/** One frame from a client: a customer's widget, an agent's console, a bot, an operator's dashboard. */
export type ClientFrame = { "type": "hello",
  /** Protocol version, [`crate::VERSION`]. */
  protocol: number,
  /** The session to resume. */
  session?: SessionId | null,
  /** The last event number that the client has. */
  seq?: number | null,
} | { "type": "send",
  /** The client's id of this request, 1 to 64 characters. */
  id: string,
  /** Where it belongs. */
  conversation?: ConversationId | null,
  /**
   * For agents: to which contact point of the conversation; else to the one that was used last. Nothing goes to one that
   * the customer has never written from.
   */
  contact_point?: ContactPointId | null,
  /** The text, 1 to 16,384 bytes after trimming. */
  text: string,
} | { "type": "mail",
  /** The client's id of this request, 1 to 64 characters. */
  id: string,
  /** Where it belongs. */
  conversation: ConversationId,
  /** To which contact point of email of the conversation; else to the one that was used last. */
  contact_point?: ContactPointId | null,
  /** The text, 1 to 16,384 bytes after trimming. */
  text: string,
  /** Subject, copies, files. */
  mail: MailInput,
} | { "type": "accept",
  /** The client's id of this request. */
  id: string,
  /** The offer. */
  offer: OfferId,
} | { "type": "decline",
  /** The client's id of this request. */
  id: string,
  /** The offer. */
  offer: OfferId,
  /** Why, as one of the workspace's words. */
  reason?: string | null,
} | { "type": "transfer",
  /** The client's id of this request. */
  id: string,
  /** The conversation. */
  conversation: ConversationId,
  /** To whom. */
  to: TransferTarget,
} | { "type": "park",
  /** The client's id of this request. */
  id: string,
  /** The conversation. */
  conversation: ConversationId,
  /**
   * When it should come back by itself, in milliseconds since 1970; never if absent (the customer's next message
   * brings it back at once in any case).
   */
  until_ms?: number | null,
} | { "type": "unpark",
  /** The client's id of this request. */
  id: string,
  /** The conversation. */
  conversation: ConversationId,
} | { "type": "close",
  /** The client's id of this request. */
  id: string,
  /** The conversation. */
  conversation: ConversationId,
  /** Whether the customer got what they came for; only an agent's word counts here. */
  solved?: boolean | null,
} | { "type": "reopen",
  /** The client's id of this request. */
  id: string,
  /** The conversation. */
  conversation: ConversationId,
} | { "type": "presence",
  /** The client's id of this request. */
  id: string,
  /** The wished state. */
  state: PresenceWish,
} | { "type": "pause",
  /** The client's id of this request. */
  id: string,
  /** All channels that are to pause; none takes up all again. */
  channels: Array<string>,
} | { "type": "wrap_up",
  /** The client's id of this request. */
  id: string,
  /** Of which. */
  conversation: ConversationId,
} | { "type": "typing",
  /** Where. */
  conversation: ConversationId,
} | { "type": "seen",
  /** Where. */
  conversation: ConversationId,
  /** The number of the last message seen. */
  upto: number,
} | { "type": "ack",
  /** The number of the last event that arrived. */
  seq: number,
} | { "type": "ping",
} | { "type": "watch",
  /** Whether to send them. */
  board: boolean,
};

/** Why a request was rejected. */
export type Code = "malformed" | "invalid" | "forbidden" | "not_found" | "conflict" | "too_fast" | "overloaded" | "not_durable" | "draining";

/** The customer's end: an address on a channel. */
export type ContactPointId = string;

/** A contact point that a conversation's customer has written from. */
export type ContactPointView = {
  /** Which. */
  id: ContactPointId,
  /** Its channel. */
  channel: string,
  /** Where an answer goes, on a channel with addresses: not always where the customer wrote from. */
  address?: string | null,
  /** Why nothing is sent there just now: `unreachable`, `complained`. */
  trouble?: string | null,
};

/** `GET /api/v1/conversations/{id}` */
export type ConversationBody = {
  /** The conversation with its newest messages. */
  conversation: ConversationView,
  /** Why it went where it went, newest first. */
  decisions: Array<DecisionView>,
};

/** One matter of one customer. */
export type ConversationId = string;

/** Where a conversation stands. */
export type ConversationState = "waiting" | "offered" | "assigned" | "parked" | "closed";

/** A conversation. */
export type ConversationView = {
  /** Which. */
  id: ConversationId,
  /** Where it stands. */
  state: ConversationState,
  /** The queue it came through. */
  queue: string,
  /** The channel of its newest message, such as `web_chat`. */
  channel: string,
  /** The customer's name as shown, if one was given. */
  customer_name?: string | null,
  /** The language of the customer's words, if known: `es`. */
  language?: string | null,
  /** What the conversation is about, as skills needed. */
  topics: Array<string>,
  /** Who may speak to the customer now. */
  holder?: Author | null,
  /** For the customer: why this agent, in short, such as the language and the skills that were needed. */
  because?: Array<Reason>,
  /** Grows with each change of holder; a sender with an older one is refused. */
  fence: number,
  /** When it was opened, milliseconds since 1970. */
  opened_ms: number,
  /** Since when the customer has been waiting for a word, if so. */
  waiting_since_ms?: number | null,
  /** The number of its last message. */
  last: number,
  /** Up to which message the agent side has seen. */
  seen_by_agent: number,
  /** Up to which message the customer has seen. */
  seen_by_customer: number,
  /** The newest messages, oldest first; older ones are read by `GET /api/v1/conversations/{id}/messages`. */
  messages?: Array<MessageView>,
  /** For a waiting customer. */
  place?: PlaceView | null,
  /**
   * For agents: where the customer can be written to, the one used last, by either side, last. Absent where it is one that
   * has no address.
   */
  contact_points?: Array<ContactPointView>,
};

/** A person who writes in. */
export type CustomerId = string;

/** Why a conversation went where it went: one decision's record with names. */
export type DecisionView = {
  /** When, milliseconds since 1970. */
  at_ms: number,
  /** The conversation. */
  conversation: ConversationId,
  /** The agent chosen. */
  winner: Nearest,
  /** What set it off: `conversation_came`, `agent_freed`, `transfer`. */
  trigger: string,
  /** The version of the policy. */
  policy_version: number,
  /** Groups of agents that lost, by reason. */
  losing: Array<LosingGroup>,
  /** The nearest three that lost by score, best first. */
  nearest: Array<Nearest>,
  /** The rule that decided. */
  rule: string,
  /** The rule's own terms, where it counts the customer's time. */
  terms?: TermsView | null,
  /** The smallest change that would have sent it elsewhere. */
  flip?: FlipView | null,
  /** How long the customer had waited, in milliseconds. */
  waited_ms: number,
};

/** How far a message got. It only ever moves forward. */
export type DeliveryState = "sent" | "delivered" | "seen" | "failed";

/** A mail of ours that did not arrive, or of which nobody knows. It is sent again when somebody asks. */
export type FailedMailView = {
  /** Of which conversation. */
  conversation: ConversationId,
  /** The number of its message. */
  seq: number,
  /** When that was known, milliseconds since 1970. */
  at_ms: number,
  /** The mailbox that it goes out from. */
  account: string,
  /** To whom it goes, copies included. */
  to: Array<string>,
  /** Its subject. */
  subject: string,
  /** `failed` or `unknown`. */
  state: MailState,
  /** Why, in the other server's words where it has any. */
  why?: string | null,
  /** Where else the customer has written from in an open conversation, as far as nothing speaks against it. */
  elsewhere?: Array<ContactPointView>,
};

/** A file that waits to go out with a mail. */
export type FileBody = {
  /** By what a mail names it. */
  id: string,
  /** Its name, cleaned. */
  name: string,
  /** Its type. */
  media_type: string,
  /** Its size in bytes. */
  size: number,
};

/** Something that a mail carries. */
export type FileView = {
  /** Its number in the mail: 0, 1, 2, ... */
  number: number,
  /** Its name. */
  name: string,
  /** Its type, as the sender says. */
  media_type: string,
  /** Its size in bytes. */
  size: number,
  /** Whether it belongs into the text rather than beneath it. */
  inline?: boolean,
};

/** Who would have got it, had that one been better by so much. */
export type FlipView = {
  /** Who. */
  agent: AgentId,
  /** The name. */
  name: string,
  /** Milliseconds of the customer's time. */
  by_ms: number,
};

/** `GET /api/v1/conversations/{id}/messages?before=N&limit=N` */
export type HistoryBody = {
  /** Oldest first. */
  messages: Array<MessageView>,
  /** Ask for what is before this number next; absent at the beginning. */
  before?: number | null,
};

/** Why a label says what it says. */
export type LabelReason = {
  /** `words` (the customer's own), `capitals`, `marks`, `contacts`, `waited` or `unsolved`. */
  kind: string,
  /** The words, for `words`. */
  words?: string | null,
  /** How many; for `waited` seconds. */
  count?: number | null,
};

/** One label. */
export type LabelView = {
  /** What it says. */
  name: string,
  /** How sure that is, in thousandths. */
  confidence: number,
  /** Why, the strongest first. */
  because: Array<LabelReason>,
  /** The version of the model. */
  version: number,
};

/** What was understood of a message; what was not, or may not be shown, is absent. */
export type LabelsView = {
  /** The language, by its ISO 639-1 code: `de`. */
  language?: LabelView | null,
  /** What the customer wants, by the name of the intent in the policy. */
  intent?: LabelView | null,
  /** How the message sounds: `upset`, `worried`, `pleased` or `even`. */
  mood?: LabelView | null,
};

/** A group of agents that did not get a conversation. */
export type LosingGroup = {
  /**
   * Why: `lacks_skill`, `below_proficiency`, `lacks_language`, `offline`, `away`, `at_capacity`, `declined`, `scored_lower`,
   * `reserved`, `kept_for_older`, `has_skill`, `not_yet`, `asked_too`.
   */
  reason: string,
  /** The skill or language, where it is one. */
  name?: string | null,
  /** How many agents. */
  agents: number,
};

/** What an agent says about a mail that goes out. What is left out follows from the conversation. */
export type MailInput = {
  /** The subject; else the customer's, with `Re:`. */
  subject?: string | null,
  /** To whom instead of the customer's address. */
  to?: string | null,
  /** Who gets a copy, 20 at most. Who is named here takes part in the conversation from then on. */
  cc?: Array<string>,
  /** Who gets a copy without anybody knowing, 20 at most. */
  bcc?: Array<string>,
  /** Whether the customer's last mail is quoted beneath. */
  quote?: boolean,
  /** Files, by the ids that `POST /api/v1/conversations/{id}/files` gave, 20 at most. */
  files?: Array<string>,
};

/** How far a mail of ours got. */
export type MailState = "waiting" | "sent" | "delayed" | "delivered" | "failed" | "unknown";

/** What a message that came or went by email has beside its text. */
export type MailView = {
  /** The subject. */
  subject: string,
  /** The address that wrote it; of our own mail the mailbox. */
  from?: string,
  /** To whom it is addressed. */
  to?: Array<string>,
  /** Who got a copy. */
  cc?: Array<string>,
  /** What it quotes of earlier mails, and its signature. */
  quoted?: string,
  /** Whether it has a form of its own, to be read at `GET /api/v1/conversations/{id}/messages/{seq}/mail`. */
  html?: boolean,
  /** What it carries, each to be read at `GET /api/v1/conversations/{id}/messages/{seq}/files/{number}`. */
  files?: Array<FileView>,
  /** How sure it is that it comes from that address; of our own mail absent. */
  proof?: SenderProof | null,
  /** Of our own mail: how far it got. */
  state?: MailState | null,
  /** Why it got no further, in the other server's words or ours. */
  why?: string | null,
};

/** The owner of a session. */
export type Me = {
  /** `customer`, `agent`, `supervisor`, `admin`. */
  role: string,
  /** The agent, where it is one. */
  agent?: AgentId | null,
  /** The name as shown. */
  name?: string | null,
  /** An agent's state. */
  state?: AgentState | null,
  /** Capacity taken, in effort points. */
  load: number,
  /** Taken by interruptible work, which has a capacity of its own, as large. */
  interruptible_load?: number,
  /** Capacity in all, in effort points. */
  capacity: number,
  /** For agents: the queues that conversations may be handed over to. */
  queues?: Array<string>,
  /** For agents: the channels there are. */
  channels?: Array<string>,
  /** For agents: the channels on which nothing more is taken at present. */
  paused?: Array<string>,
  /** For agents: closed conversations whose room is kept for writing up. */
  wrapping?: Array<Wrapping>,
  /** For agents: the planned break that is near or under way. */
  on_break?: BreakView | null,
};

/** One message of a conversation. */
export type MessageId = string;

/** One message. */
export type MessageView = {
  /** Which. */
  id: MessageId,
  /** Its number in the conversation: 1, 2, 3, ... */
  seq: number,
  /** Who wrote it. */
  from: Author,
  /** The text. `None` where it was erased. */
  text?: string | null,
  /** The contact point it came from or goes to. */
  contact_point: ContactPointId,
  /** The channel of that contact point. */
  channel: string,
  /** When it was accepted, milliseconds since 1970. */
  at_ms: number,
  /** How far it got. */
  delivery: DeliveryState,
  /** The writer's own id of the `send`, shown to the writer only. */
  client_id?: string | null,
  /** What was understood of a customer's message, shown to agents only. */
  labels?: LabelsView | null,
  /** What it has beside its text because it came or went by email, shown to agents only. */
  mail?: MailView | null,
};

/** How a session goes on after `hello`. */
export type Mode = "live" | "resume" | "snapshot";

/** An agent with the parts of its score. */
export type Nearest = {
  /** Who. */
  agent: AgentId,
  /** The name. */
  name: string,
  /** The parts. */
  score: Array<ScorePart>,
};

/** A conversation proposed to an agent until a deadline. */
export type OfferId = string;

/** An offer to an agent. */
export type OfferView = {
  /** Which. */
  id: OfferId,
  /** The conversation, with its messages so far. */
  conversation: ConversationView,
  /** Why this agent, part by part, for a line such as "Spanish + refunds, waited 0:42". */
  why: Array<Reason>,
  /** How long the customer has waited, in milliseconds, when the offer was made. */
  waited_ms: number,
  /** When the offer was made, milliseconds since 1970. */
  made_ms: number,
  /** When it ends, milliseconds since 1970. */
  until_ms: number,
};

/** A waiting customer's place. */
export type PlaceView = {
  /** 1 is next. */
  position: number,
  /**
   * The likely wait from now, as a range in seconds (median to 90th percentile); absent where nothing honest can be
   * said.
   */
  wait_s?: [number, number] | null,
  /** Outside hours: when somebody will be here, milliseconds since 1970. */
  opens_ms?: number | null,
  /** It takes longer than was said at first. */
  longer?: boolean,
  /** The wait is a long one: who goes away meanwhile keeps the place, and finds the answer here. */
  long?: boolean,
  /** The range comes from the length of the line alone. */
  rough?: boolean,
};

/** The state that an agent asks for. */
export type PresenceWish = "online" | "away" | "offline";

/** An error (RFC 9457). */
export type Problem = {
  /** A stable name: `/problems/not-found`. */
  type: string,
  /** The name in words. */
  title: string,
  /** The HTTP status. */
  status: number,
  /** What happened, what is safe, what to do. */
  detail: string,
  /** Each fault, where there are several. */
  errors?: Array<ProblemItem>,
};

/** One fault of a request. */
export type ProblemItem = {
  /** Where: a JSON pointer. */
  pointer: string,
  /** What is wrong and what would be right. */
  detail: string,
};

/** How promises of the wait were kept in one group. */
export type PromiseRow = {
  /** `all`, `queue`, `language` or `priority`. */
  by: string,
  /** The queue, the language or the priority; empty for all, and for a language that is not known. */
  name: string,
  /** Customers who were told and then served. */
  served: number,
  /** Of them, per cent served by the end of the range they were told first. */
  kept: number,
  /** The mean told, less the mean wait that came of it, in per cent of that. */
  bias: number,
  /** Customers who were told and left. */
  left: number,
};

/** One publication. */
export type PublicationView = {
  /** The version that it put in force; it stands in each decision's record. */
  version: number,
  /** When, in milliseconds since 1970. */
  at_ms: number,
  /** Who. */
  by: AgentId,
  /** The name at that time. */
  name: string,
  /** Why it was published although a guard spoke against it, or simply why. */
  reason: string | null,
  /** What the guards had against it, in words. */
  objections: Array<string>,
  /** Whether recorded traffic was replayed under it; if not, only the agents there are were looked at. */
  tried: boolean,
};

/** Publications of policies: `GET /api/v1/policy/publications`. */
export type PublicationsBody = {
  /** The newest first; the last 100 are kept. */
  publications: Array<PublicationView>,
};

/** A queue on the board. */
export type QueueRow = {
  /** Its name. */
  name: string,
  /** Waiting or offered. */
  waiting: number,
  /** The longest current wait, in milliseconds. */
  oldest_wait_ms: number,
  /** Its service target, in seconds. */
  target_s: number,
  /** Whether it is open now. */
  open: boolean,
  /** Conversations that came in the last hour. */
  arrived_hour: number,
  /** Conversations closed in the last hour. */
  handled_hour: number,
  /** Service level in per cent, as on the board. */
  service_level?: number | null,
  /** What a customer who came now would be told, in seconds: median to 90th percentile. */
  promise_s?: [number, number] | null,
};

/** One part of a reason. */
export type Reason = {
  /** `language`, `skill`, `same_agent`, `longest_idle`, `priority`, `passed_over`, `transfer`. */
  kind: string,
  /** The language or skill by name, where it is one. */
  name?: string | null,
};

/**
 * One part of a score. Where there is a `cost_ms`, the least of it decides; else the sum of the points. Ties go to the
 * longest idle, then to the lower id.
 */
export type ScorePart = {
  /** `cost_ms`, `proficiency`, `same_agent`, `idle_ms`. */
  name: string,
  /** Points. */
  points: number,
};

/** How sure it is that a mail comes from the address that it names. */
export type SenderProof = "verified" | "unverified" | "suspect";

/** One frame from the server. */
export type ServerFrame = { "type": "welcome",
  /** The session; name it in the next `hello` to resume. */
  session: SessionId,
  /** How the stream goes on. */
  mode: Mode,
  /** The number after which events follow. */
  seq: number,
  /** The server closes after two of these without a frame or a pong from the client. */
  heartbeat_ms: number,
  /** The longest frame that is taken, in bytes. */
  max_bytes: number,
  /** What an acknowledgement survives: `memory`, `os`, `disk`. */
  level: string,
  /** Server time, milliseconds since 1970, so that ages can be shown rightly on a wrong clock. */
  now_ms: number,
} | { "type": "event",
  /** Its number in this session: the last one plus one. */
  seq: number,
  /** What happened. */
  event: SessionEvent,
} | { "type": "accepted",
  /** The client's id of the request. */
  id: string,
  /** The conversation it concerned, if one. */
  conversation?: ConversationId | null,
  /** For `send`: the message. */
  message?: MessageId | null,
  /** For `send`: the message's number in its conversation. */
  seq?: number | null,
  /** What the acknowledgement survives. */
  level: string,
} | { "type": "rejected",
  /** The client's id of the request; empty where the frame could not be read. */
  id: string,
  /** Why, for programs. */
  code: Code,
  /** Why, and what to do, for people. */
  detail: string,
  /** When it is worth trying again, in milliseconds from now. */
  retry_ms?: number | null,
} | { "type": "typing",
  /** Where. */
  conversation: ConversationId,
  /** Who. */
  by: AuthorKind,
} | { "type": "place",
  /** Which conversation waits. */
  conversation: ConversationId,
  /** The place. */
  place: PlaceView,
} | { "type": "board",
  /** The figures. */
  board: BoardView,
} | { "type": "paused",
  /** Whether it is so. */
  paused: boolean,
} | { "type": "pong",
};

/** What happened, as seen by this session's owner. */
export type SessionEvent = { "kind": "snapshot",
  /** The signed-in agent or the customer. */
  me: Me,
  /** Conversations in hand (agent), or the customer's latest one, each with its last messages. */
  conversations: Array<ConversationView>,
  /** Offers that still stand. */
  offers: Array<OfferView>,
} | { "kind": "conversation",
  /** The conversation as it is now. */
  conversation: ConversationView,
} | { "kind": "conversation_left",
  /** Which. */
  conversation: ConversationId,
} | { "kind": "message",
  /** Which conversation. */
  conversation: ConversationId,
  /** The message. */
  message: MessageView,
} | { "kind": "delivered",
  /** Which conversation. */
  conversation: ConversationId,
  /** Where they have arrived. */
  by: AuthorKind,
  /** The number of the last one. */
  upto: number,
} | { "kind": "seen",
  /** Which conversation. */
  conversation: ConversationId,
  /** Who has seen them. */
  by: AuthorKind,
  /** The number of the last one. */
  upto: number,
} | { "kind": "offer",
  /** The offer, with its reason. */
  offer: OfferView,
} | { "kind": "offer_ended",
  /** Which. */
  offer: OfferId,
  /** Why: `accepted`, `declined`, `timed_out`, `withdrawn`. */
  why: string,
} | { "kind": "me",
  /** The agent as it is now. */
  me: Me,
} | { "kind": "named",
  /** Who. */
  agent: AgentId,
  /** The name shown to customers. */
  name: string,
};

/** A numbered stream of events to one connected client. */
export type SessionId = string;

/** The answer to a sign-in. The same token is set as an HttpOnly cookie for the pages. */
export type SignInBody = {
  /** Send as `Authorization: Bearer …`. */
  token: string,
  /** When it ends, milliseconds since 1970. */
  expires_ms: number,
  /** `agent`, `supervisor`, `admin`. */
  role: string,
  /** The agent. */
  agent: AgentId,
  /** The name as shown. */
  name: string,
};

/** `POST /api/v1/sign-in` */
export type SignInInput = {
  /** The workspace by name; may be left out where there is one. */
  workspace?: string | null,
  /** The sign-in name. */
  name: string,
  /** The password. */
  password: string,
};

/** The terms of a decision, all but the first in milliseconds of the customer's time. */
export type TermsView = {
  /** What one more second of waiting cost, in thousandths of a plain customer's second. */
  urgency_pm: number,
  /** The conversation, what it does to the agent's others, and the chance of having to come back. */
  work_ms: number,
  /** The price of a slot that others may need. */
  price_ms: number,
  /** The chance that the agent is not there. */
  risk_ms: number,
  /** What waiting for a better agent who is busy would have cost, if there was one. */
  hold_ms?: number | null,
};

/** `POST /api/v1/tickets`: a one-time key for one WebSocket upgrade. */
export type TicketBody = {
  /** Offer it as the WebSocket sub-protocol `ticket.<ticket>`, beside `switchboard.v1`. */
  ticket: string,
  /** It ends after this many milliseconds. */
  expires_in_ms: number,
};

/** The answer to `POST /api/v1/tokens`; the token is shown this once. */
export type TokenBody = {
  /** `swb_…` */
  token: string,
  /** When it ends, milliseconds since 1970. */
  expires_ms: number,
};

/** `POST /api/v1/tokens`: an access token for an agent, bot or program. */
export type TokenInput = {
  /** For whom, by id. */
  agent: AgentId,
  /** Ends after this many days, 1 to 3,650. */
  days: number,
};

/** To whom a conversation is handed over. */
export type TransferTarget = { "queue": string } | { "agent": AgentId };

/** What came of one of the two policies. */
export type TrialArm = {
  /** Blocks with conversations. */
  blocks: number,
  /** Conversations. */
  conversations: number,
  /** The mean over blocks of their mean waits, in seconds. */
  wait_s: number,
  /** The share of customers who left. */
  left: number,
};

/** A trial in live use, and what came of it so far: `GET /api/v1/policy/trial`. */
export type TrialBody = {
  /** When it began, in milliseconds since 1970. */
  since_ms: number,
  /** The length of a block, in minutes. */
  minutes: number,
  /** The policy that is tried (TOML). */
  tried_policy: string,
  /** Whether it is in force now. */
  in_force: boolean,
  /** Under the policy that is kept. */
  kept: TrialArm,
  /** Under the policy that is tried. */
  tried: TrialArm,
  /**
   * The lower end of the 95 % interval of the difference in mean waits, tried less kept, in seconds; none before each has two
   * blocks.
   */
  low: number | null,
  /** The upper end. */
  high: number | null,
};

/** Recorded traffic under another policy, before it goes live. */
export type TryBody = {
  /** The first recorded moment that was replayed, in milliseconds since 1970. */
  from_ms: number,
  /** The last one. */
  to_ms: number,
  /** Conversations that came. */
  conversations: number,
  /** Recorded decisions. */
  decisions: number,
  /** Decisions that come out the same. */
  identical: number,
  /** Decisions that the other policy makes otherwise. */
  changed: number,
  /** Conversations of customers who were erased; they count like all others. */
  erased: number,
  /** How often what the recording leaves open was drawn. */
  draws: number,
  /** Groups of customers; those that are worse off for certain come first. */
  groups: Array<TryGroup>,
  /** How many of them are worse off for certain. */
  worse_off: number,
  /** The share of customers who leave. */
  abandonment: TryChange,
  /** Customers who are never served. */
  unserved: TryChange,
  /** The mean proficiency in what was needed, 0 to 1. */
  skill_fit: TryChange,
  /** Agents; those whose load grows most come first. */
  loads: Array<TryLoad>,
  /** Guards that do not hold, in words; none: it may be published. */
  blocked_by: Array<string>,
};

/** A figure before and after, with the 95 % interval of the difference. */
export type TryChange = {
  /** Under the recorded policy. */
  before: number,
  /** Under the other one. */
  after: number,
  /** The lower end of the difference. */
  low: number,
  /** The upper end. */
  high: number,
};

/** A group of customers. */
export type TryGroup = {
  /** What makes the group: `all`, `queue`, `language`, `priority`, `channel`. */
  by: string,
  /** Which one. */
  name: string,
  /** How many conversations. */
  conversations: number,
  /** Mean seconds in queue before. */
  wait_before_s: number,
  /** And after. */
  wait_after_s: number,
  /** The lower end of the difference's 95 % interval, in seconds. */
  low: number,
  /** The upper end. */
  high: number,
  /** The share who left before. */
  left_before: number,
  /** And after. */
  left_after: number,
};

/** An agent's load: the share of capacity that is taken. */
export type TryLoad = {
  /** Who. */
  agent: AgentId,
  /** The name, if the agent is still there. */
  name: string | null,
  /** The figures. */
  load: TryChange,
};

/** `GET /api/v1/widget`: what the company's pages need to show the chat. */
export type WidgetBody = {
  /** The widget's public key, for `data-key` of the script tag. */
  widget: string,
  /** The company's name as customers see it. */
  company: string,
  /** Origins of the pages that may use it, beside the server's own. */
  origins: Array<string>,
};

/** `PUT /api/v1/widget` */
export type WidgetInput = {
  /** The company's name as customers see it, 1 to 80 characters. */
  company: string,
  /** Origins of the pages that may use it, 32 at most, each scheme and host such as `https://shop.example`. */
  origins: Array<string>,
};

/** The answer to `POST /api/v1/widget/sessions`. */
export type WidgetSessionBody = {
  /** Keep it in the browser and send it next time: it is the visitor's key. */
  visitor: string,
  /** The customer. */
  customer: CustomerId,
  /** A ticket for the WebSocket. */
  ticket: string,
  /** The ticket ends after this many milliseconds. */
  expires_in_ms: number,
  /** The company's name as shown. */
  company: string,
  /** Texts of the widget in the visitor's language, by key. */
  texts: { [key in string]: string },
  /** The language of those texts. */
  language: string,
  /** `ltr` or `rtl`. */
  direction: string,
  /** Whether somebody is here now. */
  open: boolean,
  /** If not: when, milliseconds since 1970. */
  opens_ms?: number | null,
  /** What a customer who wrote now would likely wait, in seconds: median to 90th percentile. */
  wait_s?: [number, number] | null,
};

/** `POST /api/v1/widget/sessions`: a visitor starts, or comes back. */
export type WidgetSessionInput = {
  /** The widget's public key. */
  widget: string,
  /** The secret of an earlier visit, from the answer to that one. */
  visitor: string | null,
  /** A token signed by the company's site (JWT, HS256, with `sub`, `exp`, and `name` where known). */
  identity: string | null,
  /** What to be called, 1 to 80 characters. */
  name: string | null,
  /** The page's language (BCP 47). */
  language: string | null,
  /** What the visit is about, 8 at most; those that are skills of the policy become needs. */
  topics: Array<string>,
};

/** A workspace and the keys to it, shown this once. */
export type WorkspaceBody = {
  /** Which. */
  id: WorkspaceId,
  /** Its name. */
  name: string,
  /** The public key of its widget. */
  widget: string,
  /** The secret that signs widget identities (HS256). */
  identity_secret: string,
  /** An admin's token. */
  admin_token: string,
};

/** A tenant: one pool of agents, the unit of isolation. */
export type WorkspaceId = string;

/** `POST /api/v1/workspaces` (operator token only) */
export type WorkspaceInput = {
  /** Its name, 1 to 64 characters of a-z, 0-9 and `-`. */
  name: string,
  /** The company's name as customers see it, 1 to 80 characters; absent: the workspace's. */
  company?: string | null,
  /** The policy document (TOML); absent: the default one. */
  policy?: string | null,
};

/** A closed conversation whose room its agent keeps for writing up. */
export type Wrapping = {
  /** Which. */
  conversation: ConversationId,
  /** Until when, at most, in milliseconds since 1970. */
  until_ms: number,
};
