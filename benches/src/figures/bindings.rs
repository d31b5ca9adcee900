//! What a call costs from Node, Python and Kotlin, above the same call in Rust.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    calls::{self, Costs},
    servers::progress,
};

use super::{Must, Setting, Table};

/// A language, and its program that measures the calls. Each command stands beside the folder in which it runs.
struct Language {
    name: &'static str,
    /// The programs that must be there.
    needs: &'static [&'static str],
    /// What builds it as it is shipped.
    build: &'static [(&'static str, &'static str)],
    /// What measures: it is told for how many seconds each kind.
    measure: (&'static str, &'static str),
}

/// The one that is held to what its calls may cost.
const NODE: &str = "Node";

const LANGUAGES: [Language; 3] = [
    Language {
        name: NODE,
        needs: &["node"],
        build: &[("bindings/node", "node build.mjs")],
        measure: ("bindings/node", "node bench/calls.mjs SECONDS"),
    },
    Language {
        name: "Python",
        needs: &["python3"],
        build: &[("bindings/uniffi", "python3 build.py python")],
        measure: ("bindings/uniffi/python", "python3 bench/calls.py SECONDS"),
    },
    Language {
        name: "Kotlin",
        needs: &["python3", "java", "mvn"],
        build: &[
            ("bindings/uniffi", "python3 build.py kotlin"),
            ("bindings/uniffi/kotlin", "mvn --quiet --batch-mode test-compile"),
        ],
        measure: ("bindings/uniffi/kotlin", "mvn --quiet --batch-mode exec:exec -Dseconds=SECONDS"),
    },
];

/// A kind of call, and how many microseconds it may cost above Rust from Node.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    of: fn(&Costs) -> f64,
    most: f64,
}

const KINDS: [Kind; 4] = [
    Kind { name: "a number", of: |costs| costs.scalar, most: 1.0 },
    Kind { name: "an object", of: |costs| costs.object, most: 2.0 },
    Kind { name: "an awaited read", of: |costs| costs.awaited, most: 60.0 },
    Kind { name: "an event of many", of: |costs| costs.event, most: 3.0 },
];

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let (there, missing): (Vec<_>, Vec<_>) = LANGUAGES.iter().partition(|language| language.is_there());
    for Language { name, needs, .. } in missing {
        println!("  left out: {name}, for which {} must be there", needs.join(", "));
    }
    there.iter().try_for_each(|language| language.build())?;

    // Four kinds, and each warms up for as long: a program takes twice what one says.
    let each = Duration::from_secs_f64(setting.seconds / KINDS.len() as f64);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rounds = Vec::with_capacity(setting.rounds);
    for round in 1..=setting.rounds {
        progress(&format!("  round {round} of {}", setting.rounds));
        let rust = runtime.block_on(calls::in_rust(each))?;
        let others = there.iter().map(|language| language.measure(each)).collect::<Result<Vec<_>>>()?;
        rounds.push((rust, others));
    }
    progress("");

    let mut table = Table::default();
    for kind in KINDS {
        table.row(format!("{}, Rust, µs", kind.name), rounds.iter().map(|(rust, _)| (kind.of)(rust)), Must::Known(""));
        for (n, language) in there.iter().enumerate() {
            let above = rounds.iter().map(|(rust, others)| (kind.of)(&others[n]) - (kind.of)(rust));
            let must = if language.name == NODE { Must::AtMost(kind.most) } else { Must::Known("") };
            table.row(format!("  above it, from {}", language.name), above, must);
        }
    }
    Ok(table)
}

impl Language {
    fn is_there(&self) -> bool {
        self.needs.iter().all(|program| {
            // Java's own word for it has one dash; the others know both.
            let version = if *program == "java" { "-version" } else { "--version" };
            let said = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
            said.is_ok_and(|status| status.success())
        })
    }

    fn build(&self) -> Result<()> {
        for (folder, line) in self.build {
            progress(&format!("  building for {} …", self.name));
            let status = command(folder, line).stdout(Stdio::null()).status().with_context(|| (*line).to_owned())?;
            ensure!(status.success(), "what is called from {} does not build", self.name);
        }
        Ok(())
    }

    fn measure(&self, each: Duration) -> Result<Costs> {
        let (folder, line) = self.measure;
        let line = line.replace("SECONDS", &each.as_secs_f64().to_string());
        let ran = command(folder, &line).stderr(Stdio::inherit()).output().with_context(|| line.clone())?;
        ensure!(ran.status.success(), "`{line}` ended with {}", ran.status);
        let said = String::from_utf8_lossy(&ran.stdout);
        // Maven resets its colours whether it has used any or not.
        let costs = said.find('{').zip(said.rfind('}')).and_then(|(start, end)| said.get(start..=end));
        serde_json::from_str(costs.unwrap_or_default()).with_context(|| format!("`{line}` said {said:?}"))
    }
}

fn command(folder: &str, line: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(root.join(folder));
    command
}
