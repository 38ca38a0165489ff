//! The table of the HTTP API: every address, who may ask, what it takes and answers.

use protocol::{
    AgentBody, AgentInput, BackupBody, BackupInput, BoardBody, BreaksBody, ConversationBody, HistoryBody,
    IdentitySecretBody, Me, PolicyRemarks, PublicationsBody, SignInBody, SignInInput, TicketBody, TokenBody,
    TokenInput, TrialBody, TryBody, WidgetBody, WidgetInput, WidgetSessionBody, WidgetSessionInput,
    WorkspaceBody, WorkspaceInput,
};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody.
    Anybody,
    /// Who is signed in, by token or cookie; the least role stands in the summary.
    SignedIn,
    /// The operator's token.
    Operator,
}

/// The form of a body.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// None.
    Nothing,
    /// JSON of this schema.
    Json(fn(&mut SchemaGenerator) -> Value),
    /// Text of this media type.
    Text(&'static str),
}

pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

pub(super) const fn body<T: JsonSchema>() -> Form {
    Form::Json(of::<T>)
}

fn set_up(_: &mut SchemaGenerator) -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["token", "name", "sign_in", "password"],
        "additionalProperties": false,
        "properties": {
            "token": text, "company": text, "name": text, "sign_in": text, "password": text, "workspace": text,
        },
    })
}

const fn anything(_: &mut SchemaGenerator) -> Value {
    Value::Bool(true)
}

/// Method, path, who, what it does, what it takes, status and what it answers.
pub(super) type Operation = (&'static str, &'static str, Who, &'static str, Form, &'static str, Form);

