//! The records and enums of the typed languages. Field for field they are the JSON that the core shows.

/// Plain data that crosses: the derives that every record and enum has.
macro_rules! data {
    ($($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* })*) => { $(
        $(#[$meta])*
        #[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
        #[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($fields)* }
    )* };
    ($($(#[$meta:meta])* pub enum $name:ident { $($variants:tt)* })*) => { $(
        $(#[$meta])*
        #[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
        #[cfg_attr(test, derive(ts_rs::TS))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variants)* }
    )* };
}

/// Which of the core's types each argument is.
macro_rules! carried {
    ($($name:ident),*) => { $(
        impl crate::carry::Carried for $name {
            type Core = chat_core::$name;
            fn into_core(self, name: &'static str) -> Result<Self::Core, crate::ChatError> {
                crate::carry::read(&crate::carry::write(&self)?, name)
            }
        }
    )* };
}

mod command;
mod event;
mod kinds;
mod message;
mod participant;
mod query;
mod room;

pub use command::*;
pub use event::*;
pub use kinds::*;
pub use message::*;
pub use participant::*;
pub use query::*;
pub use room::*;
