//! Accounts against a store in memory: sign-in, tokens, roles, what is unique, what comes back, what ends.

use super::*;
use log_store::memory::MemoryLog;

async fn accounts() -> (Arc<Accounts>, WorkspaceRecord, AgentId) {
    let accounts = Accounts::open(Arc::new(MemoryLog::new()), 12, None).await.unwrap();
    let record = accounts.create_workspace("main", "Main", |_| true).await.unwrap();
    let agent = AgentId::from_bits(5);
    accounts
        .put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, Some("correct horse"))
        .await
        .unwrap();
    (accounts, record, agent)
}

#[tokio::test]
async fn signing_in_gives_a_token_until_it_ends_or_is_ended() {
    let (accounts, record, agent) = accounts().await;
    let wrong = accounts.sign_in(None, "ada", "wrong", None, 0).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)));
    assert!(matches!(accounts.sign_in(None, "nobody", "x", None, 0).await, Err(SignInError::Wrong)));
    let signed_in = accounts.sign_in(Some("main"), "ada", "correct horse", None, 0).await.unwrap();
    let Some(Principal::Agent { agent: who, role, .. }) = accounts.authenticate(&signed_in.token, 1) else {
        panic!("the token does not work")
    };
    assert_eq!((who, role), (agent, Role::Agent));
    assert_eq!(signed_in.expires_ms, 12 * 3_600_000, "it lasts as long as the settings say");
    assert_eq!(accounts.authenticate(&signed_in.token, signed_in.expires_ms), None);
    accounts.put_user(record.id, agent, "ada", "Ada", "person", Role::Admin, None).await.unwrap();
    let Some(Principal::Agent { role, .. }) = accounts.authenticate(&signed_in.token, 1) else { panic!() };
    assert_eq!(role, Role::Admin, "the role is read anew");
    accounts.sign_out(&signed_in.token).await;
    assert_eq!(accounts.authenticate(&signed_in.token, 1), None);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let (accounts, ..) = accounts().await;
    let mut refused = false;
    for _ in 0..30 {
        refused |= matches!(
            accounts.sign_in(None, "ada", "guess", Some([192, 0, 2, 7].into()), 0).await,
            Err(SignInError::TooMany { .. })
        );
    }
    assert!(refused);
}

#[tokio::test]
async fn accounts_come_back_from_the_store_and_go_with_their_workspace() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let first = Accounts::open(Arc::clone(&log), 12, None).await.unwrap();
    assert!(first.setup_token().is_some(), "nobody is here yet");
    let operator = first.operator_token_once().unwrap();
    let record = first.create_workspace("main", "Main", |_| true).await.unwrap();
    let agent = AgentId::from_bits(5);
    first.put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, None).await.unwrap();
    let (token, _) = first.issue_token(record.id, agent, 1, 0).await.unwrap();
    let second = Accounts::open(log, 12, None).await.unwrap();
    assert_eq!(second.setup_token(), None);
    assert_eq!(second.authenticate(&operator, 0), Some(Principal::Operator));
    assert!(second.authenticate(&token, 0).is_some());
    second.remove_workspace(record.id).await.unwrap();
    assert_eq!(second.authenticate(&token, 0), None);
    assert!(second.workspaces().is_empty());
}

#[tokio::test]
async fn names_are_unique() {
    let (accounts, record, _) = accounts().await;
    assert_eq!(
        accounts.create_workspace("main", "x", |_| true).await,
        Err(AccountsError::Taken("main".into()))
    );
    let other = AgentId::from_bits(6);
    let taken = accounts.put_user(record.id, other, "ada", "A", "person", Role::Agent, None).await;
    assert_eq!(taken, Err(AccountsError::Taken("ada".into())));
}

