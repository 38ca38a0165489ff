//! Writes `docs/asyncapi.json`: the WebSocket session as an AsyncAPI 3 document, from the frames' own schemas.

use protocol::{ClientFrame, ServerFrame};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const ADDRESS: &str = "/api/v1/socket";

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
    generator.subschema_for::<ClientFrame>();
    generator.subschema_for::<ServerFrame>();
    let mut schemas = generator.take_definitions(true);
    let client = messages(&mut schemas, "ClientFrame", "client");
    let server = messages(&mut schemas, "ServerFrame", "server");
    let every = || client.iter().chain(&server);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Switchboard session",
            "version": format!("{}.0.0", protocol::VERSION),
            "description": "A numbered stream of events one way, requests with a client's id the other way. \
                Sub-protocols: `switchboard.v1`, and `ticket.<ticket>` with a one-time ticket from `POST /api/v1/tickets` or \
                `POST /api/v1/widget/sessions`. The first frame is `hello`; with `session` and `seq` it resumes.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "session": {
                "address": ADDRESS,
                "description": "One text frame is one JSON object. Unknown fields are ignored, unknown frame types refused.",
                "messages": every().map(|(name, _)| (name.clone(), reference(&["components", "messages", name]))).collect::<Map<_, _>>(),
                "bindings": {"ws": {"method": "GET"}},
            },
        },
        "operations": {
            "fromClient": {
                "action": "receive",
                "channel": reference(&["channels", "session"]),
                "messages": client.keys().map(|name| reference(&["channels", "session", "messages", name])).collect::<Vec<_>>(),
            },
            "fromServer": {
                "action": "send",
                "channel": reference(&["channels", "session"]),
                "messages": server.keys().map(|name| reference(&["channels", "session", "messages", name])).collect::<Vec<_>>(),
            },
        },
        "components": {
            "messages": every().map(|(name, message)| (name.clone(), message.clone())).collect::<Map<_, _>>(),
            "schemas": sorted(schemas),
        },
    })
}

fn reference(path: &[&str]) -> Value {
    json!({"$ref": format!("#/{}", path.join("/"))})
}

/// One message a variant: the frame's schema is taken apart, so that each frame has a name, a summary and a payload.
fn messages(schemas: &mut Map<String, Value>, frame: &str, side: &str) -> Map<String, Value> {
    let variants = schemas
        .remove(frame)
        .and_then(|schema| schema.get("oneOf").and_then(Value::as_array).cloned())
        .unwrap_or_default();
    let named = variants.into_iter().filter_map(|variant| {
        let kind = variant.pointer("/properties/type/const")?.as_str()?.to_owned();
        let summary = variant.get("description").cloned().unwrap_or_default();
        let message = json!({"name": kind, "summary": summary, "payload": variant});
        Some((format!("{side}.{kind}"), message))
    });
    sorted(named.collect())
}

/// By name, whatever order the map keeps.
fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_a_message() {
        let document = document();
        let messages = document["components"]["messages"].as_object().expect("messages");
        for name in
            ["client.hello", "client.send", "client.watch", "server.welcome", "server.event", "server.pong"]
        {
            assert!(messages.contains_key(name), "{name}");
        }
        assert_eq!(
            document["channels"]["session"]["messages"].as_object().map(Map::len),
            Some(messages.len())
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| match value.as_str() {
                    Some(path) if key == "$ref" => found.push(path),
                    _ => walk(value, found),
                }),
                Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        walk(&document, &mut found);
        assert!(found.len() > 20);
        for path in found {
            assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path}");
        }
    }
}
