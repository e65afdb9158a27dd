//! The environment of a command line: what a node has, what the user set, what the service says of itself.
//! Never that of the service.

use std::collections::BTreeMap;

use super::directories::{NodeDirectories, RunDirectories};
use crate::service::core::effect::{Instance, Launch, Role};

/// What no user may set.
const RESERVED: &str = "AZ_BATCH_";

/// The account as a task sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) name: &'a str,
    pub(super) url: &'a str,
}

/// A setting that cannot be a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be the name of an environment variable, or its value cannot be a value")]
pub(super) struct InvalidSetting {
    name: String,
}

/// In the order of the names. Settings of reserved names are dropped, as the service's value wins [mem].
pub(super) fn environment(
    launch: &Launch,
    account: Account<'_>,
    node: &NodeDirectories,
    run: &RunDirectories,
) -> Result<BTreeMap<String, String>, InvalidSetting> {
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let working = text(&run.working());
    let mut variables: BTreeMap<String, String> = [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("HOME", working.as_str()),
        ("LANG", "C.UTF-8"),
        ("USER", "_azbatch"),
        ("LOGNAME", "_azbatch"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();

    for setting in &launch.environment {
        let name = &setting.name;
        let value = setting.value.as_deref().unwrap_or_default();
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(InvalidSetting { name: name.clone() });
        }
        if !name.starts_with(RESERVED) {
            variables.insert(name.clone(), value.to_owned());
        }
    }

    let mut set = |name: &str, value: String| {
        variables.insert(format!("{RESERVED}{name}"), value);
    };
    set("ACCOUNT_NAME", account.name.to_owned());
    set("ACCOUNT_URL", account.url.to_owned());
    set("POOL_ID", launch.node.pool.clone());
    set("NODE_ID", launch.node.node.clone());
    set("NODE_IS_DEDICATED", launch.dedicated.to_string());
    set("NODE_ROOT_DIR", text(node.root()));
    set("NODE_SHARED_DIR", text(&node.shared()));
    set("NODE_STARTUP_DIR", text(&node.startup()));
    set("NODE_MOUNTS_DIR", text(&node.mounts()));
    set("TASK_DIR", text(run.root()));
    set("TASK_WORKING_DIR", working);
    if let Role::Task { job, task } = &launch.role {
        let preparation = launch.preparation.as_deref();
        if let Some(preparation) = preparation.and_then(|id| node.task(job, id).ok()) {
            set("JOB_PREP_WORKING_DIR", text(&preparation.join("wd")));
            set("JOB_PREP_DIR", text(&preparation));
        }
        if let Some(instance) = &launch.instance {
            for (name, value) in team(instance) {
                set(name, value);
            }
            // Subtasks have theirs below it.
            if let Ok(shared) = node.task(job, task) {
                set("TASK_SHARED_DIR", text(&shared));
            }
        }
        set("JOB_ID", job.clone());
        set("TASK_ID", task.clone());
    }
    if let Some(instance) = &launch.instance {
        variables.insert("CCP_NODES".to_owned(), ccp_nodes(instance));
    }
    Ok(variables)
}

/// The port that the service names for the primary [doc]; nothing listens there unless the task does.
const PRIMARY_PORT: u16 = 6000;

/// What an instance learns of the others.
fn team(instance: &Instance) -> [(&'static str, String); 4] {
    let addresses: Vec<String> = instance.addresses.iter().map(ToString::to_string).collect();
    let primary = addresses.first().map_or("127.0.0.1", String::as_str);
    [
        ("NODE_LIST", addresses.join(";")),
        ("HOST_LIST", addresses.join(",")),
        ("MASTER_NODE", format!("{primary}:{PRIMARY_PORT}")),
        ("IS_CURRENT_NODE_MASTER", (instance.id == 0).to_string()),
    ]
}

/// How many nodes, then each with its cores: one, as all of them share this machine's.
fn ccp_nodes(instance: &Instance) -> String {
    let mut text = instance.addresses.len().to_string();
    for address in &instance.addresses {
        text.push_str(&format!(" {address} 1"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::service::core::effect::{NodeRef, RunId};
    use crate::wire::batch::command::EnvironmentSetting;

    const ACCOUNT: Account<'_> = Account {
        name: "acct",
        url: "http://127.0.0.1:1",
    };

    fn of(
        role: Role,
        settings: &[(&str, &str)],
    ) -> Result<BTreeMap<String, String>, InvalidSetting> {
        let node = NodeRef {
            pool: "p".into(),
            node: "n".into(),
        };
        let dirs = NodeDirectories::new(Path::new("/nodes"), &node).unwrap();
        let run = dirs.of(&role).unwrap();
        let launch = Launch {
            run: RunId(1),
            node,
            role,
            dedicated: true,
            command_line: String::new(),
            environment: settings
                .iter()
                .map(|(name, value)| EnvironmentSetting {
                    name: (*name).to_owned(),
                    value: Some((*value).to_owned()),
                })
                .collect(),
            resource_files: Vec::new(),
            preparation: None,
            output_files: Vec::new(),
            instance: None,
        };
        environment(&launch, ACCOUNT, &dirs, &run)
    }

    fn task() -> Role {
        Role::Task {
            job: "j".into(),
            task: "t".into(),
        }
    }

    #[test]
    fn a_task_sees_exactly_this() {
        let lines: Vec<_> = of(task(), &[("A", "1"), ("A", "2"), ("HOME", "/h")])
            .unwrap()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            lines,
            [
                "A=2",
                "AZ_BATCH_ACCOUNT_NAME=acct",
                "AZ_BATCH_ACCOUNT_URL=http://127.0.0.1:1",
                "AZ_BATCH_JOB_ID=j",
                "AZ_BATCH_NODE_ID=n",
                "AZ_BATCH_NODE_IS_DEDICATED=true",
                "AZ_BATCH_NODE_MOUNTS_DIR=/nodes/p/n/fsmounts",
                "AZ_BATCH_NODE_ROOT_DIR=/nodes/p/n",
                "AZ_BATCH_NODE_SHARED_DIR=/nodes/p/n/shared",
                "AZ_BATCH_NODE_STARTUP_DIR=/nodes/p/n/startup",
                "AZ_BATCH_POOL_ID=p",
                "AZ_BATCH_TASK_DIR=/nodes/p/n/workitems/j/job-1/t",
                "AZ_BATCH_TASK_ID=t",
                "AZ_BATCH_TASK_WORKING_DIR=/nodes/p/n/workitems/j/job-1/t/wd",
                "HOME=/h",
                "LANG=C.UTF-8",
                "LOGNAME=_azbatch",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "USER=_azbatch",
            ]
        );
    }

    #[test]
    fn a_start_task_has_no_task_id_and_nobody_sets_the_services_names() {
        let variables = of(
            Role::StartTask,
            &[("AZ_BATCH_TASK_DIR", "/etc"), ("AZ_BATCH_X", "1")],
        )
        .unwrap();
        assert_eq!(variables["AZ_BATCH_TASK_DIR"], "/nodes/p/n/startup");
        assert_eq!(variables["HOME"], "/nodes/p/n/startup/wd");
        for absent in ["AZ_BATCH_TASK_ID", "AZ_BATCH_JOB_ID", "AZ_BATCH_X"] {
            assert!(!variables.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn settings_that_are_no_variables() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            assert!(of(task(), &[(name, value)]).is_err(), "{name:?}={value:?}");
        }
    }
}
