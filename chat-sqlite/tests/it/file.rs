//! Files that a test makes, and processes that it starts.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Says to a test in a child process which file it is about.
const FILE: &str = "CHAT_TEST_FILE";

/// A place for a database in a folder of its own.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("chat.db")
    }

    /// The file that stands beside the database with this ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("chat.db{ending}"))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).expect("the file can be read")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder can be read");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string();
        let mut names: Vec<_> = entries.map(|entry| name(entry).expect("a name")).collect();
        names.sort();
        names
    }
}

/// This program again, with one test only, which then learns from [`file_of_child`] what it is about.
pub(crate) fn child(test: &str, file: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(FILE, file);
    command
}

/// What the child process is about; nothing in the process of the tests.
pub(crate) fn file_of_child() -> Option<PathBuf> {
    env::var_os(FILE).map(PathBuf::from)
}
