//! Whatever happens, keys and signatures are in no log, message, plan, receipt, argument or environment of others, and
//! in no file but those that have to hold them, which their owner alone can read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};

use percent_encoding::percent_decode_str;
use rustix::process::{Pid, Signal, kill_process};
use walkdir::WalkDir;

use crate::protocol::caller::{Call, Caller};
use crate::serve::{Serving, signed_url};
use crate::support::{Ran, Workshop, mortal, wait_for};

/// 64 bytes whose Base64 has everything that Base64 can have, and needs escapes in URLs, shells and patterns.
const KEY: &str =
    "++//AAAAaaaa+/+/09+/zzzz//++////++++0000////AAAA++++9999////aaaa++//++//0000++++////AA==";

/// What must not be seen, in all its spellings.
struct Secrets(Vec<String>);

impl Secrets {
    fn are_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        text.contains("sig=") || self.0.iter().any(|secret| text.contains(secret))
    }

    #[track_caller]
    fn are_not_in(&self, what: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!self.are_in(bytes), "{what} tells a secret: {text}");
    }
}

/// A run with a user's own signature in its manifest, against a service with its own key.
struct Run {
    shop: Workshop,
    serving: Serving,
    environment: BTreeMap<&'static str, String>,
    secrets: Secrets,
}

fn manifest(url: &str, go: &Path) -> String {
    format!(
        r#"
name = "secrets"
[account]
[containers.secrets-in]
[containers.secrets-out]
[[uploads]]
container = "secrets-in"
files = "in/*"
[pool]
id = "secrets"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = {{ publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }}
[pool.start_task]
commands = ["true"]
resource_files = [{{ container = "secrets-in" }}]
[job]
id = "secrets"
[[tasks]]
for_each = {{ container = "secrets-in" }}
id = "{{{{id file.name}}}}"
commands = ["env > env.out", "until test -e {}; do sleep 0.02; done", "cat {{{{file.name}}}} own.txt > t.out"]
resource_files = [{{ http_url = "{url}", file_path = "own.txt" }}]
output_files = [{{ pattern = "*.out", container = "secrets-out" }}]
[download]
container = "secrets-out"
to = "out"
"#,
        go.display()
    )
}

impl Run {
    async fn new() -> Self {
        let shop = Workshop::new();
        shop.write("s/lock", "");
        shop.write("s/account.key", KEY);
        let args = ["--json", "--own-key", "--state-dir", "s", "-vv"];
        let serving = Serving::start(&shop, &args);
        let told = serving.json();
        assert_eq!(told["key"], KEY);
        let caller = serving.caller(reqwest::Client::new());
        let container = Call::blob("PUT", "/batchflow/in1?restype=container");
        caller.send(container).await.expect(201);
        let mut blob =
            Call::blob("PUT", "/batchflow/in1/a.txt").header("x-ms-blob-type", "BlockBlob");
        blob.body = b"own\n".to_vec();
        caller.send(blob).await.expect(201);
        let url = signed(&caller);
        shop.write("in/a.txt", "a\n");
        shop.write("m.toml", &manifest(&url, &shop.path("go")));

        let encoded = url.rsplit_once("sig=").unwrap().1.to_owned();
        let decoded = percent_decode_str(&encoded).decode_utf8().unwrap();
        assert_ne!(encoded, decoded);
        let escaped = KEY.replace('+', "%2B").replace('/', "%2F");
        let secrets = Secrets(vec![
            decoded.into_owned(),
            encoded,
            escaped.replace('=', "%3D"),
            KEY.trim_end_matches('=').to_owned(),
        ]);
        let environment = serving.environment();
        Self {
            shop,
            serving,
            environment,
            secrets,
        }
    }

    /// The program, with all it says in files.
    fn start(&self, name: &str, args: &[&str]) -> Child {
        let said = self.shop.write(&format!("said/{name}"), "");
        let file = File::create(said).unwrap();
        let mut command = self.shop.command(args);
        command.envs(&self.environment);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command.spawn().unwrap()
    }