#[tokio::test]
async fn one_name_in_two_workspaces_signs_in_by_naming_one_and_is_slowed_down_apart() {
    let (accounts, _, _) = accounts().await;
    let other = accounts.create_workspace("other", "Other", |_| true).await.unwrap();
    let agent = AgentId::from_bits(9);
    accounts
        .put_user(other.id, agent, "ada", "Ada", "person", Role::Agent, Some("battery staple"))
        .await
        .unwrap();
    assert!(matches!(accounts.sign_in(None, "ada", "correct horse", None, 0).await, Err(SignInError::Wrong)));
    assert!(matches!(
        accounts.sign_in(Some("nowhere"), "ada", "correct horse", None, 0).await,
        Err(SignInError::Wrong)
    ));
    for _ in 0..20 {
        let wrong = accounts.sign_in(Some("other"), "ada", "correct horse", None, 0).await;
        assert!(wrong.is_err(), "the password of another workspace");
    }
    assert!(accounts.sign_in(Some("main"), "ada", "correct horse", None, 0).await.is_ok());
}

#[tokio::test]
async fn passwords_that_nobody_could_type_or_guard_are_refused() {
    let (accounts, record, agent) = accounts().await;
    for password in ["", "seven77", &"x".repeat(1_025)] {
        let refused =
            accounts.put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, Some(password)).await;
        assert!(matches!(refused, Err(AccountsError::Invalid(_))), "{}", password.len());
    }
    assert!(accounts.sign_in(None, "ada", "correct horse", None, 0).await.is_ok(), "the old one still works");
}

