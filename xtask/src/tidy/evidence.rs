//! A rule about what the book gives as evidence.

use super::{Finding, Tree, tree::File};

/// The heading of a table's last column, under which stand the tests and files that show what the line says.
const HEADING: &str = "shown by";

/// Whatever a table's last column names is there: a test by its name, or a file by its path or the end of it.
pub(super) fn shown(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.markdown() {
        for (n, cell) in cells(file) {
            // Every other piece between back-ticks is code.
            let named = cell.split('`').skip(1).step_by(2);
            let missing = named.filter(|name| !is_there(tree, name));
            findings
                .extend(missing.map(|name| Finding::new(file.at(n), format!("names `{name}`, which is not there"))));
        }
    }
    findings
}

/// The last cells of all lines of such tables, numbered.
fn cells(file: &File) -> Vec<(usize, &str)> {
    let mut cells = Vec::new();
    let mut inside = false;
    for (n, line) in file.markdown().0 {
        let last = line.strip_prefix('|').and_then(|line| line.trim_end().strip_suffix('|')).map(|line| {
            let (_, last) = line.rsplit_once('|').unwrap_or(("", line));
            last.trim()
        });
        match last {
            None => inside = false,
            Some(HEADING) => inside = true,
            Some(cell) if inside => cells.push((n, cell)),
            Some(_) => {}
        }
    }
    cells
}

fn is_there(tree: &Tree, name: &str) -> bool {
    if name.contains(['/', '.']) {
        let end = format!("/{name}");
        return tree.has(name) || tree.paths.iter().any(|path| path.ends_with(&end));
    }
    let function = format!("fn {name}");
    !name.contains('_') || tree.rust().any(|file| file.text.contains(&function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_evidence_is_there() {
        let page = "\
            | what | shown by |\n| --- | --- |\n| a | `it_holds`, `a/b.rs`, `b.rs`, `a`, the suite |\n\
            | b | `it_held`, `c.rs` |\n\n| what | `it_held` |\n";
        let tree = Tree::of(&[("a.md", page), ("a/b.rs", "async fn it_holds() {}\n")]);
        let problems: Vec<_> = shown(&tree).into_iter().map(|finding| (finding.place, finding.problem)).collect();
        let missing = |name: &str| ("a.md:4".to_owned(), format!("names `{name}`, which is not there"));
        assert_eq!(problems, [missing("it_held"), missing("c.rs")]);
    }
}
