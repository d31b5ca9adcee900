//! The numbers that stand for kinds, roles and the like. They are in people's files: none is ever changed.

use chat_core::{HistoryMode, Level, MessageType, Role, RoomKind, RoomState, Standing, store::ChangeKind};
use rusqlite::Row;

use crate::failure::{Failure, Outcome};

/// Something that is kept as a number.
pub(crate) trait Code: Sized {
    fn code(self) -> i64;
    fn of(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($($type:ident { $($variant:ident = $code:literal),* })*) => {$(
        impl Code for $type {
            fn code(self) -> i64 {
                match self { $(Self::$variant => $code),* }
            }
            fn of(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

codes! {
    RoomKind { Direct = 0, Group = 1, Channel = 2 }
    RoomState { Open = 0, Frozen = 1, Archived = 2 }
    HistoryMode { All = 0, SinceJoined = 1 }
    Role { Observer = 0, Member = 1, Moderator = 2, Admin = 3, Owner = 4 }
    Standing { Active = 0, Gone = 1, Banned = 2 }
    Level { All = 0, Mentions = 1, None = 2 }
    MessageType { Text = 0, Image = 1, File = 2, System = 3, Custom = 4 }
    ChangeKind { Room = 1, Posted = 2, Edited = 3, Deleted = 4, Added = 5, Updated = 6, Removed = 7 }
}

/// What a column's number stands for.
pub(crate) fn code<T: Code>(row: &Row<'_>, column: usize) -> Outcome<T> {
    T::of(row.get(column)?).ok_or(Failure::Damaged("a number stands for nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_and_are_those_of_the_contract() {
        for role in Role::ALL {
            assert_eq!(Role::of(role.code()), Some(role));
        }
        for number in 0..=8u8 {
            assert_eq!(ChangeKind::of(number.into()), ChangeKind::from_number(number));
        }
    }
}
