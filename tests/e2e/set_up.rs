//! The first start: one link, which makes one admin, whoever else has it too.

use std::collections::BTreeMap;

use jsonwebtoken::{EncodingKey, Header};
use protocol::{IdentitySecretBody, Me, SignInBody, WidgetBody, WidgetInput, WidgetSessionInput};
use tests::{Api, Server};

fn input<'a>(token: &'a str, who: &'a str) -> BTreeMap<&'a str, &'a str> {
    [("token", token), ("name", who), ("sign_in", who), ("password", "correct horse"), ("workspace", who)]
        .into()
}

/// What a company's site signs for a visitor that it knows.
fn identity(secret: &str) -> String {
    let claims = serde_json::json!({ "sub": "customer-7", "exp": 4_000_000_000_u64 });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("it can be signed")
}

#[tokio::test]
async fn of_many_uses_of_the_link_at_once_exactly_one_passes() {
    let server = Server::serve("level = \"os\"").await;
    let (link, stranger) = (server.set_up.clone().expect("nobody can sign in yet"), server.anonymous());
    let names: Vec<String> = (0..8).map(|number| format!("admin-{number}")).collect();
    let asked = names.iter().map(|who| {
        let (stranger, link) = (stranger.clone(), link.clone());
        async move { stranger.post("/api/v1/setup", &input(&link, who)).await }
    });
    let answers = futures_util::future::join_all(asked).await;
    let passed: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(passed.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)));

    // Who passed is an admin, in the one workspace that there is; nothing of the others is left.
    let signed_in: SignInBody = passed[0].json();
    let admin = Api { address: server.address, token: Some(signed_in.token) };
    let me: Me = admin.get("/api/v1/me").await.json();
    assert_eq!(me.role, "admin");
    let workspaces: Vec<String> = server.operator().get("/api/v1/workspaces").await.json();
    assert_eq!(workspaces.len(), 1, "{workspaces:?}");
    let late = stranger.post("/api/v1/setup", &input(&link, "late")).await;
    assert_eq!(late.status, 401, "the link is used up");
}

#[tokio::test]
async fn a_use_that_fails_leaves_the_link_as_it_was() {
    let server = Server::serve("level = \"os\"").await;
    let (link, stranger) = (server.set_up.clone().expect("nobody can sign in yet"), server.anonymous());
    let mut short = input(&link, "ada");
    short.insert("password", "short");
    assert!(stranger.post("/api/v1/setup", &short).await.status >= 400);
    assert_eq!(stranger.post("/api/v1/setup", &input(&link, "ada")).await.status, 200);
}

#[tokio::test]
async fn the_first_admin_has_all_that_the_company_s_pages_need() {
    let server = Server::serve("level = \"os\"").await;
    let (link, stranger) = (server.set_up.clone().expect("nobody can sign in yet"), server.anonymous());
    let mut wanted = input(&link, "ada");
    wanted.insert("company", "Harbour & Pine");
    let signed_in: SignInBody = stranger.post("/api/v1/setup", &wanted).await.json();
    let admin = Api { address: server.address, token: Some(signed_in.token) };

    let widget: WidgetBody = admin.get("/api/v1/widget").await.json();
    assert_eq!((widget.company.as_str(), widget.origins.len()), ("Harbour & Pine", 0));
    stranger.get("/api/v1/widget").await.problem(401);

    let visit = WidgetSessionInput { widget: widget.widget, ..WidgetSessionInput::default() };
    let text = serde_json::to_string(&visit).expect("it has a JSON form");
    let from_shop = [("content-type", "application/json"), ("origin", "https://shop.example")];
    stranger.send("POST", "/api/v1/widget/sessions", &from_shop, &text).await.problem(403);
    let mut changed =
        WidgetInput { company: "Harbour".to_owned(), origins: vec!["https://shop.example".to_owned()] };
    assert_eq!(admin.put("/api/v1/widget", &changed).await.status, 204);
    let started = stranger.send("POST", "/api/v1/widget/sessions", &from_shop, &text).await;
    assert!(started.status == 200 && started.body.contains("\"Harbour\""), "{}", started.body);
    changed.company.clear();
    assert!(admin.put("/api/v1/widget", &changed).await.problem(422).detail.contains("80 characters"));

    let first: IdentitySecretBody = admin.post("/api/v1/widget/identity-secret", &()).await.json();
    let second: IdentitySecretBody = admin.post("/api/v1/widget/identity-secret", &()).await.json();
    assert_ne!(first, second);
    let with = |secret: &str| {
        let visit = WidgetSessionInput { identity: Some(identity(secret)), ..visit.clone() };
        serde_json::to_string(&visit).expect("it has a JSON form")
    };
    let (old, new) = (with(&first.identity_secret), with(&second.identity_secret));
    stranger.send("POST", "/api/v1/widget/sessions", &from_shop, &old).await.problem(401);
    assert_eq!(stranger.send("POST", "/api/v1/widget/sessions", &from_shop, &new).await.status, 200);
}
