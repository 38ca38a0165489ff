//! A workspace of a test's own, with the agents and visitors that it needs.

use std::collections::BTreeMap;

use protocol::{
    AgentBody, AgentInput, TicketBody, TokenBody, TokenInput, WidgetSessionBody, WidgetSessionInput,
    WorkspaceBody, WorkspaceInput,
};

use crate::client::Client;
use crate::http::Api;
use crate::server::Server;

/// A workspace with its keys.
#[derive(Debug)]
pub struct Workspace {
    /// What the server said when it was made.
    pub keys: WorkspaceBody,
    /// The HTTP API as its admin.
    pub admin: Api,
    origin: String,
}

/// Somebody with a token: an agent, a supervisor, an admin.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Who.
    pub body: AgentBody,
    /// The HTTP API as this agent.
    pub api: Api,
    origin: String,
}

/// A visitor with the keys that a browser would keep.
#[derive(Debug)]
pub struct Visitor {
    /// What the server said.
    pub body: WidgetSessionBody,
    input: WidgetSessionInput,
    api: Api,
    origin: String,
}

impl Server {
    /// Makes a workspace with this policy (TOML), or the default one.
    pub async fn workspace(&self, name: &str, policy: Option<&str>) -> Workspace {
        let input =
            WorkspaceInput { name: name.to_owned(), company: None, policy: policy.map(str::to_owned) };
        let keys: WorkspaceBody = self.operator().post("/api/v1/workspaces", &input).await.json();
        let admin = Api { address: self.address, token: Some(keys.admin_token.clone()) };
        Workspace { keys, admin, origin: self.origin() }
    }
}

impl Workspace {
    /// The same workspace as seen through another node.
    #[must_use]
    pub fn at(&self, node: &Server) -> Self {
        let admin = Api { address: node.address, ..self.admin.clone() };
        Self { keys: self.keys.clone(), admin, origin: node.origin() }
    }

    /// Makes an agent who can do everything that needs no skill, with room for three conversations.
    pub async fn agent(&self, sign_in: &str) -> Agent {
        self.agent_with(sign_in, |_| ()).await
    }

    /// Makes an agent, changed by `change` before it is sent.
    pub async fn agent_with(&self, sign_in: &str, change: impl FnOnce(&mut AgentInput)) -> Agent {
        let mut input = AgentInput {
            sign_in: sign_in.to_owned(),
            name: format!("Agent {sign_in}"),
            kind: "person".to_owned(),
            role: "agent".to_owned(),
            password: None,
            skills: BTreeMap::new(),
            languages: Vec::new(),
            capacity: 3,
            channels: BTreeMap::new(),
        };
        change(&mut input);
        let body: AgentBody = self.admin.post("/api/v1/agents", &input).await.json();
        let token: TokenBody =
            self.admin.post("/api/v1/tokens", &TokenInput { agent: body.id, days: 1 }).await.json();
        let api = Api { address: self.admin.address, token: Some(token.token) };
        Agent { body, api, origin: self.origin.clone() }
    }

    /// A visitor comes to the page with the widget.
    pub async fn visitor(&self) -> Visitor {
        self.visitor_with(|_| ()).await
    }

    /// A visitor, with an input changed by `change`.
    pub async fn visitor_with(&self, change: impl FnOnce(&mut WidgetSessionInput)) -> Visitor {
        let mut input =
            WidgetSessionInput { widget: self.keys.widget.clone(), ..WidgetSessionInput::default() };
        change(&mut input);
        let api = Api { address: self.admin.address, token: None };
        let body = begin(&api, &input, &self.origin).await;
        Visitor { body, input, api, origin: self.origin.clone() }
    }
}

async fn begin(api: &Api, input: &WidgetSessionInput, origin: &str) -> WidgetSessionBody {
    let text = serde_json::to_string(input).expect("the input has a JSON form");
    let headers = [("content-type", "application/json"), ("origin", origin)];
    api.send("POST", "/api/v1/widget/sessions", &headers, &text).await.json()
}

impl Agent {
    /// The same agent as seen through another node.
    #[must_use]
    pub fn at(&self, node: &Server) -> Self {
        let api = Api { address: node.address, ..self.api.clone() };
        Self { body: self.body.clone(), api, origin: node.origin() }
    }

    /// A one-time key for a WebSocket.
    pub async fn ticket(&self) -> String {
        let body: TicketBody = self.api.post("/api/v1/tickets", &serde_json::json!({})).await.json();
        body.ticket
    }

    /// Opens the console: a live session, its snapshot read.
    pub async fn connect(&self) -> Client {
        let mut client = self.connect_silent().await;
        client.hello().await;
        client
    }

    /// Opens the connection and says nothing yet.
    pub async fn connect_silent(&self) -> Client {
        Client::open(self.api.address, Some(&self.origin), &self.ticket().await).await
    }

    /// Opens the console and comes online.
    pub async fn online(&self) -> Client {
        let mut client = self.connect().await;
        client.online().await;
        client
    }
}

impl Visitor {
    /// From now on this visitor comes through another node.
    pub fn go_to(&mut self, node: &Server) {
        self.api.address = node.address;
        self.origin = node.origin();
    }

    /// Opens the widget: a live session, its snapshot read.
    pub async fn connect(&mut self) -> Client {
        let mut client = self.connect_silent().await;
        client.hello().await;
        client
    }

    /// Opens the connection and says nothing yet.
    pub async fn connect_silent(&mut self) -> Client {
        let ticket = self.ticket().await;
        Client::open(self.api.address, Some(&self.origin), &ticket).await
    }

    /// A fresh ticket: the visitor comes back with the key of the first visit.
    ///
    /// # Panics
    /// Where the server takes this visitor for another one.
    pub async fn ticket(&mut self) -> String {
        self.input.visitor = Some(self.body.visitor.clone());
        let customer = self.body.customer;
        self.body = begin(&self.api, &self.input, &self.origin).await;
        assert_eq!(self.body.customer, customer, "the same visitor is the same customer");
        self.body.ticket.clone()
    }
}
