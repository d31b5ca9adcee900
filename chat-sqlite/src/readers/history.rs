//! Pages of a room's messages. Places have no holes, so a page is a range of them.

use chat_core::{
    Message, Seq,
    store::{History, RoomSelector, Window},
};

use crate::{failure::Outcome, rows};

use super::{
    Snapshot,
    seen::{OwnedViewer, Seen},
};

impl Snapshot<'_> {
    pub(crate) fn history(
        &self,
        viewer: &OwnedViewer,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> Outcome<Option<History>> {
        let Some(seen) = self.enter(viewer, room)? else { return Ok(None) };
        seen.history(window, limit as u64).map(Some)
    }
}

impl Seen<'_> {
    fn history(&self, window: Window, limit: u64) -> Outcome<History> {
        let last = self.room.last_seq;
        match window {
            Window::Latest => self.down(last, limit),
            Window::Before(place) => self.down(last.min(place.saturating_sub(1)), limit),
            Window::After(place) => self.up(place.saturating_add(1), limit),
            Window::Around(place) => {
                // The odd one is the place itself; of an even limit, the side before it gets one more.
                let mut before = self.history(Window::Before(place), limit / 2)?.messages;
                before.reverse();
                let from = self.up(place, limit - limit / 2)?;
                Ok(History { messages: [before, from.messages].concat(), more: from.more })
            }
        }
    }

    /// The nearest `limit` messages from `last` down, newest first.
    fn down(&self, last: Seq, limit: u64) -> Outcome<History> {
        let first = self.first_visible();
        let from = first.max((last + 1).saturating_sub(limit));
        Ok(History { messages: self.between(from, last, true)?, more: from > first && last >= first })
    }

    /// The nearest `limit` messages from `first` up, oldest first.
    fn up(&self, first: Seq, limit: u64) -> Outcome<History> {
        let (first, last) = (first.max(self.first_visible()), self.room.last_seq);
        let to = last.min((first - 1).saturating_add(limit));
        Ok(History { messages: self.between(first, to, false)?, more: to < last && first <= last })
    }

    /// The last `limit` messages that the viewer may read, oldest first.
    pub(super) fn latest(&self, limit: usize) -> Outcome<Vec<Message>> {
        let mut messages = self.down(self.room.last_seq, limit as u64)?.messages;
        messages.reverse();
        Ok(messages)
    }

    fn between(&self, first: Seq, last: Seq, newest_first: bool) -> Outcome<Vec<Message>> {
        if first > last {
            return Ok(Vec::new());
        }
        rows::messages(self.snapshot.connection, self.number, self.room.id, (first, last), newest_first)
    }
}
