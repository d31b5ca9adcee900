//! The permission table: from which role on who may do what, by kind of room. The docs show it as it stands here.

use crate::model::{Role, RoomKind};

/// What one may or may not do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read the room: its messages, participants, receipts; mark what one has read.
    Read,
    /// Post messages.
    Send,
    /// Show that one is typing.
    Type,
    /// Edit one's own messages.
    EditOwn,
    /// Delete one's own messages.
    DeleteOwn,
    /// Delete messages of people of lower rank.
    DeleteOthers,
    /// Leave.
    Leave,
    /// Add people, with a role below one's own.
    Add,
    /// Mute, remove or ban people of lower rank, and lift bans.
    Moderate,
    /// Change the role of people of lower rank, to one below one's own.
    GiveRole,
    /// Change name, topic, picture, metadata, history rule and state of the room.
    UpdateRoom,
    /// Delete the room.
    DeleteRoom,
    /// Name people, post system messages, post for others, give rooms keys.
    SpeakForHost,
}

/// One line of the table: the lowest role that may, for each kind of room. Without one, only the host may.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// What.
    pub action: Action,
    /// In words, for the docs.
    pub words: &'static str,
    /// In a direct room.
    pub direct: Option<Role>,
    /// In a group.
    pub group: Option<Role>,
    /// In a channel.
    pub channel: Option<Role>,
}

const fn line(
    action: Action,
    words: &'static str,
    direct: Option<Role>,
    group: Option<Role>,
    channel: Option<Role>,
) -> Permission {
    Permission { action, words, direct, group, channel }
}

use Role::{Admin, Member, Moderator, Observer, Owner};

/// The whole table. The host may do everything.
pub const PERMISSIONS: [Permission; 13] = [
    line(Action::Read, "read, and mark as read", Some(Observer), Some(Observer), Some(Observer)),
    line(Action::Send, "post messages", Some(Member), Some(Member), Some(Moderator)),
    line(Action::Type, "show that one is typing", Some(Member), Some(Member), Some(Moderator)),
    line(Action::EditOwn, "edit one's own messages", Some(Member), Some(Member), Some(Moderator)),
    line(Action::DeleteOwn, "delete one's own messages", Some(Member), Some(Member), Some(Member)),
    line(Action::DeleteOthers, "delete messages of people of lower rank", None, Some(Moderator), Some(Moderator)),
    line(Action::Leave, "leave", None, Some(Observer), Some(Observer)),
    line(Action::Add, "add people, with a role below one's own", None, Some(Moderator), Some(Moderator)),
    line(Action::Moderate, "mute, remove and ban people of lower rank", None, Some(Moderator), Some(Moderator)),
    line(Action::GiveRole, "change the role of people of lower rank, below one's own", None, Some(Admin), Some(Admin)),
    line(Action::UpdateRoom, "change the room's settings and state", None, Some(Admin), Some(Admin)),
    line(Action::DeleteRoom, "delete the room", None, Some(Owner), Some(Owner)),
    line(Action::SpeakForHost, "name people, post system messages, post for others, give rooms keys", None, None, None),
];

/// The lowest role that may do `action` in such a room; `None` where only the host may.
pub fn least_role(action: Action, kind: RoomKind) -> Option<Role> {
    let line = PERMISSIONS.iter().find(|line| line.action == action)?;
    match kind {
        RoomKind::Direct => line.direct,
        RoomKind::Group => line.group,
        RoomKind::Channel => line.channel,
    }
}

/// The table as the docs show it, in Markdown.
pub fn permission_table() -> String {
    let cell = |role: Option<Role>| match role {
        Some(Observer) => "everybody",
        Some(Member) => "member",
        Some(Moderator) => "moderator",
        Some(Admin) => "admin",
        Some(Owner) => "owner",
        None => "host only",
    };
    let mut table = String::from("| from which role on | direct | group | channel |\n| --- | --- | --- | --- |\n");
    for line in PERMISSIONS {
        let cells = [line.words, cell(line.direct), cell(line.group), cell(line.channel)];
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_read_by_everybody_and_written_by_staff() {
        assert_eq!(least_role(Action::Read, RoomKind::Channel), Some(Observer));
        assert_eq!(least_role(Action::Send, RoomKind::Channel), Some(Moderator));
        assert_eq!(least_role(Action::SpeakForHost, RoomKind::Group), None);
    }

    #[test]
    fn the_docs_show_this_table() {
        let docs = include_str!("../../../docs/src/permissions.md");
        assert!(docs.contains(&permission_table()), "docs/src/permissions.md must contain:\n{}", permission_table());
    }
}
