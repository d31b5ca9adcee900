//! Every public async method, and how alice does what it does.

use std::pin::Pin;

use chat_core::{
    AddParticipant, CreateRoom, EditMessage, Error, MarkKind, RemoveParticipant, Result, Role, UpdateMe,
    UpdateParticipant, UpdateRoom, Window,
};
use chat_testkit::cast::{bob, carol, client_id, dave, key};

use crate::world::{World, says};

/// Does a method's work once more, however often it was done before.
pub(crate) type Does = for<'a> fn(&'a mut World) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Every public async method of the engine, but for those that end it.
pub(crate) const METHODS: &[(&str, Does)] = &[
    ("create_room", |w| Box::pin(async { w.alice.create_room(CreateRoom::direct(carol())).await.map(drop) })),
    ("get_or_create_room", |w| {
        let create = CreateRoom { client_id: Some(client_id("make")), ..CreateRoom::group().with(carol()) };
        Box::pin(async { w.alice.get_or_create_room(create).await.map(drop) })
    }),
    ("room", |w| Box::pin(async { w.alice.room(w.room).await.map(|room| assert_eq!(room.unread_count, 2)) })),
    ("rooms", |w| Box::pin(async { w.alice.rooms(None, None).await.map(|page| assert_eq!(page.results.len(), 2)) })),
    ("update_room", |w| {
        let name = Some(Some("Kitchen".to_owned()));
        let rename = UpdateRoom { name, client_id: Some(client_id("rename")), ..UpdateRoom::default() };
        Box::pin(async { w.alice.update_room(w.room, rename).await.map(drop) })
    }),
    ("delete_room", |w| Box::pin(async { unless_gone(w.alice.delete_room(w.room).await) })),
    ("add_participant", |w| {
        let add = AddParticipant { client_id: Some(client_id("add")), ..AddParticipant::new(dave()) };
        Box::pin(async { w.alice.add_participant(w.room, add).await.map(drop) })
    }),
    ("update_participant", |w| {
        let client_id = Some(client_id("promote"));
        let promote = UpdateParticipant { role: Some(Role::Moderator), client_id, ..UpdateParticipant::of(bob()) };
        Box::pin(async { w.alice.update_participant(w.room, promote).await.map(drop) })
    }),
    ("remove_participant", |w| {
        let remove = RemoveParticipant { user_id: carol(), client_id: Some(client_id("remove")) };
        Box::pin(async { w.alice.remove_participant(w.room, remove).await })
    }),
    ("leave", |w| Box::pin(async { unless_gone(w.engine.session(&carol()).leave(w.room).await) })),
    ("participants", |w| Box::pin(async { w.alice.participants(key("job:1"), None, None).await.map(drop) })),
    ("readers", |w| Box::pin(async { w.alice.readers(w.alices, None, None).await.map(drop) })),
    ("send", |w| Box::pin(async { w.alice.send(w.room, says("said")).await.map(drop) })),
    ("edit", |w| {
        let edit = EditMessage { client_id: Some(client_id("edit")), ..EditMessage::text(w.alices, "Hello!") };
        Box::pin(async { w.alice.edit(edit).await.map(drop) })
    }),
    ("delete", |w| Box::pin(async { w.alice.delete(w.bobs).await.map(drop) })),
    ("message", |w| Box::pin(async { w.alice.message(w.bobs).await.map(drop) })),
    ("history", |w| Box::pin(async { w.alice.history(key("job:1"), Window::Latest, None).await.map(drop) })),
    ("messages", |w| Box::pin(async { w.alice.messages(None, None).await.map(drop) })),
    ("mark", |w| Box::pin(async { w.alice.mark(w.room, MarkKind::Read, 3).await.map(drop) })),
    ("mark_message", |w| Box::pin(async { w.alice.mark_message(MarkKind::Delivered, w.bobs).await.map(drop) })),
    ("update_me", |w| {
        let pin = UpdateMe { pinned: Some(true), ..UpdateMe::default() };
        Box::pin(async { w.alice.update_me(w.room, pin).await.map(drop) })
    }),
    ("unread", |w| Box::pin(async { w.alice.unread().await.map(|unread| assert_eq!(unread, 2)) })),
    ("typing", |w| Box::pin(async { w.alice.typing(w.room, true).await })),
    ("subscribe", |w| {
        let rooms = vec![(key("job:2").into(), None), (w.room.into(), None)];
        Box::pin(async { w.live.subscribe(rooms).await.map(drop) })
    }),
    ("enter", |w| Box::pin(async { w.live.enter(w.elsewhere).await.map(drop) })),
    ("unsubscribe", |w| Box::pin(async { w.live.unsubscribe(vec![key("job:2").into()]).await })),
    ("next", |w| Box::pin(async { w.hears("heard").await })),
    ("ready", |w| Box::pin(async { w.waits("waited").await })),
    ("output", |w| Box::pin(async { w.wires(&["wired"]).await })),
];

/// The methods that end the engine, or stop it for a while; each has a test of its own.
pub(crate) const LIFE: [&str; 3] = ["suspend", "resume", "close"];

/// The second time there is nothing left to end.
fn unless_gone(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}
