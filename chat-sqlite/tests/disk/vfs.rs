//! SQLite's way to the operating system, with a disk of ours in between.
//!
//! The only file with unsafe code: SQLite's interface is one of C. It calls the real methods and changes nothing of
//! what they do, unless the disk says that they fail; only syncs are the disk's business alone.

#![allow(unsafe_code, reason = "SQLite's interface to the operating system is one of C")]

use std::{
    collections::HashMap,
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr, slice,
    sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError},
};

use rusqlite::ffi::{
    SQLITE_IOERR_WRITE, SQLITE_OK, sqlite3_file, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

use crate::disk::{Disk, File, Kept};

/// The disks of the tests, by folder.
static DISKS: Mutex<Vec<(PathBuf, Arc<Disk>)>> = Mutex::new(Vec::new());

/// The open files that are on one of them, by the address of SQLite's handle.
static OPEN: Mutex<Option<HashMap<usize, Watched>>> = Mutex::new(None);

/// SQLite's own tables of methods, and ours, which stand for them.
static TABLES: Mutex<Vec<(Methods, Methods)>> = Mutex::new(Vec::new());

static REAL: OnceLock<Real> = OnceLock::new();

/// The operating system's part.
struct Real(*mut sqlite3_vfs);

// SAFETY: SQLite's own table; it is never changed, and SQLite itself uses it from every thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

type Methods = &'static sqlite3_io_methods;

#[derive(Clone)]
struct Watched {
    disk: Arc<Disk>,
    file: File,
    methods: Methods,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as this is kept, what SQLite does in a folder is done on a disk of ours.
pub(crate) struct Watching {
    folder: PathBuf,
}

/// Everything that SQLite does in `folder` from now on is done on `disk`. Files that are open already stay as they are.
pub(crate) fn watch(folder: &Path, disk: &Arc<Disk>) -> Watching {
    static ONCE: Once = Once::new();
    ONCE.call_once(install);
    lock(&DISKS).push((folder.to_path_buf(), Arc::clone(disk)));
    Watching { folder: folder.to_path_buf() }
}

impl Drop for Watching {
    fn drop(&mut self) {
        lock(&DISKS).retain(|(folder, _)| *folder != self.folder);
    }
}

fn disk_of(path: &Path) -> Option<(Arc<Disk>, File)> {
    let disks = lock(&DISKS);
    let (_, disk) = disks.iter().find(|(folder, _)| path.parent() == Some(folder))?;
    Some((Arc::clone(disk), File::of(path)?))
}

fn install() {
    // SAFETY: a null name asks for the default; what is registered is leaked, and so lives as long as the process.
    unsafe {
        let real = sqlite3_vfs_find(ptr::null());
        assert!(REAL.set(Real(real)).is_ok(), "it is installed once");
        let mut ours = *real;
        ours.zName = c"disk".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), SQLITE_OK);
    }
}

fn real() -> *mut sqlite3_vfs {
    REAL.get().expect("it is installed").0
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's own arguments, handed on; `name` is null or ends with a zero, `file` is what was opened.
    unsafe {
        let code = (*real()).xOpen.expect("it opens")(real(), name, file, flags, out);
        if code != SQLITE_OK || name.is_null() || (*file).pMethods.is_null() {
            return code;
        }
        if let Some((disk, known)) = disk_of(Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()))) {
            let methods: Methods = &*(*file).pMethods;
            (*file).pMethods = ours(methods);
            let watched = Watched { disk, file: known, methods };
            lock(&OPEN).get_or_insert_default().insert(file as usize, watched);
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite's own arguments, handed on; `name` ends with a zero.
    unsafe {
        let path = Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        if let Some((disk, file)) = disk_of(path)
            && let Err(code) = disk.delete(file, sync != 0)
        {
            return code;
        }
        (*real()).xDelete.expect("it deletes")(real(), name, sync)
    }
}

/// A table like `methods`, with the disk in the way of what changes a file.
fn ours(methods: Methods) -> Methods {
    let mut tables = lock(&TABLES);
    if let Some((_, ours)) = tables.iter().find(|(known, _)| ptr::eq(*known, methods)) {
        return ours;
    }
    let mut table = *methods;
    table.xClose = Some(close);
    table.xRead = Some(read);
    table.xWrite = Some(write);
    table.xTruncate = Some(truncate);
    table.xSync = Some(sync);
    let ours: Methods = Box::leak(Box::new(table));
    tables.push((methods, ours));
    ours
}

/// What is known of an open file.
fn watched(file: *mut sqlite3_file) -> Watched {
    lock(&OPEN).as_ref().and_then(|open| open.get(&(file as usize)).cloned()).expect("it is open")
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let Watched { methods, .. } = watched(file);
    // Before another file can be given this address.
    lock(&OPEN).as_mut().map(|open| open.remove(&(file as usize)));
    // SAFETY: SQLite's own argument, handed on.
    unsafe { methods.xClose.expect("it closes")(file) }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, bytes: c_int, at: i64) -> c_int {
    let Watched { disk, methods, .. } = watched(file);
    match disk.read() {
        // SAFETY: SQLite's own arguments, handed on.
        Ok(()) => unsafe { methods.xRead.expect("it reads")(file, into, bytes, at) },
        Err(code) => code,
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, bytes: c_int, at: i64) -> c_int {
    let Watched { disk, file: known, methods } = watched(file);
    let write = methods.xWrite.expect("it writes");
    // SAFETY: SQLite says that `bytes` bytes are there, and hands on what is its own.
    unsafe {
        let content = slice::from_raw_parts(from.cast::<u8>(), usize::try_from(bytes).expect("a size"));
        let place = u64::try_from(at).expect("a place");
        match disk.write(known, place, content) {
            Ok(Kept::Yes) => write(file, from, bytes, at),
            Ok(Kept::No) => SQLITE_OK,
            Err(code) => {
                // A write that fails may have begun.
                let begun = write(file, from, bytes / 2, at);
                if begun == SQLITE_OK { code } else { SQLITE_IOERR_WRITE }
            }
        }
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let Watched { disk, file: known, methods } = watched(file);
    match disk.truncate(known, u64::try_from(size).expect("a size")) {
        // SAFETY: SQLite's own arguments, handed on.
        Ok(()) => unsafe { methods.xTruncate.expect("it truncates")(file, size) },
        Err(code) => code,
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    let Watched { disk, file: known, .. } = watched(file);
    // The machine's own disk need not: nobody cuts its power, and it would take most of the time.
    disk.sync(known).map_or_else(|code| code, |()| SQLITE_OK)
}
