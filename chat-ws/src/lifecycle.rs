//! How everything that runs is told to stop, and waited for.

use tokio::sync::watch;

/// Where the server is in its life. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// Whoever runs finishes what it does, says goodbye, and ends.
    Draining,
    /// Whoever still runs ends at once.
    Over,
}

/// Tells all tasks, and knows when the last of them is gone.
#[derive(Debug)]
pub(crate) struct Lifecycle(watch::Sender<Phase>);

/// A task's end of it. The task counts as running for as long as it holds this.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Phase>);

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.0.borrow() == Phase::Running
    }

    /// For a task that begins.
    pub(crate) fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    /// Moves on; back is not possible.
    pub(crate) fn enter(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }

    /// Waits until no task is left.
    pub(crate) async fn all_gone(&self) {
        self.0.closed().await;
    }
}

impl Stop {
    /// Waits until the server stops.
    pub(crate) async fn draining(&mut self) {
        self.reaches(Phase::Draining).await;
    }

    /// Waits until the time to stop is over.
    pub(crate) async fn over(&mut self) {
        self.reaches(Phase::Over).await;
    }

    async fn reaches(&mut self, phase: Phase) {
        // An error means that the server is gone altogether.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_moves_forward_only_and_waits_for_the_last_task() {
        let life = Lifecycle::new();
        let mut stop = life.stop();
        assert!(life.is_running());
        life.enter(Phase::Over);
        life.enter(Phase::Draining);
        stop.draining().await;
        stop.over().await;
        assert!(!life.is_running());
        // spawns: the test, which waits for it.
        let task = tokio::spawn(async move {
            tokio::task::yield_now().await;
            drop(stop);
        });
        life.all_gone().await;
        task.await.unwrap();
    }
}
