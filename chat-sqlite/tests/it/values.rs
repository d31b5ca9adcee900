//! What people wrote comes back as they wrote it.

use chat_core::{
    Metadata, Role, Store as _,
    store::{Viewer, Write},
};
use chat_sqlite::SqliteStore;
use chat_testkit::{
    cast::{alice, message_id, room_id},
    commits::{commit, create, join, plain},
};
use serde_json::json;

use crate::file::Place;

#[tokio::test]
async fn numbers_and_text_of_every_kind_come_back_bit_for_bit() {
    let numbers =
        [f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2, 1e-7, 9_007_199_254_740_993.0, 123_456_789.123_456_79];
    let metadata = json!({
        "numbers": numbers,
        "integers": [0, -1, i64::MIN, i64::MAX, u64::MAX],
        "text": "\u{202e}a\u{200d}\"\\\n\t'; DROP TABLE message; --",
        "nested": { "a": [null, true, { "b": {} }] },
    });
    let metadata: Metadata = serde_json::from_value(metadata).unwrap();
    let mut message = plain(message_id(1), Some(&alice()), "tab\tand\nline, \u{feff}marks, 👩‍🔬 and ' \" \\ %s");
    message.metadata = Some(metadata.clone());
    let content = message.content.clone();

    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    let writes = [create(), join(&alice(), Role::Member), Write::Post(Box::new(message))];
    assert!(store.commit(vec![commit(room_id(1), writes)]).await[0].is_ok());
    let stored = store.message(Viewer::Host, message_id(1)).await.unwrap().unwrap();
    assert_eq!((stored.content, stored.metadata), (Some(content), Some(metadata)));
    store.close().await.unwrap();
    assert!(chat_sqlite::verify(&place.path(), |_| ()).unwrap().damage.is_empty());
}
