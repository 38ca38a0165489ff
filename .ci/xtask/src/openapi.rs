//! Writes `docs/openapi.json`: the HTTP API as an OpenAPI 3.1 document, from a table of its addresses and the bodies' own
//! schemas. The server embeds the file and serves it. A test holds the table against the server's own routes.

mod mail;
mod operations;

use std::collections::BTreeMap;

use protocol::Problem;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use operations::{Form, Operation, Who, of, operations};

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
            (
                "draws",
                "how often what is not known is drawn; until no guard's answer could change where not given",
            ),
        ],
        "/policy" if *method == "put" => {
            &[("reason", "why it is published although the guards hold it back")]
        }
        _ => &[],
    };
    for (name, what) in asked {
        let text = json!({"type": "string", "maxLength": 500});
        let number = json!({"type": "integer", "minimum": 0});
        let schema = if *name == "reason" { text } else { number };
        parameters.push(json!({"name": name, "in": "query", "description": what, "schema": schema}));
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
