//! `[containers.NAME]`: the blob containers of a workload.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::codes;
use crate::ids::ContainerName;
use crate::manifest::at::At;
use crate::manifest::check::Checker;

/// One blob container; its name is the key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "container")]
pub(in crate::manifest) struct RawContainer {
    /// Names and values kept with the container.
    #[serde(default)]
    metadata: BTreeMap<At<String>, At<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub name: At<ContainerName>,
    pub metadata: BTreeMap<String, String>,
}

pub(in crate::manifest) fn check(
    raw: &BTreeMap<At<String>, RawContainer>,
    checker: &mut Checker<'_>,
) -> Vec<Container> {
    let mut containers = Vec::new();
    for (key, container) in raw {
        checker.declare_container(&key.value);
        let metadata = checker.metadata(&container.metadata, true);
        match ContainerName::new(key.value.clone()) {
            Ok(name) => containers.push(Container {
                name: key.with(name),
                metadata,
            }),
            Err(invalid) => checker.report(
                crate::diagnostic::Diagnostic::error(
                    codes::INVALID_CONTAINER_NAME,
                    invalid.message,
                )
                .label(key.span.clone(), "not allowed")
                .help(invalid.help),
            ),
        }
    }
    containers
}
