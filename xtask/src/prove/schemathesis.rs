//! Schemathesis: requests made up from the document that the server serves, against the real binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{cargo, output, run as run_command, server::Server};

use super::{How, proofs::Proof, watched::watch};

/// Asks as a user, and then as the application itself.
pub(super) fn run(root: &Path, seed: u64, proof: &Proof, said: &mut Vec<String>) -> Result<How> {
    let Some(program) = installed(root)? else {
        return Ok(How::LeftOut(
            "Schemathesis could not be installed: it needs python3 with venv, and PyPI".to_owned(),
        ));
    };
    run_command(cargo(root).args(["build", "--quiet", "--package", "chat-server"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let binary = target.join("debug").join(format!("chat-server{}", std::env::consts::EXE_SUFFIX));
    for (name, role) in [("ann", None), ("app", Some("service"))] {
        let server = Server::start(&binary, &target.join("prove").join("schemathesis"))?;
        let message = furnish(&server)?;
        let mut ask = Command::new(&program);
        ask.current_dir(target.join("prove")).env("CHAT_MESSAGE", message);
        ask.arg("--config-file").arg(root.join("chat-ws/schemathesis/config.toml"));
        ask.args(["--no-color", "run", &format!("{}/api/openapi.json", server.url())]);
        ask.args(["--seed", &(seed % u64::from(u32::MAX)).to_string()]);
        ask.args(["--header", &format!("Authorization: Bearer {}", server.token(name, role)?)]);
        said.push(format!("as {}:", role.unwrap_or("a user")));
        let how = watch(&mut ask, proof, said)?;
        server.stop()?;
        if !matches!(how, How::Holds) {
            return Ok(how);
        }
    }
    Ok(How::Holds)
}

/// Rooms of ann and ben, with a message in each; the id of the last one.
fn furnish(server: &Server) -> Result<String> {
    let (app, ann) = (server.token("app", Some("service"))?, server.token("ann", None)?);
    let post = |token: &str, path: &str, body: &Value| -> Result<Value> {
        let request = ureq::post(format!("{}{path}", server.url())).header("Authorization", format!("Bearer {token}"));
        Ok(request.send_json(body)?.body_mut().read_json()?)
    };
    let mut last = Value::Null;
    for key in ["job:42", "job:43", "job:44"] {
        let people = json!([{"user_id": "ann", "role": "owner"}, "ben"]);
        post(&app, "/api/chatrooms/", &json!({"key": key, "participants": people}))?;
        last = post(&ann, &format!("/api/chatrooms/{key}/send_message/"), &json!({"content": "hello"}))?;
    }
    Ok(last["id"].as_str().context("a message has an id")?.to_owned())
}

/// Where Schemathesis is, in the versions that `requirements.txt` names; nothing if it cannot be had.
fn installed(root: &Path) -> Result<Option<PathBuf>> {
    let wanted = fs::read_to_string(root.join(REQUIREMENTS))?;
    let folder = root.join("target").join("tools").join("schemathesis");
    let (program, mark) = (folder.join("bin").join("schemathesis"), folder.join("requirements.txt"));
    // It is complete once it says what is in it.
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(Some(program));
    }
    let python = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    if !python.is_ok_and(|made| made.status.success()) {
        return Ok(None);
    }
    let mut pip = Command::new(folder.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"]).arg(root.join(REQUIREMENTS));
    if output(&mut pip).is_err() {
        return Ok(None);
    }
    ensure!(program.is_file(), "Schemathesis was installed and is not where it should be");
    fs::write(mark, wanted)?;
    Ok(Some(program))
}

/// It and everything that it needs, each at one version.
const REQUIREMENTS: &str = "chat-ws/schemathesis/requirements.txt";
