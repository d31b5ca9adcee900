//! How it is set up: what counts more, and every way to say something that cannot be.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    folder::Folder,
    program::{PATIENCE, Server, ends, program, run},
};

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";

/// Runs it with these arguments and variables; it must refuse, with the status of a usage error.
async fn refused(args: &[&str], vars: &[(&str, &str)]) -> String {
    let ended = run(program(args).envs(vars.iter().copied())).await;
    assert_eq!(ended.status, Some(2), "{args:?} {vars:?}: {ended:?}");
    assert_eq!(ended.out, "", "{args:?} {vars:?}");
    ended.err
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

#[tokio::test]
async fn without_a_secret_or_a_key_it_says_what_to_do() {
    let without = run(program(&["--listen", "127.0.0.1:0", "--db", "memory:"]).env_remove("CHAT_JWT_SECRET")).await;
    assert_eq!((without.status, without.out.as_str()), (Some(2), ""));
    assert_says(&without.err, &["export CHAT_JWT_SECRET=", "--public-key FILE"]);
    let minting = run(program(&["token", "--user", "ann"]).env_remove("CHAT_JWT_SECRET")).await;
    assert_eq!((minting.status, minting.out.as_str()), (Some(2), ""));
    assert_says(&minting.err, &["CHAT_JWT_SECRET must hold the secret"]);
    assert_says(&refused(&[], &[("CHAT_JWT_SECRET", "short")]).await, &["CHAT_JWT_SECRET: ", "32"]);
}

#[tokio::test]
async fn public_keys_will_do() {
    let folder = Folder::new("public_keys_will_do");
    let key = folder.write("key.pem", KEY);
    let args = ["--listen", "127.0.0.1:0", "--db", "memory:", "--public-key", &key];
    let server = Server::start(program(&args).env_remove("CHAT_JWT_SECRET")).await;
    server.stop().await;

    let broken = folder.write("broken.pem", "no key");
    assert_says(&refused(&["--public-key", &broken], &[]).await, &["broken.pem", "not an RSA or Ed25519 public key"]);
    assert_says(&refused(&["--public-key", &folder.file("none.pem")], &[]).await, &["the public key", "none.pem"]);
    let both = folder.write("both.toml", "[[public_keys]]\nid = \"a\"\n");
    assert_says(&refused(&["--config", &both], &[]).await, &["public_keys", "either `file` or `pem`"]);
}

/// What a page of this origin is answered.
async fn asks_from(server: &Server, origin: &str) -> String {
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\n\r\n");
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_list_in_a_variable_may_have_spaces_and_a_comma_at_its_end() {
    let folder = Folder::new("a_list_in_a_variable");
    let (first, second) = (folder.write("a.pem", KEY), folder.write("b.pem", KEY));
    let mut command = program(&["--listen", "127.0.0.1:0", "--db", "memory:"]);
    command.env("CHAT_ALLOW_ORIGIN", "https://a.example, https://b.example ,");
    command.env("CHAT_PUBLIC_KEY", format!("{first}, {second},"));
    let server = Server::start(&mut command).await;
    for origin in ["https://a.example", "https://b.example"] {
        assert_eq!(asks_from(&server, origin).await, "HTTP/1.1 200 OK", "{origin}");
    }
    assert_eq!(asks_from(&server, "https://c.example").await, "HTTP/1.1 403 Forbidden");
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_counts_more_than_the_environment_and_that_more_than_the_file() {
    let folder = Folder::new("the_command_line_counts_more");
    let file = folder.write("chat.toml", "db = \"sqlite:of-the-file.db\"\n");
    let verify = async |args: &[&str], vars: &[(&str, &str)]| {
        let ended = run(program(&[&["verify"], args].concat()).envs(vars.iter().copied())).await;
        assert_eq!(ended.status, Some(1), "{ended:?}");
        ended.err
    };
    assert_says(&verify(&["--config", &file], &[]).await, &["of-the-file.db"]);
    assert_says(&verify(&[], &[("CHAT_CONFIG", &file)]).await, &["of-the-file.db"]);
    let environment = [("CHAT_DB", "sqlite:of-the-environment.db")];
    assert_says(&verify(&["--config", &file], &environment).await, &["of-the-environment.db"]);
    let line = ["--config", &file, "--db", "sqlite:of-the-line.db"];
    assert_says(&verify(&line, &environment).await, &["of-the-line.db"]);
}

#[tokio::test]
async fn a_config_file_that_is_wrong_is_named_with_its_line() {
    let folder = Folder::new("a_config_file_that_is_wrong");
    let wrong = [
        ("unknown.toml", "page = true\nlisen = 1\n", ["unknown field `lisen`", "line 2"]),
        ("table.toml", "[limits]\n\nlisen = 1\n", ["unknown field `lisen`", "line 3"]),
        ("type.toml", "page = \"yes\"\n", ["boolean", "line 1"]),
        ("listen.toml", "listen = \"here\"\n", ["listen", "line 1"]),
        ("db.toml", "db = \"postgres:x\"\n", ["must be sqlite:PATH or memory:", "line 1"]),
        ("number.toml", "[limits]\npage = -1\n", ["page", "line 2"]),
        ("syntax.toml", "page = \n", ["page", "line 1"]),
        ("time.toml", "drain_timeout = -1.0\n", ["drain_timeout", "0 or more"]),
    ];
    for (name, text, words) in wrong {
        let path = folder.write(name, text);
        let said = refused(&["--config", &path, "--db", "memory:"], &[]).await;
        assert_says(&said, &words);
    }
    assert_says(&refused(&["--config", &folder.file("none.toml")], &[]).await, &["cannot read", "none.toml"]);
}

#[tokio::test]
async fn a_variable_that_is_wrong_is_named_and_a_strange_one_is_passed_over() {
    for (name, value, words) in [
        ("CHAT_LIMITS_PAGE", "many", "CHAT_LIMITS_PAGE: "),
        ("CHAT_METRICS", "everybody", "CHAT_METRICS: "),
        ("CHAT_LISTEN", "here", "--listen"),
        ("CHAT_DB", "postgres:x", "must be sqlite:PATH or memory:"),
        ("CHAT_LOG", "chat=loud", "`log` must be"),
        ("CHAT_DRAIN_TIMEOUT", "soon", "such as 10s"),
        ("CHAT_ROOM_PREFIX", "job 42", "`room_prefix`"),
        ("CHAT_ALLOW_ORIGIN", "example.com", "`allow_origin`"),
        ("CHAT_ALLOW_ORIGIN", "https://*.example.com", "`allow_origin`"),
        ("CHAT_JWT_LEEWAY", "60", "`jwt.leeway`"),
        ("CHAT_SERVER_IDLE_TIMEOUT", "1", "`idle_timeout`"),
        ("CHAT_LIMITS_PENDING_COMMANDS", "9999999999999999999", "`pending_commands` must be at most 10,000,000"),
        ("CHAT_LIMITS_CACHED_ROOMS", "1000000000000", "`cached_rooms` must be at most 10,000,000"),
        ("CHAT_LIMITS_CATCH_UP_CHANGES", "0", "`catch_up_changes` must not be 0"),
        ("CHAT_LIMITS_SUBSCRIBE_ROOMS", "0", "`subscribe_rooms` must not be 0"),
        ("CHAT_LIMITS_MESSAGE_BYTES", "131072", "`message_bytes` must be below `frame_bytes`"),
        ("CHAT_SERVER_FRAME_BYTES", "16384", "`message_bytes` must be below `frame_bytes`"),
    ] {
        let args = ["--listen", "127.0.0.1:0"];
        let args = if name == "CHAT_LISTEN" { &args[2..] } else { &args[..] };
        assert_says(&refused(args, &[(name, value)]).await, &[words]);
    }
    let command = &mut program(&["--listen", "127.0.0.1:0", "--db", "memory:"]);
    let mut server = Server::start(command.env("CHAT_SERVICE_HOST", "10.0.0.1")).await;
    server.logs("CHAT_SERVICE_HOST is no setting").await;
    server.stop().await;
}

#[tokio::test]
async fn arguments_that_are_wrong_are_named() {
    for (args, words) in [
        (&["--db", "chat.db"][..], "must be sqlite:PATH or memory:"),
        (&["--listen", "8080"], "--listen"),
        (&["--lisen", "127.0.0.1:0"], "--lisen"),
        (&["--drain-timeout", "soon"], "such as 10s"),
        (&["serve"], "serve"),
        (&["token"], "--user"),
        (&["token", "--user", ""], "--user"),
        (&["backup"], "FILE"),
        (&["--db", "memory:", "verify"], "memory:"),
        (&["--db", "memory:", "backup", "copy.db"], "memory:"),
        (&["--db", "memory:", "export"], "memory:"),
        (&["--db", "memory:", "import"], "memory:"),
    ] {
        assert_says(&refused(args, &[]).await, &[words]);
    }
}

#[tokio::test]
async fn help_explains_every_option() {
    let help = ends(&["--help"]).await;
    assert_eq!(help.status, Some(0));
    for option in ["--listen", "--db", "--allow-origin", "--config", "--public-key", "--drain-timeout", "--log"] {
        let explained = help
            .out
            .split_once(&format!("{option} <"))
            .is_some_and(|(_, rest)| rest.lines().nth(1).is_some_and(|line| line.trim().len() > 10));
        assert!(explained, "{option} in: {}", help.out);
    }
    assert_says(&help.out, &["CHAT_JWT_SECRET", "verify", "backup", "export", "import", "CHAT_LIMITS_PAGE"]);
}

#[tokio::test]
async fn an_address_in_use_is_named_and_leaves_no_file() {
    let folder = Folder::new("an_address_in_use");
    let server = Server::on("memory:").await;
    let address = server.address.to_string();
    let second = ends(&["--listen", &address, "--db", &folder.db("chat.db")]).await;
    assert_eq!((second.status, second.out.as_str()), (Some(1), ""));
    assert_says(&second.err, &[&format!("cannot listen on {address}"), "in use"]);
    assert!(!std::path::Path::new(&folder.file("chat.db")).exists(), "it made a file that it never used");
    server.stop().await;
}
