//! What a stranger does wrong first, and what the program says to it.

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

use crate::support::{Ran, Workshop, local_service};

fn workshop() -> Workshop {
    let shop = Workshop::new();
    shop.write("work/words.toml", "name = \"words\"\n");
    shop.write("empty/readme.md", "");
    shop
}

#[test]
fn a_path_that_is_no_manifest() {
    let shop = workshop();
    fs::write(shop.path("work/latin1.txt"), b"name = \"caf\xe9\"\n").unwrap();
    for (path, says) in [
        ("work/word.toml", "did you mean work/words.toml?"),
        ("work/batch.yaml", "the manifests there are work/words.toml"),
        ("nowhere/words.toml", "there is no folder nowhere"),
        ("words.toml", "the folder you are in, which has no manifest"),
        (
            "work",
            "it is a folder; the manifests in it are work/words.toml",
        ),
        ("empty", "it is a folder; name the manifest"),
        ("work/latin1.txt", "a manifest is text in UTF-8"),
    ] {
        for verb in ["validate", "plan"] {
            shop.run([verb, path])
                .ends_with(1)
                .says(&[&format!("cannot read {path}"), says]);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let shop = workshop();
    let name = OsStr::from_bytes(b"caf\xe9.toml");
    fs::copy(shop.path("work/words.toml"), shop.path("work").join(name)).unwrap();
    let path = shop.path("work").join(name);
    shop.run([OsStr::new("validate"), path.as_os_str()])
        .ends_with(4)
        .says(&["caf\u{fffd}.toml:1:1", "the key `pool` is missing"]);
}

/// A manifest for Azure.
const ON_AZURE: &str = r#"
name = "m"
[account]
[pool]
id = "m"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "m"
[[tasks]]
id = "one"
commands = ["date"]
"#;

/// What a stranger sees who has the account's names and endpoints right, but for what `change` makes of them.
async fn on_azure(change: impl Fn(&mut Command)) -> String {
    let service = local_service(None, false).await;
    let shop = Workshop::new();
    shop.write("m.toml", ON_AZURE);
    let mut command = shop.command(["plan", "m.toml"]);
    let key = service.key().expose();
    let storage = format!(
        "BlobEndpoint={};AccountName={};AccountKey={key}",
        service.blob_endpoint(),
        service.account()
    );
    command
        .env("AZURE_BATCH_ACCOUNT", service.account())
        .env("AZURE_BATCH_ENDPOINT", service.batch_endpoint())
        .env("AZURE_BATCH_ACCESS_KEY", key)
        .env("AZURE_STORAGE_CONNECTION_STRING", storage);
    change(&mut command);
    let output = tokio::task::spawn_blocking(move || command.output());
    let said = Ran::of(output.await.unwrap().unwrap())
        .ends_with(5)
        .stderr();
    let said = said.replace(service.batch_endpoint(), "BATCH");
    service.stop().await;
    said
}

fn shows(name: &str, said: &str) {
    // Several requests are sent at once; which is refused first differs.
    let first = (r"cannot [^:]+: 403", "cannot …: 403");
    insta::with_settings!({ filters => vec![(r" \[request [^\]]+\]", ""), first] }, {
        insta::assert_snapshot!(name, said);
    });
}

#[tokio::test]
async fn credentials() {
    let none = on_azure(|command| {
        command.env_clear();
    });
    shows("credentials_missing", &none.await);
    let other = BASE64.encode([7; 64]);
    let wrong = on_azure(|command| {
        command.env("AZURE_BATCH_ACCESS_KEY", &other);
    });
    shows("key_of_another_account", &wrong.await);
    let dotted = on_azure(|command| {
        command.env("AZURE_BATCH_ACCOUNT", "mine.westeurope");
    });
    shows("account_name_with_a_dot", &dotted.await);
}

/// The other two of the five: a folder that is not the manifest's, and YAML.
#[test]
fn the_wrong_folder_and_the_wrong_language() {
    let shop = workshop();
    shop.write("work/m.toml", "name: words\npool:\n  id: words\n");
    let folder = shop.run(["plan", "words.toml"]).ends_with(1);
    let language = shop.run(["plan", "work/m.toml"]).ends_with(4);
    shows("wrong_folder", &folder.stderr());
    shows("yaml", &language.stderr());
}

/// No blob can have such a name: the file is shown as well as can be, with what to do about it.
#[cfg(target_os = "linux")]
#[test]
fn inputs_that_are_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let shop = Workshop::new();
    shop.write("in/plain.txt", "one");
    let odd = shop.path("in").join(OsStr::from_bytes(b"caf\xe9.txt"));
    fs::write(odd, "two").unwrap();
    let text = ON_AZURE
        .replace("[account]", "[containers.input]\n[[uploads]]\ncontainer = \"input\"\nfiles = \"in/*\"")
        .replace("id = \"one\"\ncommands = [\"date\"]", "for_each = { container = \"input\" }\nid = \"t-{{index}}\"\ncommands = [\"cat {{file.name}}\"]");
    shop.write("m.toml", &text);
    let said = shop.run(["plan", "m.toml"]);
    let said = said.stdout() + &said.stderr();
    shows("not_unicode", &said);
}
