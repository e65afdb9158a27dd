//! Whom the client trusts: the authorities of the system, or those that `SSL_CERT_FILE` names; nobody else, and
//! nothing turns the check off.

use crate::serve::Serving;
use crate::support::{Ran, Workshop};

const MANIFEST: &str = r#"
name = "tls"
[account]
[containers.tls-in]
[[uploads]]
container = "tls-in"
files = "in/*"
[pool]
id = "tls"
vm_size = "Standard_D2s_v5"
target_dedicated_nodes = 1
image = { publisher = "canonical", offer = "ubuntu-24_04-lts", sku = "server" }
[job]
id = "tls"
[[tasks]]
for_each = { container = "tls-in" }
id = "{{id file.name}}"
commands = ["cat {{file.name}}"]
"#;

#[test]
fn an_authority_has_to_be_known() {
    let shop = Workshop::new();
    shop.write("m.toml", MANIFEST);
    shop.write("in/a.txt", "a");
    let start = |state_dir| {
        let args = ["--json", "--own-key", "--tls", "--state-dir", state_dir];
        Serving::start(&shop, &args)
    };
    let (ours, other) = (start("ours"), start("other"));
    let run = |verb: &[&str], authority: Option<&str>| {
        let mut command = shop.command(verb);
        command.envs(ours.environment());
        command.envs(authority.map(|name| ("SSL_CERT_FILE", shop.path(name))));
        Ran::of(command.output().unwrap())
    };
    for authority in [None, Some("other/tls-ca.pem")] {
        let refused = run(&["plan", "m.toml"], authority).ends_with(1);
        refused.says(&["its certificate is not trusted", "SSL_CERT_FILE"]);
    }
    for verb in [
        &["apply", "m.toml", "--yes"][..],
        &["destroy", "m.toml", "--yes"],
    ] {
        run(verb, Some("ours/tls-ca.pem")).ends_with(0);
    }
    ours.stop();
    other.stop();
}
