//! Ctrl-C and SIGTERM: nothing new is started, what goes on is told, and the next apply goes on from there.

use super::rig::{Account, waiting};
use crate::support::{Ran, Workshop, wait_for};

pub(super) fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn the_first_says_what_goes_on_and_how_to_end_it() {
    let account = Account::new();
    let shop = Workshop::new();
    waiting(&shop);
    for (round, name) in ["INT", "TERM"].into_iter().enumerate() {
        let _ = std::fs::remove_file(shop.path("go"));
        shop.write("trace", "");
        let variable = format!("round={round}");
        let args = ["apply", "m.toml", "--yes", "--var", &variable];
        let first = account.command(&shop, &args).spawn().unwrap();
        wait_for("the task", || !shop.read("trace").is_empty());
        signal(first.id(), name);
        Ran::of(first.wait_with_output().unwrap())
            .ends_with(130)
            .says(&[
                "Job `waiting-job` goes on without this command: 1 running, 0 waiting, 0 completed.",
                "Pool `waiting-pool` keeps 1 node of Standard_D2s_v5, which cost money",
                &format!("batchflow apply m.toml --var {variable}"),
                &format!("batchflow destroy m.toml --var {variable}"),
            ]);
        shop.write("go", "");
        account.run(&shop, &args).ends_with(0);
        assert_eq!(shop.read("trace").lines().count(), 1, "it ran once");
    }
}
