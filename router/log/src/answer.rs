//! The answer to an append: known at once, or told by the committer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::{AppendError, Position};

/// The outcome of an append, when it is known.
#[derive(Debug)]
pub struct AppendFuture(Outcome);

#[derive(Debug)]
enum Outcome {
    Ready(Option<Result<Position, AppendError>>),
    Waiting(oneshot::Receiver<Result<Position, AppendError>>),
}

impl AppendFuture {
    /// An outcome that is known already.
    #[must_use]
    pub fn ready(outcome: Result<Position, AppendError>) -> Self {
        Self(Outcome::Ready(Some(outcome)))
    }

    /// An outcome that somebody will tell.
    #[must_use]
    pub fn waiting(outcome: oneshot::Receiver<Result<Position, AppendError>>) -> Self {
        Self(Outcome::Waiting(outcome))
    }
}

impl Future for AppendFuture {
    type Output = Result<Position, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Outcome::Ready(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(AppendError::Closed))),
            Outcome::Waiting(outcome) => {
                Pin::new(outcome).poll(context).map(|told| told.unwrap_or(Err(AppendError::Closed)))
            }
        }
    }
}
