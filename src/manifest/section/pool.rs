//! `[pool]`: the nodes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::auto_pool::RawAutoPool;
use super::machine::{
    self, RawContainers, RawDataDisk, RawDiskEncryption, RawExtension, RawPackage, RawPlacement,
};
use super::mounts::{RawIdentity, RawMount};
use super::network::RawNetwork;
use super::start_task::{RawStartTask, StartTask};
use super::users::{self, RawUserAccount};
use super::words::words;
use crate::diagnostic::{Diagnostic, codes};
use crate::ids::PoolId;
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::command::{ApplicationPackageReference, UserAccount};
use crate::wire::batch::machine::{
    ContainerConfiguration, DataDisk, DiskEncryptionConfiguration, NodePlacementConfiguration,
    VMExtension,
};
use crate::wire::batch::network::{MountConfiguration, NetworkConfiguration};
use crate::wire::batch::pool::{JobDefaultOrder, PoolLifetimeOption};

/// The nodes that tasks run on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "pool")]
pub(in crate::manifest) struct RawPool {
    /// 1 to 64 letters, digits, `-` and `_`.
    id: At<String>,
    /// A name for people.
    display_name: Option<At<String>>,
    /// The size of the virtual machines, such as `Standard_D2s_v5`.
    vm_size: At<String>,
    /// How many dedicated nodes; default 0.
    #[schemars(range(min = 0))]
    target_dedicated_nodes: Option<At<i32>>,
    /// How many spot nodes, which are cheaper and may be taken away; default 0.
    #[schemars(range(min = 0))]
    target_low_priority_nodes: Option<At<i32>>,
    /// Sets the number of nodes by what it measures, instead of the two targets. `batchflow autoscale check` tries it.
    #[schemars(extend("x-limit" = "8192 bytes, 100 statements"))]
    auto_scale_formula: Option<At<String>>,
    /// How often the formula is evaluated; default `15m`.
    #[schemars(extend("x-limit" = "5 minutes to 7 days"))]
    auto_scale_evaluation_interval: Option<At<String>>,
    /// Whether nodes stay when there is no work, and cost money until somebody deletes the pool; default false. Else
    /// they go after 10 minutes without work, and come back with the next tasks.
    keep_idle_nodes: Option<At<bool>>,
    /// Nodes read and write the containers of the manifest as this managed identity, instead of with signed URLs. The
    /// pool must have it, and it the role *Storage Blob Data Contributor*.
    identity_reference: Option<RawIdentity>,
    /// How many tasks a node runs at once; default 1.
    #[schemars(range(min = 1, max = 256))]
    task_slots_per_node: Option<i32>,
    /// What the nodes run.
    image: At<RawImage>,
    /// The node agent for the image; looked up among the images that the account verifies when it is left out.
    node_agent_sku_id: Option<At<String>>,
    /// Makes it an auto pool.
    pub(super) auto_pool: Option<At<RawAutoPool>>,
    /// How long allocation may take where `keep_idle_nodes` is true; default `15m`. A pool that is sized by a formula
    /// tries again at each evaluation.
    #[schemars(extend("x-limit" = "at least 5 minutes"))]
    resize_timeout: Option<At<String>>,
    /// Whether nodes can reach each other; default false.
    enable_inter_node_communication: Option<bool>,
    /// How tasks spread over nodes.
    task_scheduling_policy: Option<RawTaskSchedulingPolicy>,
    /// The subnet, public addresses and opened ports of the nodes.
    network_configuration: Option<RawNetwork>,
    /// Named users on every node.
    #[serde(default)]
    user_accounts: Vec<At<RawUserAccount>>,
    /// File systems that every node mounts.
    #[serde(default)]
    #[schemars(length(max = 10))]
    mount_configuration: Vec<At<RawMount>>,
    /// The container runtime of the nodes, and the images they hold from the start.
    container_configuration: Option<RawContainers>,
    /// Empty disks attached to each node; the start task formats and mounts them.
    #[serde(default)]
    data_disks: Vec<RawDataDisk>,
    /// Extensions of the virtual machines.
    #[serde(default)]
    extensions: Vec<At<RawExtension>>,
    /// Packages of the account that every node unpacks.
    #[serde(default)]
    #[schemars(length(max = 10))]
    application_package_references: Vec<RawPackage>,
    /// Where in the region the nodes are.
    node_placement_configuration: Option<RawPlacement>,
    /// Which disks of the nodes are encrypted.
    disk_encryption_configuration: Option<RawDiskEncryption>,
    /// A Windows licence of your own: `Windows_Server` or `Windows_Client`.
    license_type: Option<At<String>>,
    /// Names and values kept with the pool.
    #[serde(default)]
    metadata: BTreeMap<At<String>, At<String>>,
    /// What runs on each node before it takes tasks.
    start_task: Option<At<RawStartTask>>,
}

