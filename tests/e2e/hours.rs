//! Outside hours nobody is asked, and the customer is told honestly when somebody will be here.

use protocol::{ServerFrame, SessionEvent};
use tests::{Server, now_ms};

use crate::steps;

const DAY_MS: i64 = 86_400_000;
const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];

/// A policy that is open only on the day after tomorrow, from midnight on in UTC, and when that is.
fn closed_today() -> (String, i64) {
    let (hours, opens) = office_closed_today();
    (format!("{hours}\n[queues.support]\nhours = \"office\"\n"), opens)
}

/// Hours named `office` that open on the day after tomorrow, and when that is.
pub(crate) fn office_closed_today() -> (String, i64) {
    let opens = (now_ms() / DAY_MS + 2) * DAY_MS;
    // 1970 began on a Thursday.
    let day = DAYS[usize::try_from(opens / DAY_MS % 7).expect("a day of the week")];
    (format!("[hours.office]\nzone = \"UTC\"\nweek = {{ {day} = [\"00:00-24:00\"] }}\n"), opens)
}

#[tokio::test]
async fn the_customer_is_told_when_it_opens() {
    let server = Server::start().await;
    let (policy, opens) = closed_today();
    let workspace = server.workspace("shop", Some(&policy)).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    assert!(!visitor.body.open, "the widget knows before anything is written");
    assert_eq!(visitor.body.opens_ms, Some(opens));
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "is anybody there?").await;
    let told = customer
        .wait("when it opens", |frame| match frame {
            ServerFrame::Place { conversation: at, place } if *at == conversation => place.opens_ms,
            ServerFrame::Event { event: SessionEvent::Conversation { conversation: it }, .. }
                if it.id == conversation =>
            {
                it.place.as_ref().and_then(|place| place.opens_ms)
            }
            _ => None,
        })
        .await;
    assert_eq!(told, opens);
    agent.never("an offer outside hours", |frame| steps::is_offer(frame, conversation).then_some(())).await;
}

#[tokio::test]
async fn an_open_queue_says_so() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let _agent = workspace.agent("ana").await.online().await;
    let visitor = workspace.visitor().await;
    assert!(visitor.body.open);
    assert_eq!(visitor.body.opens_ms, None);
}
