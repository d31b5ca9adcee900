//! The TypeScript types of the web client are written from the Rust ones: this reads the source of `chat-core`, which is
//! what serde goes by, and compares what it makes of it with `bindings/web/client/src/protocol.ts`.
//!
//! After a change that is meant, `UPDATE_TYPES=1 cargo test -p xtask --test typescript` writes that file anew. A Rust
//! shape that this does not know is an error here, never a guess.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use syn::{Attribute, Expr, Field, Fields, Item, ItemEnum, ItemStruct, Lit, Meta, Type, punctuated::Punctuated};

/// What the client hears: a field that may be skipped is optional, an `Option` that is not skipped may be `null`.
const HEARD: &[(&str, &[&str])] = &[
    ("model/message.rs", &["MessageType", "Attachment", "Message"]),
    ("model/participant.rs", &["Role", "Level", "MemberSettings", "Participant"]),
    ("model/room.rs", &["RoomKind", "RoomState", "HistoryMode", "RoomInfo", "MyRoom", "My"]),
    ("model/event.rs", &["Position", "ResyncReason", "Marker", "Event"]),
    ("model/reply.rs", &["Sent", "Markers", "Page", "Snapshot", "Sync", "Opened", "Subscribed"]),
    ("model/error.rs", &["Code", "Retry"]),
    ("wire/answer.rs", &["ErrorBody"]),
    ("wire", &["ReadyLimits", "ReadyRoom", "Ready"]),
];

/// What the client says: whatever serde has a default for may be left out.
const SAID: &[(&str, &[&str])] = &[(
    "model/command.rs",
    &[
        "SendMessage",
        "EditMessage",
        "DeleteMessage",
        "ParticipantObject",
        "CreateRoom",
        "UpdateRoom",
        "UpdateParticipant",
        "RemoveParticipant",
        "UpdateMe",
    ],
)];

const HEAD: &str = "\
// Written from the Rust types by `UPDATE_TYPES=1 cargo test -p xtask --test typescript`. Do not edit.

/** Free JSON. */
export type Metadata = { [key: string]: unknown };

/** Somebody to add: an object, or the user's id alone. */
export type AddParticipant = string | ParticipantObject;
";

#[test]
fn the_types_of_the_web_client_are_those_of_the_core() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("bindings/web/client/src/protocol.ts");
    let written = protocol(&Source::read(&root.join("chat-core/src")));
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(&path, written).expect("the types are written");
        return;
    }
    let kept = std::fs::read_to_string(&path).expect("the types of the web client");
    for (n, (kept, written)) in kept.lines().zip(written.lines()).enumerate() {
        assert_eq!(kept, written, "bindings/web/client/src/protocol.ts:{}; see this test's head", n + 1);
    }
    assert_eq!(kept.lines().count(), written.lines().count(), "see this test's head");
}

fn protocol(source: &Source) -> String {
    let mut out = HEAD.to_owned();
    for (direction, files) in [(Direction::Heard, HEARD), (Direction::Said, SAID)] {
        for (file, names) in files {
            for name in *names {
                write(&mut out, source, direction, file, name);
            }
        }
    }
    actions(&mut out, source.constant("wire", "ACTIONS"));
    close_codes(&mut out, source.find("wire/close.rs", "CloseCode"));
    out
}

/// The items of each file.
struct Source {
    files: BTreeMap<String, Vec<Item>>,
}

impl Source {
    fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for folder in ["model", "wire"] {
            for entry in std::fs::read_dir(root.join(folder)).expect("a folder of the core") {
                let path = entry.expect("a file").path();
                let text = std::fs::read_to_string(&path).expect("a source file");
                let name = path.file_name().expect("a name").to_string_lossy();
                files.insert(format!("{folder}/{name}"), syn::parse_file(&text).expect("Rust").items);
            }
        }
        Self { files }
    }

    /// The items of a file, or of all files of a folder.
    fn items(&self, place: &str) -> impl Iterator<Item = &Item> {
        self.files.iter().filter(move |(file, _)| file.starts_with(place)).flat_map(|(_, items)| items)
    }

    fn find(&self, place: &str, name: &str) -> &Item {
        let named = |item: &&Item| match item {
            Item::Struct(item) => item.ident == name,
            Item::Enum(item) => item.ident == name,
            _ => false,
        };
        self.items(place).find(named).unwrap_or_else(|| panic!("`{name}` is not in {place} of chat-core"))
    }

    fn constant(&self, place: &str, name: &str) -> &Expr {
        let value = self.items(place).find_map(|item| match item {
            Item::Const(item) if item.ident == name => Some(&*item.expr),
            _ => None,
        });
        value.unwrap_or_else(|| panic!("`{name}` is not in {place} of chat-core"))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Heard,
    Said,
}

