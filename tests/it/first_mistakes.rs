//! What a stranger does wrong first, and what the program says to it.

use std::fs;

use crate::support::Workshop;

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

#[test]
fn credentials_that_are_missing_are_all_named() {
    let shop = Workshop::new();
    shop.write(
        "m.toml",
        r#"
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
"#,
    );
    shop.run(["plan", "m.toml"]).ends_with(5).says(&[
        "AZURE_BATCH_ACCOUNT",
        "AZURE_BATCH_ENDPOINT",
        "AZURE_STORAGE_ACCOUNT",
    ]);
}
