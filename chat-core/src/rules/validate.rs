//! What a command may contain, whoever sends it.

use crate::model::{
    AddParticipant, Attachment, Command, CreateRoom, EditMessage, Error, Limits, MAX_INTEGER, Mark, MarkAt, Metadata,
    Result, SendMessage, Seq, UpdateParticipant, UpdateRoom, all_metadata, check_content, check_label, check_link,
    check_metadata,
};

/// Checks everything about a command that does not depend on the room. It comes before the room is looked for: what is
/// wrong with a command must not tell whether there is one.
///
/// # Errors
/// `invalid_argument`, `limit_reached`, `message_too_large` or `too_large`, naming the field and the limit.
pub fn validate(command: &Command, limits: &Limits) -> Result<()> {
    match command {
        Command::SendMessage(send) => message(send, limits),
        Command::EditMessage(edit) => edit_message(edit, limits),
        Command::Mark(Mark { at: MarkAt::Seq(seq), .. }) => place("seq", *seq),
        Command::CreateRoom(create) => create_room(create, limits),
        Command::UpdateRoom(update) => update_room(update, limits),
        Command::AddParticipant(add) => participant(add, limits),
        Command::UpdateParticipant(update) => update_participant(update, limits),
        Command::Mark(_)
        | Command::DeleteMessage(_)
        | Command::DeleteRoom
        | Command::RemoveParticipant(_)
        | Command::UpdateMe(_) => Ok(()),
    }
}

fn message(send: &SendMessage, limits: &Limits) -> Result<()> {
    let needs_words = send.message_type.needs_words(send.metadata.is_some(), !send.attachments.is_empty());
    if needs_words || !send.content.is_empty() {
        check_content(&send.content, limits.message_bytes)?;
    }
    if let Some(seq) = send.read_seq {
        place("read_seq", seq)?;
    }
    // First: writing it as JSON goes as deep.
    check_metadata(all_metadata(send.metadata.as_ref(), &send.attachments))?;
    attachments(&send.attachments, limits)?;
    metadata(send.metadata.as_ref(), limits)
}

fn edit_message(edit: &EditMessage, limits: &Limits) -> Result<()> {
    if edit.content.is_none() && edit.metadata.is_none() && edit.attachments.is_none() {
        return Err(Error::invalid("content", "or another field to change must be given"));
    }
    // Whether it may be taken away, the message says.
    if let Some(content) = edit.content.as_deref().filter(|content| !content.is_empty()) {
        check_content(content, limits.message_bytes)?;
    }
    let (new, files) =
        (edit.metadata.as_ref().and_then(Option::as_ref), edit.attachments.as_deref().unwrap_or_default());
    check_metadata(all_metadata(new, files))?;
    attachments(files, limits)?;
    metadata(new, limits)
}

fn create_room(create: &CreateRoom, limits: &Limits) -> Result<()> {
    labels(create.name.as_deref(), create.topic.as_deref(), create.avatar.as_deref(), limits)?;
    check_metadata(&create.metadata)?;
    metadata(create.metadata.as_ref(), limits)?;
    create.participants.iter().try_for_each(|add| participant(add, limits))
}

fn update_room(update: &UpdateRoom, limits: &Limits) -> Result<()> {
    let given = |field: &Option<Option<String>>| field.clone().flatten();
    labels(given(&update.name).as_deref(), given(&update.topic).as_deref(), given(&update.avatar).as_deref(), limits)?;
    let new = update.metadata.as_ref().and_then(Option::as_ref);
    check_metadata(new)?;
    metadata(new, limits)
}

fn participant(add: &AddParticipant, limits: &Limits) -> Result<()> {
    labels(add.name.as_deref(), None, add.avatar.as_deref(), limits)?;
    match add.visible_from {
        Some(0) => Err(Error::invalid("visible_from", "must be at least 1")),
        Some(seq) => place("visible_from", seq),
        None => Ok(()),
    }
}

fn update_participant(update: &UpdateParticipant, limits: &Limits) -> Result<()> {
    let name = update.name.as_ref().and_then(Option::as_deref);
    labels(name, None, update.avatar.as_ref().and_then(Option::as_deref), limits)
}

fn labels(name: Option<&str>, topic: Option<&str>, avatar: Option<&str>, limits: &Limits) -> Result<()> {
    check_label("name", name.unwrap_or_default(), limits.name_bytes)?;
    check_label("topic", topic.unwrap_or_default(), limits.topic_bytes)?;
    avatar.map_or(Ok(()), |avatar| check_link("avatar", avatar, limits.url_bytes))
}

