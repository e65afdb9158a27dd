//! The pool against what the manifest asks. Compared is only what the manifest sets: what the service fills in
//! is not drift.

use serde::Serialize;

use super::action::{Action, FieldChange, Reason};
use super::asked::holds;
use super::options::Options;
use super::refused::Refused;
use crate::desired::{DIGEST_KEY, Desired, Input, InputSource, Pool as DesiredPool, Size};
use crate::observed::{Observed, owner};
use crate::wire::batch::command::{EnvironmentSetting, MetadataItem, ResourceFile, StartTask};
use crate::wire::batch::machine::ImageReference;
use crate::wire::batch::pool::{AllocationState, Pool, PoolCreate, PoolState};
use crate::wire::time::Time;

/// The pool step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolPlan {
    pub action: Action,
    pub reason: Reason,
    /// With `Update`: the target size changes.
    pub resize: bool,
    /// With `Update`: autoscale is switched on or off, or its formula changes.
    pub autoscale: bool,
    /// The node agent SKU it is made with.
    pub node_agent_sku: String,
    /// When Batch stops to support its image, where it is made and that is known.
    pub image_support_ends: Option<Time>,
    /// The account says that nobody tried its image with the node agent.
    pub image_is_unverified: bool,
}

pub(super) fn pool(
    desired: &Desired,
    observed: &Observed,
    awaits: bool,
    options: &Options,
) -> Result<PoolPlan, Refused> {
    let want = &desired.pool;
    let node_agent_sku = want
        .node_agent_sku
        .clone()
        .or_else(|| observed.node_agent_sku.clone())
        .unwrap_or_default();
    let plan = |action, reason, resize, autoscale| PoolPlan {
        action,
        reason,
        resize,
        autoscale,
        node_agent_sku: node_agent_sku.clone(),
        image_support_ends: observed.image_support_ends,
        image_is_unverified: observed.image_is_unverified,
    };
    if want.auto.is_some() {
        return Ok(plan(Action::Keep, Reason::GoesWithJob, false, false));
    }
    let Some(live) = &observed.pool else {
        return Ok(plan(Action::Create, Reason::Absent, false, false));
    };
    if live.state == PoolState::Deleting {
        return Ok(plan(Action::Create, Reason::BeingDeleted, false, false));
    }
    let mark = owner(&live.metadata);
    let adopted = mark.is_none() && options.adopt;
    let ours = mark == Some(&desired.name) || adopted;
    // What somebody else's pool costs is theirs to bound.
    let while_needed = want.while_needed.filter(|_| ours);
    let mut changes = differences(want, while_needed, live);
    if is_empty(live) {
        // No node was made in the old way, so there is none to replace.
        let patched = changes.iter_mut().filter(|c| is_patched(want, &c.field));
        patched.for_each(|c| c.forces_replacement = false);
    }
    if changes.is_empty() && !adopted {
        let called = while_needed.is_some_and(|size| awaits && lacks(live, size));
        return Ok(match called {
            true => plan(Action::Update, Reason::NodesGone, false, true),
            false => plan(Action::Keep, Reason::Matches, false, false),
        });
    }
    if !ours {
        return Err(Refused::NotOurs {
            kind: "pool",
            id: want.id.to_string(),
            owner: mark.map(str::to_owned),
            differs: Some(Reason::Differs(changes).to_string()),
        });
    }
    let replace = changes.iter().any(|c| c.forces_replacement);
    let targets = changes.iter().any(|c| c.field.starts_with("target_"));
    let resize = targets && while_needed.is_none();
    let autoscale =
        changes.iter().any(|c| is_scaling(&c.field)) || (targets && while_needed.is_some());
    let action = if replace {
        Action::Replace
    } else {
        Action::Update
    };
    let reason = if adopted {
        Reason::Adopted(changes)
    } else if digest(&live.metadata) == Some(want.digest.as_str()) {
        Reason::ChangedOutside(changes)
    } else {
        Reason::Differs(changes)
    };
    Ok(plan(
        action,
        reason,
        resize && !replace,
        autoscale && !replace,
    ))
}

/// Whether an apply patches the field of a pool without nodes. A patch cannot take a start task away.
fn is_patched(want: &DesiredPool, field: &str) -> bool {
    match field.split('.').next().unwrap_or_default() {
        "start_task" => want.template.start_task.is_some(),
        "vm_size" | "image" | "node_agent_sku_id" => true,
        "task_slots_per_node" | "enable_inter_node_communication" => true,
        field => field == "task_scheduling_policy",
    }
}

