//! What may be written: names, links, and content that people read.

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
/// `too_large` past `limit` bytes, `invalid_argument` for the rest; both name `field`.
pub fn check_label(field: &'static str, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(Error::too_large(field, text.len(), limit));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

/// Checks a link that a page may show, of at most `limit` bytes: nothing that runs (`javascript:`), and nothing that
/// carries the content itself (`data:`).
///
/// # Errors
/// `too_large` past `limit` bytes, `invalid_argument` for the rest; both name `field`.
pub fn check_link(field: &'static str, url: &str, limit: usize) -> Result<()> {
    check_label(field, url, limit)?;
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") || url.starts_with('/') {
        Ok(())
    } else {
        Err(Error::invalid(field, "must be an http or https URL, or a path that begins with /"))
    }
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

    #[test]
    fn links_that_run_are_refused() {
        for bad in ["javascript:alert(1)", "data:text/html,x", "ftp://x", "x", ""] {
            assert!(check_link("avatar", bad, 64).is_err(), "{bad:?}");
        }
        for good in ["https://x/y.png", "HTTP://x", "/media/y.png"] {
            assert!(check_link("avatar", good, 64).is_ok(), "{good:?}");
        }
    }
}