#[tokio::test]
async fn two_who_ask_for_the_same_name_at_once_do_not_both_get_it() {
    let (accounts, record, _) = accounts().await;
    let put = |bits| {
        accounts.put_user(record.id, AgentId::from_bits(bits), "eve", "Eve", "person", Role::Agent, None)
    };
    let (one, two) = tokio::join!(put(20), put(21));
    assert_eq!([one, two].iter().filter(|it| it.is_ok()).count(), 1);
    let (one, two) = tokio::join!(
        accounts.create_workspace("new", "A", |_| true),
        accounts.create_workspace("new", "B", |_| true)
    );
    assert_eq!([one, two].iter().filter(|it| it.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_changed_name_frees_the_old_one() {
    let (accounts, record, agent) = accounts().await;
    accounts.put_user(record.id, agent, "lovelace", "Ada", "person", Role::Agent, None).await.unwrap();
    assert!(matches!(accounts.sign_in(None, "ada", "correct horse", None, 0).await, Err(SignInError::Wrong)));
    assert!(accounts.sign_in(None, "lovelace", "correct horse", None, 0).await.is_ok());
    let other = AgentId::from_bits(6);
    accounts.put_user(record.id, other, "ada", "Other", "person", Role::Agent, None).await.unwrap();
}

#[tokio::test]
async fn tokens_die_with_their_user_and_are_made_for_users_only() {
    let (accounts, record, agent) = accounts().await;
    let (token, _) = accounts.issue_token(record.id, agent, 1, 0).await.unwrap();
    accounts.remove_user(record.id, agent).await.unwrap();
    assert_eq!(accounts.authenticate(&token, 1), None);
    assert_eq!(accounts.issue_token(record.id, agent, 1, 0).await, Err(AccountsError::NotFound("user")),);
    assert_eq!(accounts.role(record.id, agent), None);
}

#[tokio::test]
async fn what_is_no_whole_token_is_nobody() {
    let (accounts, record, agent) = accounts().await;
    let (token, _) = accounts.issue_token(record.id, agent, 1, 0).await.unwrap();
    assert!(accounts.authenticate(&token, 1).is_some());
    let mut wrong: Vec<String> = ["", "swb_", "swb_é", "Bearer x"].map(str::to_owned).to_vec();
    wrong.extend([
        token[1..].to_owned(),
        format!("{token}a"),
        token.replace("swb_", "vis_"),
        token.to_uppercase(),
    ]);
    for at in [4, 30, 61] {
        let mut letters = token.clone().into_bytes();
        letters[at] = if letters[at] == b'q' { b'a' } else { b'q' };
        wrong.push(String::from_utf8(letters).unwrap());
    }
    for token in wrong {
        assert_eq!(accounts.authenticate(&token, 1), None, "{token}");
    }
}

#[tokio::test]
async fn tokens_past_their_time_leave_the_store() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let rows = || log.scan(ACCOUNTS, Table::Accounts, b"t", b"u", usize::MAX, false).unwrap().len();
    let accounts = Accounts::open(Arc::clone(&log), 12, None).await.unwrap();
    let record = accounts.create_workspace("main", "Main", |_| true).await.unwrap();
    let agent = AgentId::from_bits(5);
    accounts.put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, None).await.unwrap();
    let (short, ends) = accounts.issue_token(record.id, agent, 1, 0).await.unwrap();
    let (long, _) = accounts.issue_token(record.id, agent, 2, 0).await.unwrap();
    assert_eq!(rows(), 2);
    accounts.sweep(ends);
    for _ in 0..100 {
        if rows() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(rows(), 1);
    assert_eq!(accounts.authenticate(&short, 0), None);
    assert!(accounts.authenticate(&long, ends).is_some());
}

#[tokio::test]
async fn the_operators_token_is_replaced_whole() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let accounts = Accounts::open(Arc::clone(&log), 12, None).await.unwrap();
    let old = accounts.operator_token_once().unwrap();
    let new = accounts.reissue_operator_token().await.unwrap();
    assert_eq!(accounts.authenticate(&old, 0), None);
    assert_eq!(accounts.authenticate(&new, 0), Some(Principal::Operator));
    let again = Accounts::open(log, 12, None).await.unwrap();
    assert_eq!(again.operator_token_once(), None, "told once");
    assert_eq!(again.authenticate(&new, 0), Some(Principal::Operator));
}

#[tokio::test]
async fn the_set_up_link_works_until_there_is_a_user() {
    let accounts = Accounts::open(Arc::new(MemoryLog::new()), 12, None).await.unwrap();
    let link = accounts.setup_token().unwrap();
    let may_set_up = |token: &str| accounts.begin_set_up(token).is_some();
    assert!(may_set_up(&link) && !may_set_up("") && !may_set_up(&link[1..]));
    let first = accounts.begin_set_up(&link);
    assert!(first.is_some() && !may_set_up(&link), "one at a time");
    drop(first);
    let record = accounts.create_workspace("main", "Main", |_| true).await.unwrap();
    assert!(may_set_up(&link), "a workspace is nobody yet");
    accounts
        .put_user(record.id, AgentId::from_bits(1), "ada", "Ada", "person", Role::Admin, None)
        .await
        .unwrap();
    assert!(!may_set_up(&link));
    assert_eq!(accounts.setup_token(), None);
}

#[tokio::test]
async fn origins_are_origins_and_a_company_has_a_name() {
    let (accounts, record, _) = accounts().await;
    let widget = record.widget.clone();
    accounts.set_widget(record.id, " Harbour ", &["https://Shop.example/".into()]).await.unwrap();
    let changed = accounts.workspace_of_widget(&widget).unwrap();
    assert_eq!(
        (changed.company.as_str(), &changed.origins[..]),
        ("Harbour", &["https://shop.example".into()][..])
    );
    for wrong in ["", "  ", "two\nlines", &"x".repeat(81)] {
        let refused = accounts.set_widget(record.id, wrong, &[]).await;
        assert!(matches!(refused, Err(AccountsError::Invalid(_))), "{wrong}");
    }
    for wrong in ["*", "https://a; script-src *", "https://a/b", "'unsafe-inline'"] {
        let refused = accounts.set_widget(record.id, "Harbour", &[wrong.into()]).await;
        assert!(matches!(refused, Err(AccountsError::Invalid(_))), "{wrong}");
    }
    assert!((1_600_000_000_000..4_000_000_000_000).contains(&record.created_ms()));
}

#[tokio::test]
async fn no_name_and_no_secret_comes_into_a_log_line() {
    let (accounts, record, agent) = accounts().await;
    let signed_in = accounts.sign_in(None, "ada", "correct horse", None, 0).await.unwrap();
    let user = accounts.user(record.id, agent).unwrap();
    let lines = format!("{accounts:?} {record:?} {user:?} {:?}", signed_in.principal);
    for secret in ["Ada", "ada", "argon2", &record.identity_secret, &record.widget, &signed_in.token] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}