/// Whether the formula has let nodes go.
fn lacks(live: &Pool, size: Size) -> bool {
    live.target_dedicated_nodes.unwrap_or(0) < size.dedicated
        || live.target_low_priority_nodes.unwrap_or(0) < size.low_priority
}

fn is_scaling(field: &str) -> bool {
    field.contains("auto_scale") || field == KEEP_IDLE_NODES
}

const KEEP_IDLE_NODES: &str = "keep_idle_nodes";

/// Whether there are neither nodes nor any on their way: then the service takes a change of every property.
fn is_empty(live: &Pool) -> bool {
    let targets = [live.target_dedicated_nodes, live.target_low_priority_nodes];
    live.current_dedicated_nodes == 0
        && live.current_low_priority_nodes == 0
        && targets.iter().all(|t| t.unwrap_or(0) == 0)
        && live.enable_auto_scale != Some(true)
        && live.allocation_state == Some(AllocationState::Steady)
}

/// The digest of what was asked for when the resource was made or last changed by an apply.
pub(super) fn digest(metadata: &[MetadataItem]) -> Option<&str> {
    let digest = metadata.iter().find(|m| m.name == DIGEST_KEY);
    digest.map(|m| m.value.as_str())
}

fn differences(pool: &DesiredPool, while_needed: Option<Size>, live: &Pool) -> Vec<FieldChange> {
    let want = &pool.template;
    let node_agent_sku = pool.node_agent_sku.as_deref();
    let mut found = Differences(Vec::new());
    found.text("vm_size", &want.vm_size, &live.vm_size, true);
    let live_vm = live.virtual_machine_configuration.as_deref();
    if let Some(vm) = &want.virtual_machine_configuration {
        let live_image = live_vm.map(|v| &v.image_reference);
        found.image(&vm.image_reference, live_image);
        if let (Some(want), Some(live)) = (node_agent_sku, live_vm) {
            found.text("node_agent_sku_id", want, &live.node_agent_sku_id, true);
        }
    }
    found.scaling(want, while_needed, live);
    found.number(
        "task_slots_per_node",
        want.task_slots_per_node,
        live.task_slots_per_node,
        true,
    );
    if let Some(want) = want.enable_inter_node_communication {
        let live = live.enable_inter_node_communication.unwrap_or(false);
        found.compare("enable_inter_node_communication", &want, &live, true);
    }
    if let Some(want) = &want.task_scheduling_policy {
        let live = live
            .task_scheduling_policy
            .as_ref()
            .map(|p| p.node_fill_type);
        if live != Some(want.node_fill_type) {
            let before = live.map_or_else(String::new, |l| l.to_string());
            found.push(
                "task_scheduling_policy.node_fill_type",
                before,
                want.node_fill_type.to_string(),
                true,
            );
        }
    }
    found.rest(want, live);
    found.start_task(
        want.start_task.as_deref(),
        &pool.start_task_inputs,
        live.start_task.as_deref(),
    );
    found.0
}

struct Differences(Vec<FieldChange>);

impl Differences {
    fn push(&mut self, field: &str, before: String, after: String, forces_replacement: bool) {
        self.0.push(FieldChange {
            field: field.to_owned(),
            before,
            after,
            forces_replacement,
        });
    }

    fn compare<T: PartialEq + std::fmt::Display>(
        &mut self,
        field: &str,
        want: &T,
        live: &T,
        replaces: bool,
    ) {
        if want != live {
            self.push(field, live.to_string(), want.to_string(), replaces);
        }
    }

    /// Azure's own values come back in other cases.
    fn text(&mut self, field: &str, want: &str, live: &str, replaces: bool) {
        if !want.eq_ignore_ascii_case(live) {
            self.push(field, format!("{live:?}"), format!("{want:?}"), replaces);
        }
    }

    /// What the manifest leaves out is the service's to choose.
    fn number(&mut self, field: &str, want: Option<i32>, live: Option<i32>, replaces: bool) {
        if let Some(want) = want
            && live != Some(want)
        {
            let before = live.map_or_else(String::new, |l| l.to_string());
            self.push(field, before, want.to_string(), replaces);
        }
    }