/// A marketplace image, or an image of your own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "image")]
pub(in crate::manifest) struct RawImage {
    /// Such as `canonical`.
    publisher: Option<At<String>>,
    /// Such as `ubuntu-24_04-lts`.
    offer: Option<At<String>>,
    /// Such as `server`.
    sku: Option<At<String>>,
    /// Default `latest`.
    version: Option<At<String>>,
    /// The resource id of a managed image or of an image in a compute gallery.
    virtual_machine_image_id: Option<At<String>>,
}

/// How tasks spread over nodes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "task_scheduling_policy")]
pub(in crate::manifest) struct RawTaskSchedulingPolicy {
    /// `spread` over all nodes, or `pack` one node after the other.
    node_fill_type: NodeFillType,
    /// How jobs of one priority are ordered: `none`, or `creation_time`. Default `none`.
    job_default_order: Option<JobOrder>,
}

/// How tasks spread over nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "node_fill_type")]
pub enum NodeFillType {
    Spread,
    Pack,
}

words! {
    /// How jobs of one priority are ordered.
    JobOrder as "job_default_order" => JobDefaultOrder {
        None = "none",
        CreationTime = "creation_time",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    Marketplace {
        publisher: At<String>,
        offer: At<String>,
        sku: At<String>,
        version: Option<At<String>>,
    },
    Custom {
        virtual_machine_image_id: At<String>,
    },
}

/// The parts of a pool that need no more than a check of their own.
#[derive(Debug, Clone)]
pub struct Machine {
    pub network_configuration: Option<NetworkConfiguration>,
    pub user_accounts: Vec<UserAccount>,
    pub mount_configuration: Vec<MountConfiguration>,
    pub container_configuration: Option<ContainerConfiguration>,
    pub data_disks: Vec<DataDisk>,
    pub extensions: Vec<VMExtension>,
    pub application_package_references: Vec<ApplicationPackageReference>,
    pub node_placement_configuration: Option<NodePlacementConfiguration>,
    pub disk_encryption_configuration: Option<DiskEncryptionConfiguration>,
    pub license_type: Option<String>,
}

/// A pool that sizes itself.
#[derive(Debug, Clone)]
pub struct AutoScale {
    pub formula: At<String>,
    /// None: the service's own.
    pub evaluation_interval: Option<At<Duration>>,
}

#[derive(Debug, Clone)]
pub struct Pool {
    pub id: At<PoolId>,
    pub display_name: Option<String>,
    pub vm_size: At<String>,
    pub target_dedicated_nodes: i32,
    pub target_low_priority_nodes: i32,
    /// Instead of the targets.
    pub auto_scale: Option<AutoScale>,
    pub keep_idle_nodes: bool,
    /// The resource id of the managed identity that nodes use for storage.
    pub identity: Option<String>,
    pub task_slots_per_node: Option<i32>,
    pub image: Image,
    pub image_span: Range<usize>,
    /// None: to be looked up by the image.
    pub node_agent_sku_id: Option<At<String>>,
    /// Some: the service makes it with the job.
    pub auto_pool: Option<PoolLifetimeOption>,
    pub resize_timeout: Option<At<Duration>>,
    pub enable_inter_node_communication: Option<bool>,
    pub node_fill_type: Option<NodeFillType>,
    pub job_default_order: Option<JobDefaultOrder>,
    /// What is said of the nodes in the words of the REST API.
    pub machine: Machine,
    pub metadata: BTreeMap<String, String>,
    pub start_task: Option<StartTask>,
    pub span: Range<usize>,
}

const LEAST_RESIZE_TIMEOUT: Duration = Duration::from_secs(300);
/// 5 minutes to 168 hours.
const EVALUATION_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(300)..=Duration::from_secs(168 * 3600);

impl RawPool {
    pub(in crate::manifest) fn check(raw: &At<Self>, checker: &mut Checker<'_>) -> Option<Pool> {
        let pool = &raw.value;
        let id = checker.name(&pool.id, codes::INVALID_ID, PoolId::new);
        if let (Some(keep), Some(auto)) = (&pool.keep_idle_nodes, &pool.auto_pool) {
            checker.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`keep_idle_nodes` and `auto_pool` exclude each other",
                )
                .label(keep.span.clone(), "it goes when its job is over")
                .label(auto.span.clone(), "an auto pool"),
            );
        }
        let auto_pool = pool.auto_pool.as_ref();
        let auto_pool = auto_pool.map(|auto| auto.value.check(id.as_ref(), checker));
        let vm_size = checker.text(&pool.vm_size);
        let node_agent_sku_id = checker.opt_text(pool.node_agent_sku_id.as_ref());
        let image =
            pool.image
                .value
                .check(&pool.image.span, pool.node_agent_sku_id.is_some(), checker);
        let dedicated = pool.target_dedicated_nodes.as_ref().map_or(0, |n| n.value);
        let low_priority = pool
            .target_low_priority_nodes
            .as_ref()
            .map_or(0, |n| n.value);
        let auto_scale = pool.auto_scale(checker);
        if pool.auto_scale_formula.is_none() && dedicated == 0 && low_priority == 0 && checker.whole
        {
            let span = [
                &pool.target_dedicated_nodes,
                &pool.target_low_priority_nodes,
            ]
            .into_iter()
            .flatten()
            .next()
            .map_or(&raw.span, |n| &n.span);
            checker.report(
                Diagnostic::error(
                    codes::NO_NODES,
                    "this pool has no nodes: its tasks would never run",
                )
                .label(span.clone(), "no nodes")
                .help(
                    "set `target_dedicated_nodes` or `target_low_priority_nodes` to 1 or more, or an \
                     `auto_scale_formula`",
                ),
            );
        }
        let resize_timeout = checker.duration(pool.resize_timeout.as_ref());
        if let Some(timeout) = resize_timeout
            .as_ref()
            .filter(|t| t.value < LEAST_RESIZE_TIMEOUT)
        {
            checker.error(
                codes::OUT_OF_RANGE,
                "`pool.resize_timeout` is out of range",
                &timeout.span,
                "at least 5 minutes",
            );
        }
        let start_task = pool
            .start_task
            .as_ref()
            .map(|task| RawStartTask::check(task, checker));
        let display_name = checker
            .opt_text(pool.display_name.as_ref())
            .map(|n| n.value);
        let metadata = checker.metadata(&pool.metadata, false);
        let machine = pool.machine(checker);
        Some(Pool {
            id: id?,
            display_name,
            vm_size: vm_size?,
            target_dedicated_nodes: dedicated,
            target_low_priority_nodes: low_priority,
            auto_scale,
            keep_idle_nodes: pool.keep_idle_nodes.as_ref().is_some_and(|k| k.value),
            identity: RawIdentity::id(pool.identity_reference.as_ref(), checker),
            task_slots_per_node: pool.task_slots_per_node,
            image: image?,
            image_span: pool.image.span.clone(),
            node_agent_sku_id,
            auto_pool,
            resize_timeout,
            enable_inter_node_communication: pool.enable_inter_node_communication,
            node_fill_type: pool
                .task_scheduling_policy
                .as_ref()
                .map(|p| p.node_fill_type),
            job_default_order: pool
                .task_scheduling_policy
                .as_ref()
                .and_then(|p| p.job_default_order)
                .map(Into::into),
            machine: machine?,
            metadata,
            start_task: match start_task {
                Some(task) => Some(task?),
                None => None,
            },
            span: raw.span.clone(),
        })
    }

    fn machine(&self, checker: &mut Checker<'_>) -> Option<Machine> {
        let network = self.network_configuration.as_ref();
        let network_configuration = network.map(|n| n.check(checker));
        let user_accounts = users::check(&self.user_accounts, checker);
        let mounts = self.mount_configuration.iter();
        let mount_configuration: Vec<Option<_>> =
            mounts.map(|m| RawMount::check(m, checker)).collect();
        let containers = self.container_configuration.as_ref();
        let extensions = self.extensions.iter();
        let extensions: Vec<Option<_>> = extensions.map(|e| e.value.check(checker)).collect();
        let packages = self.application_package_references.iter();
        let packages: Vec<Option<_>> = packages.map(|p| p.check(checker)).collect();
        let encryption = self.disk_encryption_configuration.as_ref();
        Some(Machine {
            network_configuration,
            user_accounts,
            mount_configuration: mount_configuration.into_iter().collect::<Option<_>>()?,
            container_configuration: containers.map(|c| c.check(checker)),
            data_disks: machine::disks(&self.data_disks, checker),
            extensions: extensions.into_iter().collect::<Option<_>>()?,
            application_package_references: packages.into_iter().collect::<Option<_>>()?,
            node_placement_configuration: self.node_placement_configuration.as_ref().map(|p| {
                NodePlacementConfiguration {
                    policy: Some(p.policy.into()),
                }
            }),
            disk_encryption_configuration: encryption.map(|e| DiskEncryptionConfiguration {
                customer_managed_key: None,
                targets: e.targets.iter().map(|t| (*t).into()).collect(),
            }),
            license_type: checker.opt_string(self.license_type.as_ref()),
        })
    }

    fn auto_scale(&self, checker: &mut Checker<'_>) -> Option<AutoScale> {
        let interval = checker.duration(self.auto_scale_evaluation_interval.as_ref());
        if let Some(interval) = interval
            .as_ref()
            .filter(|i| !EVALUATION_INTERVALS.contains(&i.value))
        {
            checker.error(
                codes::OUT_OF_RANGE,
                "`pool.auto_scale_evaluation_interval` is out of range",
                &interval.span,
                "allowed: 5 minutes to 7 days",
            );
        }
        let Some(raw) = &self.auto_scale_formula else {
            if let Some(interval) = &self.auto_scale_evaluation_interval {
                checker.error(
                    codes::MISSING_KEY,
                    "there is no formula to evaluate",
                    &interval.span,
                    "goes with `auto_scale_formula`",
                );
            }
            return None;
        };
        if let Some(keep) = &self.keep_idle_nodes {
            checker.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`keep_idle_nodes` and `auto_scale_formula` exclude each other",
                )
                .label(keep.span.clone(), "the formula says which nodes stay")
                .label(raw.span.clone(), "the formula"),
            );
        }
        for (name, target) in [
            ("target_dedicated_nodes", &self.target_dedicated_nodes),
            ("target_low_priority_nodes", &self.target_low_priority_nodes),
        ] {
            if let Some(target) = target {
                checker.report(
                    Diagnostic::error(
                        codes::CONFLICTING_KEYS,
                        format!("`{name}` and `auto_scale_formula` exclude each other"),
                    )
                    .label(target.span.clone(), "the formula sets the targets")
                    .label(raw.span.clone(), "the formula"),
                );
            }
        }
        let formula = checker.text(raw)?;
        checker.formula(&formula, raw);
        Some(AutoScale {
            formula,
            evaluation_interval: interval,
        })
    }
}

