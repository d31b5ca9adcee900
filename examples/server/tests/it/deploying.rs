//! What is in `deploy/`, held against the real binary.

use std::{collections::BTreeSet, fs, path::Path, process::Stdio};

use chat_core::wire::ACTIONS;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    folder::Folder,
    program::{Server, program, run},
    wire::{Person, ask, ask_for_text, make_room, token},
};

fn deployed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
}

/// Starts the server with these variables, but on a free port and in a folder of the test.
async fn with_variables(variables: &[(String, String)], folder: &Folder) -> Server {
    let mut command = program(&[]);
    for (name, value) in variables {
        match name.as_str() {
            "CHAT_DB" => command.env(name, folder.db(value.rsplit('/').next().unwrap())),
            "CHAT_LISTEN" => command.env(name, "127.0.0.1:0"),
            _ => command.env(name, value),
        };
    }
    Server::start(&mut command).await
}

fn variable(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn the_unit_is_what_systemd_expects_and_its_variables_are_what_the_server_expects() {
    let folder = Folder::new("the_unit");
    let unit = deployed("chat-server.service");
    let variables: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Environment=")).map(variable).collect();
    assert_eq!(variables.len(), 2);
    with_variables(&variables, &folder).await.stop().await;

    // The server drains for 10 s; systemd must wait longer.
    let wait = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap().trim_end_matches('s');
    assert!(wait.parse::<u64>().unwrap() > 10, "{wait}");

    let here = unit.replace("/usr/local/bin/chat-server", env!("CARGO_BIN_EXE_chat-server"));
    let file = folder.write("chat-server.service", &here);
    let mut systemd = Command::new("systemd-analyze");
    systemd.args(["verify", "--man=no", "--recursive-errors=no", &file]).stdin(Stdio::null());
    if Command::new("systemd-analyze").arg("--version").output().await.is_ok() {
        let verified = run(&mut systemd).await;
        assert_eq!((verified.status, verified.err.as_str()), (Some(0), ""), "{}", verified.out);
    } else {
        println!("systemd-analyze is not here: the unit's own words were not checked");
    }
}

#[tokio::test]
async fn the_container_runs_as_nobody_and_its_health_check_tells_ready_from_gone() {
    let folder = Folder::new("the_container");
    let dockerfile = deployed("Dockerfile");
    let toolchain = include_str!("../../../../rust-toolchain.toml");
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "it is built with {version}, as everything is");
    let (_, last) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let user = last.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");

    let variables = last.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap();
    let variables: Vec<_> = variables.split(' ').map(variable).collect();
    let server = with_variables(&variables, &folder).await;
    let check = last.lines().find_map(|line| line.strip_prefix("HEALTHCHECK ")?.split_once("CMD ")).unwrap().1;
    let port = format!("/{}", server.address.port());
    let check: Vec<String> = serde_json::from_str(&check.replace("/8080", &port)).unwrap();
    assert!(check.iter().any(|word| word.contains(&port)));
    let healthy = async || {
        let mut command = Command::new(&check[0]);
        run(command.args(&check[1..]).stdin(Stdio::null())).await.status == Some(0)
    };
    assert!(healthy().await);
    server.stop().await;
    assert!(!healthy().await);
}

/// A metric as a query names it: its name, and which labels it is asked for, with which values.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    name: String,
    labels: Vec<(String, String)>,
}

/// The metrics of ours in a text, whatever it is.
fn asked(text: &str) -> BTreeSet<Asked> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("chat_") {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let inside = after.strip_prefix('{').and_then(|after| after.split_once('}')).map_or("", |(inside, _)| inside);
        let labels = inside.split(',').filter_map(|label| label.split_once('='));
        let labels = labels.flat_map(|(label, values)| {
            let values = values.trim_matches(|c| c == '~' || c == '"' || c == '\\');
            values.split('|').map(|value| (label.trim_end_matches('!').to_owned(), value.to_owned()))
        });
        found.insert(Asked { name: name.to_owned(), labels: labels.collect() });
    }
    found
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_ask_for_metrics_that_are_served() {
    let folder = Folder::new("the_dashboard");
    let server = Server::on(&folder.db("chat.db")).await;
    make_room(&server, &["ann", "ben"]).await;
    let _ann = Person::enters(server.address, "ann").await;
    let said = json!({ "content": "hi" });
    ask(&server, &token("ann"), "POST", "/api/chatrooms/job:42/send_message/", &said).await;
    let (status, served) = ask_for_text(&server, &token("ann"), "GET", "/metrics", &Value::Null).await;
    assert_eq!(status, 200);

    let dashboard: Value = serde_json::from_str(&deployed("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let places: BTreeSet<_> = panels.iter().map(|panel| panel["gridPos"].to_string()).collect();
    assert_eq!(places.len(), panels.len(), "each panel has a place of its own");
    let queries = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries: Vec<_> = queries.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    let alerts = deployed("alerts.yml");
    let rules: Vec<_> = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(panels.len() >= 10 && rules.len() >= 6);
    let all = asked(&format!("{}\n{}", queries.join("\n"), rules.join("\n")));
    assert!(all.len() >= 15, "{all:?}");
    for Asked { name, labels } in &all {
        let samples: Vec<_> = served
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")))
            .collect();
        assert!(!samples.is_empty(), "{name} is asked for, and not served");
        for (label, value) in labels {
            assert!(
                samples.iter().any(|sample| sample.contains(&format!("{label}=\""))),
                "{name} has no label {label}"
            );
            let known = match label.as_str() {
                // What did not happen yet is not shown; the names are those of the protocol.
                "action" => ACTIONS.contains(&value.as_str()),
                "outcome" => value == "ok" || chat_core::Code::ALL.iter().any(|code| code.as_str() == value),
                _ => samples.iter().any(|sample| sample.contains(&format!("{label}=\"{value}\""))),
            };
            assert!(known, "{name} has no {label} {value:?}");
        }
    }
    // The other way round: what is served is shown.
    for family in served.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, _) = family.split_once(' ').unwrap();
        assert!(all.iter().any(|asked| asked.name.starts_with(name)), "{name} is served, and shown nowhere");
    }
    server.stop().await;
}