    fn image(&mut self, want: &ImageReference, live: Option<&ImageReference>) {
        let fields = [
            ("publisher", &want.publisher, live.map(|l| &l.publisher)),
            ("offer", &want.offer, live.map(|l| &l.offer)),
            ("sku", &want.sku, live.map(|l| &l.sku)),
            ("version", &want.version, live.map(|l| &l.version)),
            (
                "virtual_machine_image_id",
                &want.virtual_machine_image_id,
                live.map(|l| &l.virtual_machine_image_id),
            ),
        ];
        for (name, want, live) in fields {
            if let Some(want) = want {
                let live = live.and_then(Option::as_deref).unwrap_or("");
                self.text(&format!("image.{name}"), want, live, true);
            }
        }
    }

    /// What is only compared as a whole. Nodes that are there would not change with it.
    fn rest(&mut self, want: &PoolCreate, live: &Pool) {
        let (Some(wanted), Some(existing)) = (
            &want.virtual_machine_configuration,
            &live.virtual_machine_configuration,
        ) else {
            return;
        };
        let same = [
            (
                "network_configuration",
                holds(&live.network_configuration, &want.network_configuration),
            ),
            (
                "user_accounts",
                holds(&live.user_accounts, &want.user_accounts),
            ),
            (
                "mount_configuration",
                holds(&live.mount_configuration, &want.mount_configuration),
            ),
            (
                "application_package_references",
                holds(
                    &live.application_package_references,
                    &want.application_package_references,
                ),
            ),
            (
                "container_configuration",
                holds(
                    &existing.container_configuration,
                    &wanted.container_configuration,
                ),
            ),
            (
                "data_disks",
                holds(&existing.data_disks, &wanted.data_disks),
            ),
            (
                "extensions",
                holds(&existing.extensions, &wanted.extensions),
            ),
            (
                "node_placement_configuration",
                holds(
                    &existing.node_placement_configuration,
                    &wanted.node_placement_configuration,
                ),
            ),
            (
                "disk_encryption_configuration",
                holds(
                    &existing.disk_encryption_configuration,
                    &wanted.disk_encryption_configuration,
                ),
            ),
            (
                "license_type",
                holds(&existing.license_type, &wanted.license_type),
            ),
        ];
        for (field, _) in same.into_iter().filter(|(_, same)| !same) {
            self.push(field, "other".into(), "as in the manifest".into(), true);
        }
    }

    /// Nodes that are there while they are needed are compared by the numbers in the formula.
    fn scaling(&mut self, want: &PoolCreate, while_needed: Option<Size>, live: &Pool) {
        let formula = live.auto_scale_formula.as_deref();
        let formula = formula.filter(|_| live.enable_auto_scale == Some(true));
        let in_formula = formula.and_then(Size::in_formula);
        let targets = match (while_needed, in_formula, want.enable_auto_scale) {
            (Some(_), Some(size), _) => (Some(size.dedicated), Some(size.low_priority)),
            (None, Some(size), None) => {
                self.push(KEEP_IDLE_NODES, "false".into(), "true".into(), false);
                (Some(size.dedicated), Some(size.low_priority))
            }
            (Some(_), None, _) if formula.is_none() => {
                self.push(KEEP_IDLE_NODES, "true".into(), "false".into(), false);
                (live.target_dedicated_nodes, live.target_low_priority_nodes)
            }
            (Some(_), None, _) => {
                let after = "nodes while needed".into();
                return self.push("auto_scale_formula", "other".into(), after, false);
            }
            (None, ..) => {
                self.autoscale(want, live);
                (live.target_dedicated_nodes, live.target_low_priority_nodes)
            }
        };
        let wanted = (want.target_dedicated_nodes, want.target_low_priority_nodes);
        self.number("target_dedicated_nodes", wanted.0, targets.0, false);
        self.number("target_low_priority_nodes", wanted.1, targets.1, false);
    }