    fn run(&self, name: &str, args: &[&str]) {
        let status = self.start(name, args).wait().unwrap();
        assert!(
            status.success(),
            "{}",
            self.shop.read(&format!("said/{name}"))
        );
    }
}

impl Run {
    /// All that it is made of; the key comes from its reader.
    async fn reads_the_live_page(&self) {
        let told = self.serving.json();
        let page = told["live_page"].as_str().unwrap();
        let (address, _) = page.split_once('#').unwrap();
        for file in ["", "live.js", "batch.js", "account"] {
            let answer = reqwest::get(format!("{address}{file}")).await.unwrap();
            let body = answer.bytes().await.unwrap();
            let shown = String::from_utf8_lossy(&body);
            let keys = &self.secrets.0;
            assert!(
                !keys.iter().any(|key| shown.contains(key)),
                "{file}: {shown}"
            );
        }
    }
}

/// The URL of a blob with a signature that needs escapes.
fn signed(caller: &Caller) -> String {
    let mut urls = (1..).map(|hours| signed_url(caller, 3600 * hours));
    let escaped = |url: &String| {
        url.rsplit_once("sig=")
            .is_some_and(|(_, s)| s.contains("%2"))
    };
    urls.find(escaped).unwrap()
}

/// The processes that descend from one, with their command lines and environments.
fn descendants(of: u32) -> Vec<(u32, Vec<u8>, Vec<u8>)> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let all = folders.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let parents: BTreeMap<u32, u32> = all
        .filter_map(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let parent = status.lines().find_map(|l| l.strip_prefix("PPid:"))?;
            Some((pid, parent.trim().parse().ok()?))
        })
        .collect();
    let belongs = |pid: u32| {
        std::iter::successors(parents.get(&pid), |parent| parents.get(parent)).any(|p| *p == of)
    };
    let read = |pid: u32, what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let found = parents.keys().filter(|pid| belongs(**pid));
    found
        .map(|pid| (*pid, read(*pid, "cmdline"), read(*pid, "environ")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn are_nowhere_but_where_they_must_be() {
    let run = Run::new().await;
    run.run("plan", &["plan", "m.toml", "-vv", "--out", "saved.plan"]);
    let apply = ["apply", "m.toml", "--yes", "-vv"];
    let mut crashing = run.start("crashing", &apply);
    wait_for("the task", || {
        let found = descendants(run.serving.id());
        found
            .iter()
            .any(|(_, line, _)| line.windows(4).any(|w| w == b"/go;"))
    });
    for (pid, line, environment) in descendants(run.serving.id()) {
        run.secrets
            .are_not_in(&format!("command line {pid}"), &line);
        run.secrets
            .are_not_in(&format!("environment {pid}"), &environment);
    }
    // What there is now, written down as a manifest: without the signatures in it.
    let import = ["import", "live", "--job", "secrets", "-vv"];
    run.run("import", &import);
    let imported = run.shop.read("said/import");
    assert!(imported.contains("[[tasks]]"), "{imported}");
    let line = fs::read(format!("/proc/{}/cmdline", crashing.id())).unwrap();
    run.secrets.are_not_in("the command line of apply", &line);
    kill_process(Pid::from_child(&crashing), Signal::ABORT).unwrap();
    crashing.wait().unwrap();

    run.shop.write("go", "");
    run.run("apply", &apply);
    assert_eq!(run.shop.read("out/t.out"), "a\nown\n");
    run.run("again", &["plan", "m.toml", "-vv"]);
    let forced = ["apply", "m.toml", "--yes", "--force", "--json", "-vv"];
    run.run("forced", &forced);
    run.run("document", &["plan", "m.toml", "--force", "--json", "-vv"]);
    run.run("report", &["report", "m.toml", "--out", "page.html", "-vv"]);
    assert!(run.shop.read("page.html").contains("secrets"));
    run.run(
        "leftovers",
        &["gc", "--dry-run", "--older-than", "0s", "-vv"],
    );
    run.run(
        "leftovers-json",
        &["gc", "--json", "--older-than", "0s", "-vv"],
    );
    run.reads_the_live_page().await;
    let mut refused = run.shop.command(["plan", "m.toml", "-vv"]);
    let wrong = KEY.replace("AAAA", "BBBB");
    refused
        .envs(&run.environment)
        .env("AZURE_BATCH_ACCESS_KEY", &wrong);
    let refused = Ran::of(refused.output().unwrap()).ends_with(5);
    assert!(!refused.stderr().contains(wrong.trim_end_matches('=')));
    run.secrets.are_not_in("a refusal", &refused.0.stderr);
    run.run("destroy", &["destroy", "m.toml", "--yes", "-vv"]);

    let log = run.serving.stop();
    run.secrets
        .are_not_in("the log of the service", log.as_bytes());
    let folder = run.shop.path("");
    let mut held = BTreeSet::new();
    for entry in WalkDir::new(&folder) {
        let path = entry.unwrap().into_path();
        if path.is_file() && run.secrets.are_in(&fs::read(&path).unwrap()) {
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            assert!(name == "m.toml" || is_private(&path, &folder), "{name}");
            held.insert(name);
        }
    }
    // The first was written by a person, the others are the service's.
    let known = ["m.toml", "s/account.key", "s/state.db", "s/state.db-wal"];
    held.retain(|name| !known.contains(&name.as_str()));
    assert!(held.is_empty(), "{held:?}");
}

/// Whether others are kept from a file, by its mode or by that of a folder it is in.
fn is_private(path: &Path, root: &Path) -> bool {
    let mine = path.ancestors().take_while(|p| *p != root);
    let closed = |p: &Path| fs::metadata(p).is_ok_and(|m| m.permissions().mode() & 0o077 == 0);
    mine.into_iter().any(closed)
}

/// All that the local service keeps, on its own and within an apply.
#[test]
fn files_that_only_their_owner_can_read() {
    let shop = Workshop::new();
    shop.write(
        "local.toml",
        r#"
name = "local"
[pool]
id = "local"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "local"
[[tasks]]
id = "t"
commands = ["true"]
"#,
    );
    shop.run(["apply", "local.toml", "--yes"]).ends_with(0);
    let kept = WalkDir::new(shop.path(".batchflow")).into_iter();
    let kept = kept.map(|entry| entry.unwrap().into_path());
    let state: Vec<_> = kept.filter(|p| p.ends_with("state.db")).collect();
    assert!(!state.is_empty());
    for path in &state {
        assert!(is_private(path, &shop.path("")), "{}", path.display());
    }
    let mut serving = Serving::start(&shop, &["--json", "--own-key", "--state-dir", "s", "--tls"]);
    serving.kill();
    for name in ["s", "s/account.key", "s/tls-server.key"] {
        assert!(is_private(&shop.path(name), &shop.path("")), "{name}");
        let mode = fs::metadata(shop.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

/// The memory of a process that holds keys is not written to a file.
#[test]
fn a_crash_leaves_no_core() {
    const UNLIMITED: &str = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
    let shop = Workshop::new();
    let crash = |program: &[&str]| {
        let mut command = mortal("/bin/sh");
        command.args(["-c", UNLIMITED]).args(program);
        command.current_dir(shop.path(""));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It has begun once it says something.
        let stdout = child.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
        child.wait().unwrap()
    };
    if !crash(&["/bin/sh", "-c", "echo; read x"]).core_dumped() {
        println!("no core is written here by any program");
        return;
    }
    let batchflow = env!("CARGO_BIN_EXE_batchflow");
    let any_port = ["--port", "0", "--blob-port", "0"];
    let serve = [&[batchflow, "serve", "--in-memory"][..], &any_port].concat();
    assert!(!crash(&serve).core_dumped());
}
