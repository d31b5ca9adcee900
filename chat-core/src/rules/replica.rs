//! What a reader's picture of a room becomes with each event.

use std::collections::BTreeMap;

use crate::model::{Event, Marker, Message, Participant, RoomInfo, Seq, Snapshot, UserId};

/// One reader's picture of one room.
///
/// Feed it the events that a [`Gate`](crate::Gate) lets through; it ends as storage has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// The room.
    pub info: RoomInfo,
    /// Who is in it, as far as they were told.
    pub participants: BTreeMap<UserId, Participant>,
    /// Messages by place, tombstones included.
    pub messages: BTreeMap<Seq, Message>,
}

impl Replica {
    /// The picture that a snapshot gives. What was kept of the messages before it stays the caller's business.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            info: snapshot.room.info,
            participants: snapshot.participants.into_iter().map(|p| (p.user_id.clone(), p)).collect(),
            messages: snapshot.messages.into_iter().map(|m| (m.seq, m)).collect(),
        }
    }

    /// The picture after one more event. Repeating an event changes nothing.
    pub fn reduce(&mut self, event: &Event) {
        match event {
            Event::ChatMessage { message, read_seq, .. } => {
                if let Some(sender) = &message.sender {
                    self.advance(sender, read_seq.unwrap_or(message.seq), 0);
                }
                self.messages.insert(message.seq, message.as_ref().clone());
            }
            Event::MessageEdited { message, .. } | Event::MessageDeleted { message, .. } => {
                self.messages.insert(message.seq, message.as_ref().clone());
            }
            Event::ParticipantAdded { participant, .. } | Event::ParticipantUpdated { participant, .. } => {
                let known = self.participants.insert(participant.user_id.clone(), participant.clone());
                // Its markers are of the moment when it was told; what is known may be later.
                if let Some(known) = known {
                    self.advance(&participant.user_id, known.read_seq, known.delivered_seq);
                }
            }
            Event::ParticipantRemoved { participant, .. } => {
                self.participants.remove(&participant.user_id);
            }
            Event::RoomUpdated { room_info, .. } => self.info = room_info.clone(),
            Event::MessageRead { user_id, seq, .. } => self.advance(user_id, *seq, 0),
            Event::MessageDelivered { user_id, seq, .. } => self.advance(user_id, 0, *seq),
            _ => {}
        }
    }

    /// Takes over the markers that came with a catch-up: they are later than anything that was implied.
    pub fn set_markers(&mut self, markers: &[Marker]) {
        for marker in markers {
            if let Some(participant) = self.participants.get_mut(&marker.user_id) {
                participant.read_seq = marker.read_seq;
                participant.delivered_seq = marker.delivered_seq;
            }
        }
    }

    fn advance(&mut self, user: &UserId, read: Seq, delivered: Seq) {
        if let Some(participant) = self.participants.get_mut(user) {
            participant.read_seq = participant.read_seq.max(read);
            participant.delivered_seq = participant.delivered_seq.max(delivered).max(participant.read_seq);
        }
    }
}
