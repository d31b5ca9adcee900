//! The chat rules: the only place that knows who may do what, and what a command means.
//!
//! [`decide`] turns a command into writes or a denial; it looks at data and changes nothing. [`Replica`] is the other
//! half: what a reader's picture of a room becomes with each event. The engine decides with the authority of the
//! stored state; a client may use the same functions to predict.

mod create;
mod decide;
mod permission;
mod replica;
mod validate;

pub use create::{NewRoomPlan, plan_room};
pub(crate) use decide::may_type;
pub use decide::{Decision, Scene, decide};
pub use permission::{Action, PERMISSIONS, Permission, least_role, permission_table};
pub use replica::Replica;
pub(crate) use validate::fitting;
pub use validate::validate;

use crate::{model::UserId, store::Viewer};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The application itself. It may do everything that keeps the data whole.
    Host,
    /// A user.
    User(UserId),
}

impl Actor {
    /// The user, unless the host acts.
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::Host => None,
            Self::User(user) => Some(user),
        }
    }
}

impl<'a> From<&'a Actor> for Viewer<'a> {
    fn from(actor: &'a Actor) -> Self {
        match actor {
            Actor::Host => Self::Host,
            Actor::User(user) => Self::User(user),
        }
    }
}