    fn autoscale(&mut self, want: &PoolCreate, live: &Pool) {
        let is_on = want.enable_auto_scale.unwrap_or(false);
        let was_on = live.enable_auto_scale.unwrap_or(false);
        self.compare("enable_auto_scale", &is_on, &was_on, false);
        if !(is_on && was_on) {
            return;
        }
        let text = |formula: &Option<String>| formula.clone().unwrap_or_default().trim().to_owned();
        if text(&want.auto_scale_formula) != text(&live.auto_scale_formula) {
            self.push(
                "auto_scale_formula",
                "other".into(),
                "as in the manifest".into(),
                false,
            );
        }
        if let Some(interval) = want.auto_scale_evaluation_interval
            && live.auto_scale_evaluation_interval != Some(interval)
        {
            let before = live.auto_scale_evaluation_interval;
            self.push(
                "auto_scale_evaluation_interval",
                before.map_or_else(String::new, |i| i.to_string()),
                interval.to_string(),
                false,
            );
        }
    }

    /// A start task runs when a node joins: nodes that ran another one have to go.
    fn start_task(&mut self, want: Option<&StartTask>, inputs: &[Input], live: Option<&StartTask>) {
        let (want, live) = match (want, live) {
            (None, None) => return,
            (Some(want), Some(live)) => (want, live),
            (want, _) => {
                let word = |there: bool| if there { "present" } else { "absent" }.to_owned();
                return self.push(
                    "start_task",
                    word(want.is_none()),
                    word(want.is_some()),
                    true,
                );
            }
        };
        self.text_exactly(
            "start_task.command_line",
            &want.command_line,
            &live.command_line,
        );
        if environment(&want.environment_settings) != environment(&live.environment_settings) {
            self.push(
                "start_task.environment_settings",
                "other".into(),
                "as in the manifest".into(),
                true,
            );
        }
        let wanted: Vec<_> = inputs.iter().map(wanted_file).collect();
        let existing: Vec<_> = live.resource_files.iter().map(existing_file).collect();
        let same = wanted.len() == existing.len()
            && wanted.iter().zip(&existing).all(|(w, e)| w.matches(e));
        if !same {
            self.push(
                "start_task.resource_files",
                "other".into(),
                "as in the manifest".into(),
                true,
            );
        }
        if let Some(want) = want.max_task_retry_count {
            self.compare(
                "start_task.max_task_retry_count",
                &want,
                &live.max_task_retry_count.unwrap_or(0),
                true,
            );
        }
        if let Some(want) = want.wait_for_success {
            self.compare(
                "start_task.wait_for_success",
                &want,
                &live.wait_for_success.unwrap_or(true),
                true,
            );
        }
    }

    fn text_exactly(&mut self, field: &str, want: &str, live: &str) {
        if want != live {
            self.push(field, format!("{live:?}"), format!("{want:?}"), true);
        }
    }
}

fn environment(settings: &[EnvironmentSetting]) -> std::collections::BTreeMap<&str, &str> {
    settings
        .iter()
        .map(|s| (s.name.as_str(), s.value.as_deref().unwrap_or("")))
        .collect()
}

/// A resource file without what changes from run to run: host and SAS.
struct FileKey {
    /// Ends the path of the URL.
    location: String,
    prefix: Option<String>,
    file_path: Option<String>,
    identity: Option<String>,
}

impl FileKey {
    fn matches(&self, live: &Self) -> bool {
        live.location.ends_with(&self.location)
            && self.prefix == live.prefix
            && self.file_path == live.file_path
            && same_resource(self.identity.as_deref(), live.identity.as_deref())
    }
}

/// Resource ids are the same in any case.
fn same_resource(a: Option<&str>, b: Option<&str>) -> bool {
    a.unwrap_or_default()
        .eq_ignore_ascii_case(b.unwrap_or_default())
}

fn wanted_file(input: &Input) -> FileKey {
    let (location, prefix) = match &input.source {
        InputSource::Container { container, prefix } => (format!("/{container}"), prefix.clone()),
        InputSource::Blob { container, blob } => (format!("/{container}/{blob}"), None),
        InputSource::Url(url) => (without_query(url), None),
    };
    FileKey {
        location,
        prefix,
        file_path: input.file_path.clone(),
        identity: input.identity.clone(),
    }
}

fn existing_file(file: &ResourceFile) -> FileKey {
    let url = file
        .storage_container_url
        .as_deref()
        .or(file.http_url.as_deref());
    FileKey {
        location: without_query(url.unwrap_or_default()),
        prefix: file.blob_prefix.clone(),
        file_path: file.file_path.clone(),
        identity: file
            .identity_reference
            .as_ref()
            .and_then(|identity| identity.resource_id.clone()),
    }
}

fn without_query(url: &str) -> String {
    let path = url
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .into_owned()
}
