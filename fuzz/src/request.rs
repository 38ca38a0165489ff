//! Requests: headers that say who asks and from where, and bodies. Lines of headers, an empty line, the body. Nobody gets in
//! by what they write, and nothing that a stranger writes changes from where they come.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use log_store::memory::MemoryLog;
use policy::id::{ConversationId, CustomerId};
use protocol::{AgentInput, BackupInput, SignInInput, TokenInput, WidgetSessionInput, WorkspaceInput};
use router::accounts::{Accounts, WorkspaceRecord};
use router::api::{bearer, cookie};
use router::config::{is_origin, origin};
use router::listen::Proxies;
use serde::Serialize;
use serde::de::DeserializeOwned;

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// A server's accounts with one workspace, and proxies of one network.
struct Door {
    accounts: Arc<Accounts>,
    workspace: WorkspaceRecord,
    proxies: Proxies,
}

static DOOR: LazyLock<Door> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let accounts =
            Accounts::open(Arc::new(MemoryLog::new()), 12, None).await.expect("accounts in memory");
        let workspace = accounts.create_workspace("main", "Main", |_| true).await.expect("a first workspace");
        let proxies = Proxies::new(&["10.0.0.0/8".parse().expect("a range")]);
        Door { accounts, workspace, proxies }
    })
});

pub(crate) fn run(data: &[u8]) -> bool {
    let split = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = split.map_or((data, &[] as &[u8]), |at| (&data[..at], &data[at + 2..]));
    let named = headers(head);
    let understood = bodies(body);
    named || understood
}

fn headers(head: &[u8]) -> bool {
    let door = &*DOOR;
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(32) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    assert_eq!(door.proxies.client(STRANGER, &headers), STRANGER, "a stranger's word was believed");
    let client = door.proxies.client(PROXY, &headers);
    assert_eq!(client, client.to_canonical());
    for scheme in ["Bearer", "Visitor"] {
        let Some(token) = bearer(&headers, scheme) else { continue };
        strange(&token);
    }
    if let Some(token) = cookie(&headers) {
        strange(&token);
    }
    for value in headers.values().filter_map(|value| value.to_str().ok()).filter(|value| is_origin(value)) {
        let kept = origin(value);
        assert!(is_origin(&kept), "{value} is an origin, {kept} is none");
        assert_eq!(origin(&kept), kept, "{value} is not kept in its last form");
    }
    !headers.is_empty()
}

/// What nobody was given opens nothing.
fn strange(token: &str) {
    let Door { accounts, workspace, .. } = &*DOOR;
    assert!(accounts.authenticate(token, 0).is_none(), "a made-up token works");
    assert!(accounts.known_visitor(workspace.id, token).is_none(), "a made-up visitor is known");
    assert!(accounts.identified(workspace, token, 0).is_err(), "a made-up identity is believed");
    for_id::<ConversationId>(token);
    for_id::<CustomerId>(token);
}

/// An id that is read is written in the one form that is read as the same.
fn for_id<T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str)
where
    T::Err: std::fmt::Debug,
{
    if let Ok(id) = text.parse::<T>() {
        assert_eq!(id.to_string().parse::<T>().expect("an id of ours"), id);
    }
}

fn bodies(body: &[u8]) -> bool {
    [
        again::<SignInInput>(body),
        again::<WidgetSessionInput>(body),
        again::<AgentInput>(body),
        again::<TokenInput>(body),
        again::<WorkspaceInput>(body),
        again::<BackupInput>(body),
        again::<Vec<String>>(body),
    ]
    .contains(&true)
}

/// A body that is understood is written and understood again in the same way.
fn again<T: Serialize + DeserializeOwned + PartialEq>(body: &[u8]) -> bool {
    let Ok(input) = serde_json::from_slice::<T>(body) else { return false };
    let written = serde_json::to_vec(&input).expect("a body can be written");
    assert!(serde_json::from_slice::<T>(&written).is_ok_and(|again| again == input));
    true
}
