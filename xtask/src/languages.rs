//! The tests of the other languages, each with the tools of its own: Node, the web client and the job chat in a browser,
//! Python, Kotlin; and those of the server on Node that the benches hold ours against.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::run;

/// What one language needs and runs.
pub(crate) struct Suite {
    /// Whose tests they are.
    pub(crate) name: &'static str,
    /// The programs that must be there, and where one gets them.
    needs: &'static [(&'static str, &'static str)],
    /// The folder of packages some of which are compiled, unless their makers have done that for this system.
    compiled: Option<&'static str>,
    /// What is run, in order.
    pub(crate) commands: fn(&Path) -> Vec<Command>,
}

const NODE: (&str, &str) = ("node", "Node 20 or newer, from nodejs.org");
const NPM: (&str, &str) = ("npm", "npm, which comes with Node");
const CHROMIUM: (&str, &str) = ("chromium", "Chromium, from your system's packages");
const PYTHON: (&str, &str) = ("python3", "Python 3.11 or newer, from python.org");
const JAVA: (&str, &str) = ("java", "a JDK of 17 or newer, such as Temurin");
const MAVEN: (&str, &str) = ("mvn", "Maven, from maven.apache.org");

/// What compiled packages need.
const COMPILER: &str = "packages that are neither there nor can be had or compiled (a C++ compiler, make and Python)";

/// Every language.
pub(crate) const SUITES: [Suite; 6] = [
    Suite { name: "the web client", needs: &[NODE, NPM], compiled: None, commands: web },
    Suite { name: "the job chat", needs: &[NODE, NPM, CHROMIUM], compiled: None, commands: job_chat },
    Suite { name: "Node", needs: &[NODE, NPM], compiled: None, commands: node },
    Suite { name: "Python", needs: &[PYTHON], compiled: None, commands: python },
    Suite { name: "Kotlin", needs: &[PYTHON, JAVA, MAVEN], compiled: None, commands: kotlin },
    Suite {
        name: "the server on Node that ours is held against",
        needs: &[NODE, NPM],
        compiled: Some("benches/peer"),
        commands: peer,
    },
];

impl Suite {
    /// What is not there of what it needs. What is compiled is installed for it, once.
    pub(crate) fn missing(&self, root: &Path) -> Vec<&'static str> {
        let programs = self.needs.iter().filter(|(program, _)| !runs(program));
        let mut missing: Vec<_> = programs.map(|(_, where_from)| *where_from).collect();
        let can_have = |dir: &str| installed(&root.join(dir)) || run(&mut npm_ci(&root.join(dir))).is_ok();
        if missing.is_empty() && !self.compiled.is_none_or(can_have) {
            missing.push(COMPILER);
        }
        missing
    }
}

/// Whether the packages of a folder are there as its lock file names them.
fn installed(dir: &Path) -> bool {
    let changed = |file: &str| fs::metadata(dir.join(file)).and_then(|file| file.modified()).ok();
    // npm writes this one last.
    changed("node_modules/.package-lock.json")
        .is_some_and(|installed| changed("package-lock.json").is_some_and(|locked| locked <= installed))
}

/// Whether a program is there and starts.
fn runs(program: &str) -> bool {
    // Java's own word for it has one dash; the others know both.
    let version = if program == "java" { "-version" } else { "--version" };
    let quiet = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn web(root: &Path) -> Vec<Command> {
    // The server that they run against is there: its own tests have just been run with it.
    let dir = root.join("bindings/web");
    vec![npm_ci(&dir), command(&dir, "npm", &["test"])]
}

/// After those of the web client, whose packages are built by then.
fn job_chat(root: &Path) -> Vec<Command> {
    let dir = root.join("examples/job-chat/web");
    let mut commands = vec![npm_ci(&dir)];
    commands.extend(["lint", "check", "build", "e2e"].map(|script| command(&dir, "npm", &["run", script])));
    commands
}

/// What builds the page of the job chat.
pub(crate) fn page(root: &Path) -> Vec<Command> {
    let (packages, page) = (root.join("bindings/web"), root.join("examples/job-chat/web"));
    [packages, page].iter().flat_map(|dir| [npm_ci(dir), command(dir, "npm", &["run", "build"])]).collect()
}

/// Whether pages can be built.
pub(crate) fn has_node() -> bool {
    [NODE, NPM].iter().all(|(program, _)| runs(program))
}

fn node(root: &Path) -> Vec<Command> {
    let dir = root.join("bindings/node");
    let example = dir.join("example");
    vec![
        npm_ci(&dir),
        command(&dir, "node", &["build.mjs", "--debug"]),
        command(&dir, "npm", &["test"]),
        npm_ci(&example),
        command(&example, "npm", &["test"]),
    ]
}

fn python(root: &Path) -> Vec<Command> {
    let dir = root.join("bindings/uniffi/python");
    let example = dir.join("example");
    // An environment of its own: what the tests need is not installed for anybody else.
    let environment = root.join("target").join("python");
    let own = environment.join(if cfg!(windows) { "Scripts/python" } else { "bin/python" });
    let requirements = path(&example.join("requirements.txt"));
    let mut of_example = command(&example, &path(&own), &["-m", "pytest", "-q"]);
    of_example.env("PYTHONPATH", &dir);
    vec![
        command(root, "python3", &["bindings/uniffi/build.py", "python", "--debug"]),
        command(root, "python3", &["-m", "venv", &path(&environment)]),
        command(root, &path(&own), &["-m", "pip", "install", "--quiet", "--requirement", &requirements]),
        command(&dir, &path(&own), &["-m", "pytest", "-q"]),
        of_example,
    ]
}

fn kotlin(root: &Path) -> Vec<Command> {
    let dir = root.join("bindings/uniffi/kotlin");
    vec![
        command(root, "python3", &["bindings/uniffi/build.py", "kotlin", "--debug"]),
        command(&dir, "mvn", &["--batch-mode", "--no-transfer-progress", "install"]),
        command(&dir.join("example"), "mvn", &["--batch-mode", "--no-transfer-progress", "test"]),
    ]
}

fn peer(root: &Path) -> Vec<Command> {
    vec![command(&root.join("benches/peer"), "npm", &["test"])]
}

fn npm_ci(dir: &Path) -> Command {
    command(dir, "npm", &["ci", "--no-audit", "--no-fund"])
}

fn command(dir: &Path, program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).current_dir(dir);
    command
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_missed() {
        let needs = &[("no-such-program-anywhere", "nowhere")];
        let suite = Suite { name: "none", needs, compiled: None, commands: |_| Vec::new() };
        assert_eq!(suite.missing(Path::new(".")), ["nowhere"]);
    }

    #[test]
    fn packages_are_there_once_they_are_newer_than_their_lock_file() {
        let dir = std::env::temp_dir().join(format!("xtask-packages-{}", std::process::id()));
        fs::create_dir_all(dir.join("node_modules")).unwrap();
        assert!(!installed(&dir));
        fs::write(dir.join("package-lock.json"), "{}").unwrap();
        assert!(!installed(&dir));
        fs::write(dir.join("node_modules/.package-lock.json"), "{}").unwrap();
        assert!(installed(&dir));
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_is_run_lies_in_the_project() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for command in SUITES.iter().flat_map(|suite| (suite.commands)(root)) {
            let dir = command.get_current_dir().unwrap();
            assert!(dir.is_dir(), "{}", dir.display());
        }
    }
}
