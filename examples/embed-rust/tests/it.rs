//! The example runs, and what it wrote is still there when it runs again.

use std::{fs, path::Path, process::Command};

#[test]
fn it_goes_on_where_it_was() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it_goes_on_where_it_was");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for said in ["#1 On my way\n1 unread\n", "#2 On my way\n2 unread\n"] {
        let mut example = Command::new(env!("CARGO_BIN_EXE_embed-rust"));
        let ended = example.env("TMPDIR", &folder).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), said);
    }
    fs::remove_dir_all(folder).unwrap();
}
