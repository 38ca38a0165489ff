//! The first start: one link, which makes one admin, whoever else has it too.

use std::collections::BTreeMap;

use protocol::{Me, SignInBody};
use tests::{Api, Server};

fn input<'a>(token: &'a str, who: &'a str) -> BTreeMap<&'a str, &'a str> {
    [("token", token), ("name", who), ("sign_in", who), ("password", "correct horse"), ("workspace", who)]
        .into()
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
