//! Registers: markers and settings, which have no number and are written with the heads.

use chat_core::{
    Member, MemberSettings, UserId,
    store::{MarkerMove, MarkerTo, Registers},
};

use crate::unread::unread;

use super::draft::{Draft, Stop};

impl Draft<'_> {
    pub(super) fn mark(&mut self, to: &MarkerMove) -> Result<(), Stop> {
        if let Some((before, after)) = self.move_markers(to)? {
            let read_moved = after.read_seq != before.read_seq;
            let delivered_moved = after.delivered_seq != before.delivered_seq;
            self.tell_registers(after, read_moved, delivered_moved)?;
        }
        Ok(())
    }

    /// Moves the markers of somebody in the room; what they were and what they are.
    pub(super) fn move_markers(&mut self, to: &MarkerMove) -> Result<Option<(Member, Member)>, Stop> {
        let end = self.room()?.last_seq;
        let person = self.person(&to.user)?;
        let Some(member) = person.member.as_mut().filter(|member| member.is_active()) else { return Ok(None) };
        let before = member.clone();
        match to.marker {
            None => {}
            Some(MarkerTo::AtLeast(seq)) => member.marker_seq = member.marker_seq.max(seq.min(end)),
            Some(MarkerTo::Set(seq, then)) => member.marker_seq = seq.max(then.unwrap_or(0)).min(end),
        }
        member.read_seq = member.read_seq.max(to.read.unwrap_or(0).min(end));
        member.delivered_seq = member.delivered_seq.max(to.delivered.unwrap_or(0).min(end)).max(member.read_seq);
        let after = member.clone();
        person.moved |= after != before;
        Ok(Some((before, after)))
    }

    pub(super) fn set(&mut self, user: &UserId, settings: MemberSettings) -> Result<(), Stop> {
        let person = self.person(user)?;
        let Some(member) = person.member.as_mut().filter(|member| member.is_active()) else { return Ok(()) };
        member.settings = settings;
        let member = member.clone();
        person.moved = true;
        self.tell_registers(member, false, false)
    }

    fn tell_registers(&mut self, member: Member, read_moved: bool, delivered_moved: bool) -> Result<(), Stop> {
        let (connection, number) = (self.connection, self.number()?);
        // What they posted in this transaction must stand in rows before it can be counted.
        self.person(&member.user)?.write_own(connection, number, &member.user)?;
        let unread = unread(connection, number, self.room()?, &member)?;
        self.done.registers.push(Registers { member, read_moved, delivered_moved, unread });
        Ok(())
    }
}
