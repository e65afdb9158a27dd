//! `[pool.network_configuration]`: the subnet, public addresses and opened ports of the nodes.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::words;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::network as wire;

/// The subnet, public addresses and opened ports of the nodes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "network_configuration")]
pub(in crate::manifest) struct RawNetwork {
    /// The resource id of the subnet the nodes are in.
    subnet_id: Option<At<String>>,
    /// Whether jobs bring a network of their own; default `none`.
    dynamic_vnet_assignment_scope: Option<VnetScope>,
    /// Ports of the nodes that are opened to the outside.
    endpoint_configuration: Option<RawEndpoints>,
    /// The public addresses of the nodes.
    public_ip_address_configuration: Option<RawPublicIp>,
    /// Whether nodes use accelerated networking; default false.
    enable_accelerated_networking: Option<bool>,
}

words! {
    /// Whether jobs bring a network of their own.
    VnetScope as "dynamic_vnet_assignment_scope" => wire::DynamicVNetAssignmentScope {
        None = "none",
        Job = "job",
    }
}

/// Ports of the nodes that are opened to the outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "endpoint_configuration")]
pub(in crate::manifest) struct RawEndpoints {
    /// One for each port.
    #[schemars(length(min = 1, max = 5))]
    inbound_nat_pools: Vec<At<RawNatPool>>,
}

/// One port of every node, reached from outside by a port of its own for each node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "inbound_nat_pool")]
pub(in crate::manifest) struct RawNatPool {
    /// Unique in the pool.
    #[schemars(extend("x-limit" = "1 to 77 characters"))]
    name: At<String>,
    /// The protocol.
    protocol: Protocol,
    /// The port on the node.
    #[schemars(range(min = 1, max = 65535), extend("x-limit" = "1 to 65535, not 29876 or 29877"))]
    backend_port: At<i32>,
    /// The first port outside.
    #[schemars(range(min = 1, max = 65534), extend("x-limit" = "1 to 65534, not 50000 to 55000"))]
    frontend_port_range_start: At<i32>,
    /// The last port outside.
    #[schemars(range(min = 1, max = 65534), extend("x-limit" = "at least 40 ports with the first"))]
    frontend_port_range_end: At<i32>,
    /// Who may reach the port.
    #[serde(default)]
    #[schemars(extend("x-limit" = "25 in all of the pool"))]
    network_security_group_rules: Vec<RawRule>,
}

words! {
    /// Protocol of an opened port.
    Protocol as "inbound_endpoint_protocol" => wire::InboundEndpointProtocol {
        Tcp = "tcp",
        Udp = "udp",
    }
}

/// Who may reach an opened port.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "network_security_group_rule")]
pub(in crate::manifest) struct RawRule {
    /// The lowest number counts first.
    #[schemars(range(min = 150, max = 4096))]
    priority: i32,
    /// What becomes of those it is about.
    access: Access,
    /// An address, a range such as `10.0.0.0/8`, a service tag, or `*`.
    source_address_prefix: At<String>,
    /// Ports they come from, such as `22` or `1000-2000`; default `*`.
    #[serde(default)]
    source_port_ranges: Vec<At<String>>,
}

words! {
    /// What a rule does.
    Access as "network_security_group_rule_access" => wire::NetworkSecurityGroupRuleAccess {
        Allow = "allow",
        Deny = "deny",
    }
}

/// The public addresses of the nodes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "public_ip_address_configuration")]
pub(in crate::manifest) struct RawPublicIp {
    /// Who makes the addresses; default `batch_managed`.
    provision: Option<At<Provision>>,
    /// Resource ids of public addresses, with `user_managed`. Each is enough for 100 nodes.
    #[serde(default)]
    ip_address_ids: Vec<At<String>>,
    /// Versions of the internet protocol; default `ipv4` alone.
    #[serde(default)]
    ip_families: Vec<IpFamily>,
    /// Tags of the addresses.
    #[serde(default)]
    ip_tags: Vec<RawIpTag>,
}

words! {
    /// Who makes the public addresses.
    Provision as "ip_address_provisioning_type" => wire::IpAddressProvisioningType {
        BatchManaged = "batch_managed",
        UserManaged = "user_managed",
        NoPublicIpAddresses = "no_public_ip_addresses",
    }
}

words! {
    /// A version of the internet protocol.
    IpFamily as "ip_family" => wire::IPFamily {
        Ipv4 = "ipv4",
        Ipv6 = "ipv6",
    }
}

/// A tag of a public address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ip_tag")]
pub(in crate::manifest) struct RawIpTag {
    /// Such as `FirstPartyUsage`.
    ip_tag_type: At<String>,
    /// Its value.
    tag: At<String>,
}

/// Ports that the service keeps for itself.
const RESERVED: [i32; 2] = [29876, 29877];
const RESERVED_FRONTEND: RangeInclusive<i32> = 50000..=55000;
const LEAST_FRONTEND: i32 = 40;
const MOST_RULES: usize = 25;
const LONGEST_NAME: usize = 77;

