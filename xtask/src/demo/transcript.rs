//! What is shown: who does what, who hears what, and what that has proven.

/// The demo as it is read.
#[derive(Default)]
pub(super) struct Transcript {
    scenes: usize,
    proven: Vec<String>,
}

impl Transcript {
    /// Something else begins.
    pub(super) fn scene(&mut self, title: &str) {
        self.scenes += 1;
        println!("\n{}. {title}", self.scenes);
    }

    /// Somebody does something.
    pub(super) fn does(&self, who: &str, what: &str) {
        println!("   {who:>9} → {what}");
    }

    /// Somebody hears something.
    pub(super) fn hears(&self, who: &str, what: &str) {
        println!("   {who:>9} ← {what}");
    }

    /// What the scene has shown. It is said only after it was checked.
    pub(super) fn proves(&mut self, what: String) {
        println!("             ✓ {what}");
        self.proven.push(what);
    }

    /// The end: all that was proven.
    pub(super) fn end(&self) {
        println!("\nProven, over real sockets, with every message on the disk before it was answered:\n");
        for what in &self.proven {
            println!("  ✓ {what}");
        }
    }
}
