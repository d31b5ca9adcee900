//! How a command gets from a session to the committer, and what waits for its answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::{
    mpsc::{Permit, error::TrySendError},
    oneshot,
};

use crate::{
    model::{Command, Error, Result},
    rules::validate,
};

use super::{
    Session,
    lane::{Place, Reply, Request, Work},
    permission::Asked,
};

/// How long a read waits at most for what is to be stored before it: markers that its user has handed in, their name.
pub(super) const SETTLE: Duration = Duration::from_millis(50);

impl Session {
    /// Has a command carried out, and waits until it is durable. Commands take effect in the order in which they are
    /// handed over.
    ///
    /// # Errors
    /// `busy` if too much waits, `draining` if the engine closes; why it may not be.
    pub(super) async fn carry_out(&self, place: Place, command: Command) -> Result<Reply> {
        let asked = self.ask(place, &command).await?;
        let work = self.inner().work.upgrade().ok_or(Error::Draining)?;
        let pending = match work.try_reserve() {
            Ok(turn) => self.hand_over(turn, asked, command),
            Err(TrySendError::Full(())) => return Err(Error::Busy { retry_after_ms: 50 }),
            Err(TrySendError::Closed(())) => return Err(Error::Draining),
        };
        // While it is awaited, the engine may close.
        drop(work);
        pending.await
    }

    /// Begins the same, but waits for its turn where too much waits already: who can be made to wait need not be refused.
    pub(crate) async fn begin_in_turn(&self, place: Place, command: Command) -> Result<Pending> {
        let asked = self.ask(place, &command).await?;
        let work = self.inner().work.upgrade().ok_or(Error::Draining)?;
        let turn = work.reserve().await.map_err(|_closed| Error::Draining)?;
        Ok(self.hand_over(turn, asked, command))
    }

    /// Whether it is valid, and whether the application lets the user do it. Where it has no say, nothing is awaited.
    async fn ask(&self, place: Place, command: &Command) -> Result<Asked> {
        validate(command, self.limits())?;
        Ok(match (&self.inner().permissions, self.actor().user()) {
            (Some(permissions), Some(user)) => match self.inner().store() {
                Ok(store) => Box::pin(permissions.ask(&*store, user, place, command)).await,
                Err(error) => Asked { place, verdict: Err(error) },
            },
            _ => Asked { place, verdict: Ok(()) },
        })
    }

    fn hand_over(&self, turn: Permit<'_, Work>, Asked { place, verdict }: Asked, command: Command) -> Pending {
        let own = matches!(command, Command::CreateRoom(_)).then(|| self.own_place()).flatten();
        let marks = self.actor().user().filter(|_| matches!(command, Command::Mark(_)));
        let on_its_way = marks.map(|user| self.inner().unsettled.enter(user));
        let (reply, answer) = oneshot::channel();
        let request =
            Request { actor: self.actor().clone(), place, command, verdict, own, on_its_way, attempts: 0, reply };
        turn.send(Work::Command(Box::new(request)));
        Pending(answer)
    }

    /// Waits until the markers that the user has handed in are stored, so that what they read next shows them. A
    /// storage that cannot store keeps nobody from reading.
    pub(super) async fn settle(&self) {
        let inner = self.inner();
        if !self.actor().user().is_some_and(|user| inner.unsettled.has(user)) {
            return;
        }
        let Some(work) = inner.work.upgrade() else { return };
        let settling = async move {
            let (settled, done) = oneshot::channel();
            if work.send(Work::Settle(settled)).await.is_ok() {
                let _ = done.await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settling).await;
    }
}

/// An answer that is on its way. What it is of takes effect whether or not this is awaited.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Result<Reply>>);

impl Future for Pending {
    type Output = Result<Reply>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Without an answer the committer is gone.
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(Error::Draining)))
    }
}