fn write(out: &mut String, source: &Source, direction: Direction, file: &str, name: &str) {
    match source.find(file, name) {
        Item::Struct(item) => {
            assert!(derives(item, direction), "`{name}` is read or written by hand; name the struct that is its shape");
            structure(out, item, direction);
        }
        Item::Enum(item) if Serde::of(&item.attrs).get("tag").is_some() => tagged(out, item, direction),
        Item::Enum(item) => {
            comment(out, "", &item.attrs);
            writeln!(out, "export type {name} = {};", union(item, direction)).expect("a string");
        }
        _ => panic!("`{name}` is neither struct nor enum"),
    }
}

/// Whether serde makes what reads or writes it: then its fields are its shape.
fn derives(item: &ItemStruct, direction: Direction) -> bool {
    let wanted = match direction {
        Direction::Heard => "Serialize",
        Direction::Said => "Deserialize",
    };
    item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let derived = attribute.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
        derived.expect("a list").iter().any(|path| path.is_ident(wanted))
    })
}

/// A struct, as an interface; as an intersection where it holds a flattened enum.
fn structure(out: &mut String, item: &ItemStruct, direction: Direction) {
    let parameters: Vec<_> = item.generics.type_params().map(|parameter| parameter.ident.to_string()).collect();
    let parameters = if parameters.is_empty() { String::new() } else { format!("<{}>", parameters.join(", ")) };
    let name = format!("{}{parameters}", item.ident);
    let all_default = Serde::of(&item.attrs).has("default");
    let (flat, own): (Vec<_>, Vec<_>) = item.fields.iter().partition(|field| Serde::of(&field.attrs).has("flatten"));
    let flat: Vec<_> = flat.into_iter().map(|field| ts(&field.ty)).collect();
    let body = fields(own.into_iter(), direction, all_default, "  ");
    comment(out, "", &item.attrs);
    match &*flat.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => writeln!(out, "export interface {name} {{\n{body}}}"),
        ["Metadata"] => writeln!(out, "export interface {name} {{\n{body}  [more: string]: unknown;\n}}"),
        ["Sync"] => writeln!(out, "export type {name} = Sync & {{\n{body}}};"),
        flat => writeln!(out, "export interface {name} extends {} {{\n{body}}}", flat.join(", ")),
    }
    .expect("a string");
}

/// An enum with a tag: an interface for each variant, and their union.
fn tagged(out: &mut String, item: &ItemEnum, direction: Direction) {
    let serde = Serde::of(&item.attrs);
    let tag = serde.get("tag").expect("a tag");
    let mut names = Vec::new();
    for variant in &item.variants {
        let name = format!("{}Event", variant.ident);
        let (flat, own): (Vec<_>, Vec<_>) =
            variant.fields.iter().partition(|field| Serde::of(&field.attrs).has("flatten"));
        let extends = flat.iter().map(|field| format!(" extends {}", ts(&field.ty))).collect::<String>();
        comment(out, "", &variant.attrs);
        let kind = snake(&variant.ident.to_string());
        let body = fields(own.into_iter(), direction, false, "  ");
        writeln!(out, "export interface {name}{extends} {{\n  {tag}: \"{kind}\";\n{body}}}").expect("a string");
        names.push(name);
    }
    comment(out, "", &item.attrs);
    writeln!(out, "export type {} =\n  | {};", item.ident, names.join("\n  | ")).expect("a string");
}

/// An enum without a tag: names, or shapes that tell themselves apart.
fn union(item: &ItemEnum, direction: Direction) -> String {
    let untagged = Serde::of(&item.attrs).has("untagged");
    let shapes = item.variants.iter().map(|variant| match &variant.fields {
        Fields::Unit if !untagged => format!("\"{}\"", snake(&variant.ident.to_string())),
        Fields::Unnamed(inner) if untagged && inner.unnamed.len() == 1 => ts(&inner.unnamed[0].ty),
        Fields::Named(named) if untagged => {
            format!("{{\n{}}}", fields(named.named.iter(), direction, false, "  "))
        }
        _ => panic!("`{}::{}` is of a shape that is not known", item.ident, variant.ident),
    });
    shapes.collect::<Vec<_>>().join(" | ")
}

fn fields<'a>(list: impl Iterator<Item = &'a Field>, direction: Direction, all_default: bool, indent: &str) -> String {
    let mut out = String::new();
    for field in list {
        let name = field.ident.as_ref().expect("a name").to_string();
        let name = name.trim_start_matches("r#");
        if name == "type" {
            // What a frame is, the client's own table of frames says.
            continue;
        }
        let serde = Serde::of(&field.attrs);
        let inner = argument(&field.ty, "Option");
        let optional = match direction {
            Direction::Heard => serde.has("skip_serializing_if"),
            Direction::Said => all_default || serde.has("default") || inner.is_some(),
        };
        let shape = match (direction, inner) {
            (Direction::Heard, Some(inner)) if !optional => format!("{} | null", ts(inner)),
            // `Option<Option<T>>`: `null` clears.
            (_, Some(inner)) => match argument(inner, "Option") {
                Some(inner) => format!("{} | null", ts(inner)),
                None => ts(inner),
            },
            (_, None) => ts(&field.ty),
        };
        comment(&mut out, indent, &field.attrs);
        writeln!(out, "{indent}{name}{}: {shape};", if optional { "?" } else { "" }).expect("a string");
    }
    out
}