fn attachments(files: &[Attachment], limits: &Limits) -> Result<()> {
    if files.len() > limits.attachments {
        return Err(Error::LimitReached { what: "attachments", limit: limits.attachments });
    }
    for file in files {
        check_label("attachments.id", file.id.as_deref().unwrap_or_default(), limits.name_bytes)?;
        check_label("attachments.name", &file.name, limits.name_bytes)?;
        check_label("attachments.content_type", &file.content_type, limits.name_bytes)?;
        place("attachments.size", file.size)?;
        check_link("attachments.url", &file.url, limits.url_bytes)?;
        metadata(Some(&file.more), limits)?;
        if let Some(field) = ATTACHMENT_FIELDS.iter().find(|field| file.more.contains_key(**field)) {
            return Err(Error::invalid(field, "must not stand among what else is said of an attachment"));
        }
    }
    Ok(())
}

/// The fields that an attachment has of its own: one that stood there twice could not be read again.
const ATTACHMENT_FIELDS: [&str; 7] = ["id", "name", "content_type", "size", "url", "width", "height"];

/// What of a name and a picture fits. They come with a token, and what does not fit is the token's fault, not a reason to
/// keep its bearer out.
pub(crate) fn fitting(
    name: Option<String>,
    avatar: Option<String>,
    limits: &Limits,
) -> (Option<String>, Option<String>) {
    let name = name.filter(|name| check_label("name", name, limits.name_bytes).is_ok());
    (name, avatar.filter(|avatar| check_link("avatar", avatar, limits.url_bytes).is_ok()))
}

fn metadata(metadata: Option<&Metadata>, limits: &Limits) -> Result<()> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) else { return Ok(()) };
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if size > limits.metadata_bytes {
        return Err(Error::too_large("metadata", size, limits.metadata_bytes));
    }
    Ok(())
}

fn place(field: &'static str, seq: Seq) -> Result<()> {
    if seq > MAX_INTEGER { Err(Error::invalid(field, "must be below 2^53")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use crate::model::MessageType;

    use super::*;

    fn send(content: &str) -> Command {
        Command::SendMessage(SendMessage::text(content))
    }

    #[test]
    fn a_message_passes_up_to_its_limit_and_not_a_byte_past_it() {
        let limits = Limits::default();
        assert!(validate(&send(&"x".repeat(16_384)), &limits).is_ok());
        let error = validate(&send(&"x".repeat(16_385)), &limits).unwrap_err();
        assert_eq!(error.to_string(), "`content` has 16385 bytes; the limit is 16384");
        assert_eq!(error.code().as_str(), "message_too_large");
    }

    #[test]
    fn free_json_nests_only_so_deep_wherever_it_stands() {
        let deep: Metadata = serde_json::from_str(&format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64))).unwrap();
        let file = Attachment {
            more: deep.clone(),
            ..serde_json::from_str(r#"{"name":"a","content_type":"image/png","size":1,"url":"/a"}"#).unwrap()
        };
        for send in [
            SendMessage { metadata: Some(deep), ..SendMessage::text("x") },
            SendMessage { attachments: vec![file], ..SendMessage::text("x") },
        ] {
            let error = validate(&Command::SendMessage(send), &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), "`metadata` must not nest deeper than 64 levels");
        }
    }

    #[test]
    fn a_message_holds_only_so_many_values_wherever_they_stand() {
        let many: Metadata = serde_json::from_str(&format!(r#"{{"a":[{}0]}}"#, "0,".repeat(300))).unwrap();
        let file = Attachment {
            more: many.clone(),
            ..serde_json::from_str(r#"{"name":"a","content_type":"image/png","size":1,"url":"/a"}"#).unwrap()
        };
        let alone = SendMessage { metadata: Some(many), ..SendMessage::text("x") };
        assert!(validate(&Command::SendMessage(alone.clone()), &Limits::default()).is_ok());
        let together = SendMessage { attachments: vec![file], ..alone };
        let error = validate(&Command::SendMessage(together), &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "`metadata` must not hold more than 512 values");
    }

    #[test]
    fn an_attachment_says_nothing_twice() {
        let file: Attachment =
            serde_json::from_str(r#"{"name":"a","content_type":"image/png","size":1,"url":"/a"}"#).unwrap();
        for field in ATTACHMENT_FIELDS {
            let mut file = file.clone();
            file.more.insert(field.into(), "x".into());
            let send = SendMessage { attachments: vec![file], ..SendMessage::text("x") };
            let error = validate(&Command::SendMessage(send), &Limits::default()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{field}` ")), "{error}");
        }
    }

    #[test]
    fn a_picture_may_come_without_words_but_a_text_may_not() {
        let limits = Limits::default();
        let file: Attachment =
            serde_json::from_str(r#"{"name":"a","content_type":"image/png","size":1,"url":"/a"}"#).unwrap();
        let image = SendMessage { message_type: MessageType::Image, attachments: vec![file], ..SendMessage::default() };
        assert!(validate(&Command::SendMessage(image.clone()), &limits).is_ok());
        let text = SendMessage { message_type: MessageType::Text, ..image };
        assert!(validate(&Command::SendMessage(text), &limits).is_err());
    }
}
