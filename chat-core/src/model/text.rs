//! What text may be: names and content that people write.

use super::{Error, Result};

/// Checks content that people read: stored byte for byte, so only what breaks readers is refused.
///
/// `\n` and `\t`, bidi marks and zero-width characters pass; other C0 characters, DEL and blank text do not.
///
/// # Errors
/// `message_too_large` past `limit` bytes, `invalid_argument` for the rest.
pub fn check_content(text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(Error::too_large("content", text.len(), limit));
    }
    if text.chars().any(|c| c.is_ascii_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid("content", "must not contain control characters other than \\n and \\t"));
    }
    if is_blank(text) {
        return Err(Error::invalid("content", "must not be blank"));
    }
    Ok(())
}

/// Checks a one-line label such as a room's name: at most `limit` bytes, no control characters.
///
/// # Errors
/// `invalid_argument` that names `field`.
pub fn check_label(field: &'static str, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(Error::too_large(field, text.len(), limit));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

/// Whether nothing of `text` would be seen: white space and zero-width characters only.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_refused_only_where_it_breaks_readers() {
        for good in ["hi", "a\nb\tc", "\u{202e}evil", "a\u{200d}b", "👩‍🔬"] {
            assert!(check_content(good, 64).is_ok(), "{good:?}");
        }
        for bad in ["", " \n\t", "\u{200b}\u{feff}", "a\0", "a\rb", "a\u{7f}"] {
            assert!(check_content(bad, 64).is_err(), "{bad:?}");
        }
        assert!(check_content(&"x".repeat(64), 64).is_ok());
        assert!(check_content(&"x".repeat(65), 64).is_err());
    }
}
