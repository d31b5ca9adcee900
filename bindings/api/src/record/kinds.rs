//! The small enums.

data! {
    /// What a message is.
    pub enum MessageType {
        /// Text that a person wrote.
        Text,
        /// Pictures, as attachments, with an optional caption.
        Image,
        /// Files, as attachments, with an optional caption.
        File,
        /// A note from the application; it has no sender and is never unread.
        System,
        /// Whatever the application makes of it; what it means is in the metadata.
        Custom,
    }

    /// What a participant may do, lowest rank first.
    pub enum Role {
        /// Reads only.
        Observer,
        /// Reads, and writes where members may.
        Member,
        /// Also adds, mutes, removes and bans people, and deletes their messages.
        Moderator,
        /// Also changes the room and gives roles.
        Admin,
        /// May everything, also delete the room.
        Owner,
    }

    /// What a room is for.
    pub enum RoomKind {
        /// Two people; unique per pair.
        Direct,
        /// Several people who all write.
        Group,
        /// Announcements: moderators and above write, everybody reads.
        Channel,
    }

    /// Where a room is in its life.
    pub enum RoomState {
        /// In use.
        Open,
        /// Read only.
        Frozen,
        /// Read only, and done with.
        Archived,
    }

    /// What a newcomer sees of what was said before.
    pub enum HistoryMode {
        /// All of it.
        All,
        /// Nothing.
        SinceJoined,
    }

    /// How much of a room a participant wants to be notified of; the engine stores it for the application.
    pub enum Level {
        /// Everything.
        All,
        /// Only when named.
        Mentions,
        /// Nothing.
        None,
    }

    /// Why a subscriber must catch up.
    pub enum ResyncReason {
        /// It fell behind, and what waited for it was dropped.
        TooSlow,
        /// Something went missing on the way.
        Gap,
    }

    /// A field that an update takes away.
    pub enum Field {
        /// The name.
        Name,
        /// The topic of a room.
        Topic,
        /// The picture.
        Avatar,
        /// The metadata.
        Metadata,
        /// The mute of a participant.
        MutedUntil,
    }
}