/// A type, as JSON carries it.
fn ts(ty: &Type) -> String {
    match ty {
        Type::Reference(reference) => ts(&reference.elem),
        Type::Slice(slice) => format!("{}[]", ts(&slice.elem)),
        Type::Path(path) => {
            let last = path.path.segments.last().expect("a name");
            match &*last.ident.to_string() {
                "String" | "str" | "UserId" | "RoomId" | "MessageId" | "ClientId" | "RoomKey" | "Timestamp"
                | "Cursor" => "string".into(),
                "u16" | "u32" | "u64" | "usize" | "Seq" | "Rev" => "number".into(),
                "bool" => "boolean".into(),
                "Vec" => format!("{}[]", ts(argument(ty, "Vec").expect("of something"))),
                name @ ("Arc" | "Box") => ts(argument(ty, name).expect("of something")),
                "Option" => format!("{} | null", ts(argument(ty, "Option").expect("of something"))),
                name => name.into(),
            }
        }
        _ => panic!("a type that is not known"),
    }
}

/// What stands between the angle brackets after `outer`.
fn argument<'a>(ty: &'a Type, outer: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == outer)?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

fn actions(out: &mut String, list: &Expr) {
    let Expr::Array(list) = list else { panic!("`ACTIONS` is no array") };
    let names = list.elems.iter().map(|name| match name {
        Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) => format!("\"{}\"", name.value()),
        _ => panic!("an action that is no text"),
    });
    let names = names.collect::<Vec<_>>().join("\n  | ");
    writeln!(out, "\n/** Everything that a client can ask for. */\nexport type Action =\n  | {names};")
        .expect("a string");
}

fn close_codes(out: &mut String, codes: &Item) {
    let Item::Enum(codes) = codes else { panic!("`CloseCode` is no enum") };
    comment(out, "", &codes.attrs);
    out.push_str("export const CLOSE_CODES = {\n");
    for variant in &codes.variants {
        let Some((_, Expr::Lit(syn::ExprLit { lit: Lit::Int(number), .. }))) = &variant.discriminant else {
            panic!("a close code without its number");
        };
        comment(out, "  ", &variant.attrs);
        writeln!(out, "  {}: {number},", snake(&variant.ident.to_string())).expect("a string");
    }
    out.push_str("} as const;\n");
}

/// The doc comment, as TypeScript has them. Links of rustdoc become plain code.
fn comment(out: &mut String, indent: &str, attributes: &[Attribute]) {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    // What follows is a Rust example.
    let lines: Vec<_> = lines.map(|line| line.trim().to_owned()).take_while(|line| !line.starts_with("```")).collect();
    let text = lines.join("\n");
    let text = text.trim_end();
    if indent.is_empty() {
        out.push('\n');
    }
    if text.is_empty() {
        return;
    }
    let text = text.replace("[`", "`").replace("`]", "`");
    let text: String = text.split('\n').map(without_target).collect::<Vec<_>>().join(&format!("\n{indent} * "));
    let text = text.replace(" * \n", " *\n");
    if text.contains('\n') {
        writeln!(out, "{indent}/**\n{indent} * {text}\n{indent} */").expect("a string");
    } else {
        writeln!(out, "{indent}/** {text} */").expect("a string");
    }
}

/// A line without the targets of its links: `a`(b) becomes `a`.
fn without_target(line: &str) -> String {
    let mut parts = line.split("`(");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('`');
        text.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    text
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// What the `serde` attributes of an item say.
struct Serde(Vec<(String, Option<String>)>);

impl Serde {
    fn of(attributes: &[Attribute]) -> Self {
        let mut said = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let list = attribute.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated);
            for meta in list.expect("a serde attribute") {
                let name = meta.path().get_ident().expect("a word").to_string();
                let value = match &meta {
                    Meta::NameValue(pair) => match &pair.value {
                        Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                        _ => None,
                    },
                    _ => None,
                };
                let known = [
                    "borrow",
                    "default",
                    "deny_unknown_fields",
                    "deserialize_with",
                    "flatten",
                    "rename_all",
                    "serialize_with",
                    "skip_serializing_if",
                    "tag",
                    "untagged",
                ];
                assert!(known.contains(&&*name), "serde's `{name}` is not known here");
                assert!(name != "rename_all" || value.as_deref() == Some("snake_case"), "only snake_case is known");
                said.push((name, value));
            }
        }
        Self(said)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(said, _)| said == name)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(said, _)| said == name).and_then(|(_, value)| value.as_deref())
    }
}
