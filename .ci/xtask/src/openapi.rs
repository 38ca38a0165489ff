//! Writes `docs/openapi.json`: the HTTP API as an OpenAPI 3.1 document, from a table of its addresses and the bodies' own
//! schemas. The server embeds the file and serves it. A test holds the table against the server's own routes.

mod mail;

use std::collections::BTreeMap;

use protocol::{
    AgentBody, AgentInput, BackupBody, BackupInput, BoardBody, BreaksBody, ConversationBody, HistoryBody, Me,
    PolicyRemarks, Problem, PublicationsBody, SignInBody, SignInInput, TicketBody, TokenBody, TokenInput,
    TrialBody, TryBody, WidgetSessionBody, WidgetSessionInput, WorkspaceBody, WorkspaceInput,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Anybody.
    Anybody,
    /// Who is signed in, by token or cookie; the least role stands in the summary.
    SignedIn,
    /// The operator's token.
    Operator,
}

/// The form of a body.
#[derive(Clone, Copy)]
enum Form {
    /// None.
    Nothing,
    /// JSON of this schema.
    Json(fn(&mut SchemaGenerator) -> Value),
    /// Text of this media type.
    Text(&'static str),
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

const fn body<T: JsonSchema>() -> Form {
    Form::Json(of::<T>)
}

fn set_up(_: &mut SchemaGenerator) -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["token", "name", "sign_in", "password"],
        "additionalProperties": false,
        "properties": {"token": text, "name": text, "sign_in": text, "password": text, "workspace": text},
    })
}

const fn anything(_: &mut SchemaGenerator) -> Value {
    Value::Bool(true)
}

/// Method, path, who, what it does, what it takes, status and what it answers.
type Operation = (&'static str, &'static str, Who, &'static str, Form, &'static str, Form);

fn operations() -> Vec<Operation> {
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
            "Replays recorded traffic under another policy before it goes live; hours (24) and draws (20) as query; one at a time (supervisor)",
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
            "put",
            "/origins",
            SignedIn,
            "Origins of the pages that may use the widget, beside the server's own (admin)",
            body::<Vec<String>>(),
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
    operations.extend(mail::operations());
    operations
}

/// The whole file.
pub(crate) fn text() -> String {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
}

fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let problem = of::<Problem>(&mut generator);
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in operations() {
        let path = paths.entry(format!("/api/v1{}", operation.1)).or_default();
        path.insert(operation.0.to_owned(), described(&operation, &mut generator));
    }
    let schemas: BTreeMap<String, Value> = generator.take_definitions(true).into_iter().collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Switchboard",
            "version": format!("{}.0.0", protocol::VERSION),
            "description": "The HTTP API. Errors are problem documents (RFC 9457): what happened, what is safe, what to do.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "It was not done.",
                    "content": {"application/problem+json": {"schema": problem}},
                },
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "switchboard_session"},
                "operator": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let (method, path, who, summary, takes, status, answers) = operation;
    let mut answer =
        json!({"description": if *status == "101" { "Switched to the WebSocket session." } else { "Done." }});
    if let Some(content) = content(*answers, generator) {
        answer["content"] = content;
    }
    let mut out = json!({
        "operationId": name(method, path),
        "summary": summary,
        "responses": {*status: answer, "default": {"$ref": "#/components/responses/Problem"}},
        "security": match who {
            Who::Anybody => json!([]),
            Who::SignedIn => json!([{"token": []}, {"cookie": []}]),
            Who::Operator => json!([{"operator": []}]),
        },
    });
    if let Some(content) = content(*takes, generator) {
        out["requestBody"] = json!({"required": true, "content": content});
    }
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let asked: &[(&str, &str)] = match *path {
        "/conversations/{id}/messages" => {
            &[("before", "only messages with lower numbers"), ("limit", "how many at most")]
        }
        "/policy/trial" if *method == "put" => &[("minutes", "the length of a block; 15 where not given")],
        "/policy/try" => &[
            ("hours", "how far back; 24 where not given"),
            ("draws", "how often what is not known is drawn; 20"),
        ],
        _ => &[],
    };
    for (name, what) in asked {
        parameters.push(json!({"name": name, "in": "query", "description": what, "schema": {"type": "integer", "minimum": 0}}));
    }
    if !parameters.is_empty() {
        out["parameters"] = parameters.into();
    }
    out
}

fn content(form: Form, generator: &mut SchemaGenerator) -> Option<Value> {
    match form {
        Form::Nothing => None,
        Form::Json(schema) => Some(json!({"application/json": {"schema": schema(generator)}})),
        Form::Text(media) => Some(json!({media: {"schema": {"type": "string"}}})),
    }
}

/// `get /conversations/{id}/messages` -> `get_conversations_id_messages`.
fn name(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// `(method, path)` of every route under `/api/v1` in the server's source.
    fn served(source: &str) -> BTreeSet<(String, String)> {
        let api = source
            .split("let api = ")
            .nth(1)
            .and_then(|rest| rest.split(".fallback(").next())
            .expect("the API's routes");
        let mut found = BTreeSet::new();
        for route in api.split(".route(\"").skip(1) {
            let (path, handlers) = route.split_once('"').expect("a path ends");
            for method in ["get", "post", "put", "delete", "patch"] {
                if handlers
                    .split(|c: char| !c.is_alphanumeric() && c != '(')
                    .any(|word| word.starts_with(&format!("{method}(")))
                {
                    found.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
        found
    }

    #[test]
    fn what_is_served_is_documented_and_nothing_else() {
        let file = crate::tree::root().join("router/src/api/mod.rs");
        let source = std::fs::read_to_string(file).expect("the server's routes");
        let documented: BTreeSet<_> = operations()
            .iter()
            .map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(documented, served(&source));
    }

    #[test]
    fn routes_are_read_from_source() {
        let source = "let api = Router::new().route(\"/a/{id}\", get(a::b).post(a::c)).route(\"/d\", put(e)).fallback(x)";
        let expected = [("get", "/a/{id}"), ("post", "/a/{id}"), ("put", "/d")];
        assert_eq!(
            served(source),
            expected.map(|(method, path)| (method.to_owned(), path.to_owned())).into()
        );
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = operations().iter().map(|(method, path, ..)| name(method, path)).collect();
        assert_eq!(names.len(), operations().len());
    }
}