impl RawNetwork {
    pub(super) fn check(&self, checker: &mut Checker<'_>) -> wire::NetworkConfiguration {
        let endpoints = self.endpoint_configuration.as_ref();
        wire::NetworkConfiguration {
            subnet_id: checker.opt_string(self.subnet_id.as_ref()),
            dynamic_vnet_assignment_scope: self.dynamic_vnet_assignment_scope.map(Into::into),
            endpoint_configuration: endpoints.map(|e| e.check(checker)),
            public_ip_address_configuration: self
                .public_ip_address_configuration
                .as_ref()
                .map(|p| p.check(checker)),
            enable_accelerated_networking: self.enable_accelerated_networking,
        }
    }
}

impl RawEndpoints {
    fn check(&self, checker: &mut Checker<'_>) -> wire::PoolEndpointConfiguration {
        let mut checked: Vec<(wire::InboundNatPool, &At<RawNatPool>)> = Vec::new();
        let mut rules = 0;
        for raw in &self.inbound_nat_pools {
            let Some(pool) = raw.value.check(checker) else {
                continue;
            };
            for (other, first) in &checked {
                let apart = other.frontend_port_range_end < pool.frontend_port_range_start
                    || pool.frontend_port_range_end < other.frontend_port_range_start;
                let problem = if other.name.eq_ignore_ascii_case(&pool.name) {
                    (codes::DUPLICATE_NAME, "two opened ports have one name")
                } else if !apart {
                    (
                        codes::OUT_OF_RANGE,
                        "the frontend ports of two opened ports overlap",
                    )
                } else {
                    continue;
                };
                checker.report(
                    Diagnostic::error(problem.0, problem.1)
                        .label(raw.value.name.span.clone(), "this one")
                        .label(first.value.name.span.clone(), "and this one"),
                );
            }
            let before = rules;
            rules += pool.network_security_group_rules.len();
            if rules > MOST_RULES && before <= MOST_RULES {
                checker.error(
                    codes::OUT_OF_RANGE,
                    "the pool has too many rules for its opened ports",
                    &raw.value.name.span,
                    "at most 25 in all",
                );
            }
            checked.push((pool, raw));
        }
        wire::PoolEndpointConfiguration {
            inbound_nat_pools: checked.into_iter().map(|(pool, _)| pool).collect(),
        }
    }
}

impl RawNatPool {
    fn check(&self, checker: &mut Checker<'_>) -> Option<wire::InboundNatPool> {
        let name = checker.text(&self.name)?;
        if name.value.is_empty() || name.value.chars().count() > LONGEST_NAME {
            let message = "the name of an opened port has 1 to 77 characters";
            checker.error(codes::INVALID_NAME, message, &name.span, "not allowed");
        }
        if RESERVED.contains(&self.backend_port.value) {
            checker.error(
                codes::OUT_OF_RANGE,
                "Azure Batch keeps this port for itself",
                &self.backend_port.span,
                "any but 29876 and 29877",
            );
        }
        let start = &self.frontend_port_range_start;
        let end = &self.frontend_port_range_end;
        if start.value <= *RESERVED_FRONTEND.end() && end.value >= *RESERVED_FRONTEND.start() {
            checker.error(
                codes::OUT_OF_RANGE,
                "Azure Batch keeps the frontend ports 50000 to 55000 for itself",
                &start.span,
                "the range from here overlaps them",
            );
        }
        if end.value - start.value + 1 < LEAST_FRONTEND {
            checker.error(
                codes::OUT_OF_RANGE,
                "the range of frontend ports is too short",
                &end.span,
                "at least 40 ports, counted from the start",
            );
        }
        let rules = self.network_security_group_rules.iter();
        let rules = rules.map(|rule| {
            Some(wire::NetworkSecurityGroupRule {
                priority: rule.priority,
                access: rule.access.into(),
                source_address_prefix: checker.text(&rule.source_address_prefix)?.value,
                source_port_ranges: checker.strings(&rule.source_port_ranges),
            })
        });
        let rules: Option<_> = rules.collect();
        Some(wire::InboundNatPool {
            name: name.value,
            protocol: self.protocol.into(),
            backend_port: self.backend_port.value,
            frontend_port_range_start: start.value,
            frontend_port_range_end: end.value,
            network_security_group_rules: rules?,
        })
    }
}

impl RawPublicIp {
    fn check(&self, checker: &mut Checker<'_>) -> wire::PublicIpAddressConfiguration {
        let is_own = |p: &At<Provision>| p.value == Provision::UserManaged;
        match (&self.provision, self.ip_address_ids.first()) {
            (Some(provision), None) if is_own(provision) => checker.error(
                codes::MISSING_KEY,
                "`user_managed` needs addresses",
                &provision.span,
                "goes with `ip_address_ids`",
            ),
            (provision, Some(first)) if !provision.as_ref().is_some_and(is_own) => checker.error(
                codes::CONFLICTING_KEYS,
                "addresses of your own need `provision = \"user_managed\"`",
                &first.span,
                "an address of your own",
            ),
            _ => {}
        }
        let tags = self.ip_tags.iter().map(|tag| wire::IPTag {
            ip_tag_type: checker.opt_string(Some(&tag.ip_tag_type)),
            tag: checker.opt_string(Some(&tag.tag)),
        });
        let ip_tags = tags.collect();
        wire::PublicIpAddressConfiguration {
            provision: self.provision.as_ref().map(|p| p.value.into()),
            ip_families: self.ip_families.iter().map(|f| (*f).into()).collect(),
            ip_address_ids: checker.strings(&self.ip_address_ids),
            ip_tags,
        }
    }
}