impl RawImage {
    fn check(
        &self,
        span: &Range<usize>,
        has_agent: bool,
        checker: &mut Checker<'_>,
    ) -> Option<Image> {
        if let Some(id) = &self.virtual_machine_image_id {
            if let Some(other) = [&self.publisher, &self.offer, &self.sku, &self.version]
                .into_iter()
                .flatten()
                .next()
            {
                checker.report(
                    Diagnostic::error(
                        codes::CONFLICTING_KEYS,
                        "a marketplace image and an image of your own exclude each other",
                    )
                    .label(other.span.clone(), "part of a marketplace image")
                    .label(id.span.clone(), "an image of your own"),
                );
                return None;
            }
            if !has_agent {
                checker.error(
                    codes::MISSING_KEY,
                    "an image of your own needs its node agent named",
                    span,
                    "set `pool.node_agent_sku_id`, such as \"batch.node.ubuntu 24.04\"",
                );
            }
            return checker
                .text(id)
                .map(|virtual_machine_image_id| Image::Custom {
                    virtual_machine_image_id,
                });
        }
        for (name, value) in [
            ("publisher", &self.publisher),
            ("offer", &self.offer),
            ("sku", &self.sku),
        ] {
            if value.is_none() {
                checker.error(
                    codes::MISSING_KEY,
                    format!("the key `{name}` is missing in `pool.image`"),
                    span,
                    &format!("`{name}` must be set here"),
                );
            }
        }
        let publisher = checker.opt_text(self.publisher.as_ref());
        let offer = checker.opt_text(self.offer.as_ref());
        let sku = checker.opt_text(self.sku.as_ref());
        let version = checker.opt_text(self.version.as_ref());
        Some(Image::Marketplace {
            publisher: publisher?,
            offer: offer?,
            sku: sku?,
            version,
        })
    }
}