/// All of them, by subject.
pub(super) fn operations() -> Vec<Operation> {
    use Form::{Json, Nothing, Text};
    use Who::{Anybody, Operator, SignedIn};
    let mut operations = vec![
        (
            "get",
            "/socket",
            Anybody,
            "Upgrades to the WebSocket session; see asyncapi.json. Needs a one-time ticket",
            Nothing,
            "101",
            Nothing,
        ),
        (
            "post",
            "/sign-in",
            Anybody,
            "Signs in by name and password; also sets the cookie for the pages",
            body::<SignInInput>(),
            "200",
            body::<SignInBody>(),
        ),
        ("post", "/sign-out", SignedIn, "Ends the sign-in", Nothing, "200", Json(anything)),
        (
            "post",
            "/setup",
            Anybody,
            "Makes the first workspace and admin, by the one-time link that the server printed",
            Json(set_up),
            "200",
            body::<SignInBody>(),
        ),
        ("get", "/me", SignedIn, "Who one is (agent)", Nothing, "200", body::<Me>()),
        (
            "post",
            "/tickets",
            SignedIn,
            "A one-time ticket for the WebSocket session (agent)",
            Nothing,
            "200",
            body::<TicketBody>(),
        ),
        (
            "get",
            "/demo",
            Anybody,
            "How to sign in to the demo; nothing of this exists elsewhere",
            Nothing,
            "200",
            Json(anything),
        ),
        (
            "post",
            "/widget/sessions",
            Anybody,
            "A visitor starts, or comes back",
            body::<WidgetSessionInput>(),
            "200",
            body::<WidgetSessionBody>(),
        ),
        (
            "get",
            "/conversations/{id}",
            SignedIn,
            "A conversation and why it went where it went (agent)",
            Nothing,
            "200",
            body::<ConversationBody>(),
        ),
        (
            "get",
            "/conversations/{id}/messages",
            SignedIn,
            "Messages before a number, oldest first (agent, or the visitor by key)",
            Nothing,
            "200",
            body::<HistoryBody>(),
        ),
        ("get", "/board", SignedIn, "The operations board (agent)", Nothing, "200", body::<BoardBody>()),
        ("get", "/agents", SignedIn, "All agents (agent)", Nothing, "200", body::<Vec<AgentBody>>()),
        (
            "post",
            "/agents",
            SignedIn,
            "Makes an agent (admin)",
            body::<AgentInput>(),
            "201",
            body::<AgentBody>(),
        ),
        (
            "put",
            "/agents/{id}",
            SignedIn,
            "Changes an agent (admin)",
            body::<AgentInput>(),
            "200",
            body::<AgentBody>(),
        ),
        ("delete", "/agents/{id}", SignedIn, "Removes an agent (admin)", Nothing, "204", Nothing),
        (
            "get",
            "/agents/{id}/breaks",
            SignedIn,
            "When an agent's breaks are planned (supervisor)",
            Nothing,
            "200",
            body::<BreaksBody>(),
        ),
        (
            "put",
            "/agents/{id}/breaks",
            SignedIn,
            "Plans an agent's breaks: nothing new is offered in the last minutes before one, and the agent is back by itself (supervisor)",
            body::<BreaksBody>(),
            "204",
            Nothing,
        ),
        (
            "post",
            "/tokens",
            SignedIn,
            "An access token for an agent, bot or program, shown this once (admin)",
            body::<TokenInput>(),
            "201",
            body::<TokenBody>(),
        ),
        ("get", "/policy", SignedIn, "The policy in force (supervisor)", Nothing, "200", Text("text/plain")),
        (
            "put",
            "/policy",
            SignedIn,
            "A new policy, in force at the next event; 409 where the guards hold it back, unless a reason is given as query (admin)",
            Text("text/plain"),
            "204",
            Nothing,
        ),
        (
            "get",
            "/policy/publications",
            SignedIn,
            "Who published which policy and why, and what the guards had against it; the newest first (supervisor)",
            Nothing,
            "200",
            body::<PublicationsBody>(),
        ),
        (
            "post",
            "/policy/check",
            SignedIn,
            "Looks at a policy with the agents there are in mind; changes nothing (supervisor)",
            Text("text/plain"),
            "200",
            body::<PolicyRemarks>(),
        ),
        (
            "post",
            "/policy/try",
            SignedIn,
            "Replays recorded traffic under another policy before it goes live; hours (24) and draws as query; one at a time (supervisor)",
            Text("text/plain"),
            "200",
            body::<TryBody>(),
        ),
        (
            "get",
            "/policy/trial",
            SignedIn,
            "The policy that is tried in live use, and what came of it so far (supervisor)",
            Nothing,
            "200",
            body::<TrialBody>(),
        ),
        (
            "put",
            "/policy/trial",
            SignedIn,
            "Puts another policy in force for every other block of time, to compare it with the present one; minutes (15) a block as query (admin)",
            Text("text/plain"),
            "204",
            Nothing,
        ),
        (
            "delete",
            "/policy/trial",
            SignedIn,
            "Ends the trial; the policy from before it is in force again (admin)",
            Nothing,
            "204",
            Nothing,
        ),
        (
            "get",
            "/widget",
            SignedIn,
            "What the company's pages need to show the chat (admin)",
            Nothing,
            "200",
            body::<WidgetBody>(),
        ),
        (
            "post",
            "/widget/identity-secret",
            SignedIn,
            "A new secret for identities that the company's site signs, shown this once; the one before is void (admin)",
            Nothing,
            "200",
            body::<IdentitySecretBody>(),
        ),
        (
            "put",
            "/widget",
            SignedIn,
            "The company's name, and the pages that may use the widget beside the server's own (admin)",
            body::<WidgetInput>(),
            "204",
            Nothing,
        ),
        (
            "get",
            "/export/events",
            SignedIn,
            "What was recorded of the workspace, without bodies and names, as `loadtest whatif` reads it; two at once (admin)",
            Nothing,
            "200",
            Text("application/octet-stream"),
        ),
        (
            "post",
            "/backup",
            Operator,
            "A consistent copy of the running store, into a new folder of the server's machine",
            body::<BackupInput>(),
            "200",
            body::<BackupBody>(),
        ),
        ("get", "/workspaces", Operator, "Names of all workspaces", Nothing, "200", body::<Vec<String>>()),
        (
            "post",
            "/workspaces",
            Operator,
            "Makes a workspace; its keys are shown this once",
            body::<WorkspaceInput>(),
            "201",
            body::<WorkspaceBody>(),
        ),
        (
            "delete",
            "/workspaces/{name}",
            Operator,
            "Removes a workspace with its sign-ins",
            Nothing,
            "204",
            Nothing,
        ),
    ];
    operations.extend(super::mail::operations());
    operations
}
