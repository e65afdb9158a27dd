//! Networks of pools: checked as the service does. Locally every node is on the loopback interface: ports that a
//! pool opens are shown where its processes really listen.

use super::limits;
use super::pool::Pool;
use crate::wire::batch::error::Refusal;
use crate::wire::batch::network::{InboundNatPool, NetworkConfiguration};
use crate::wire::batch::node::{InboundEndpoint, NodeEndpointConfiguration};

const AT: &str = "networkConfiguration.endpointConfiguration.inboundNATPools";

pub(super) fn check(network: &NetworkConfiguration) -> Result<(), Refusal> {
    let pools = nat_pools(network);
    for (at, pool) in pools.iter().enumerate() {
        check_pool(pool)?;
        for other in &pools[..at] {
            if other.name.eq_ignore_ascii_case(&pool.name) {
                return Err(refused(
                    "name",
                    &pool.name,
                    "Each endpoint has its own name",
                ));
            }
            let apart = other.frontend_port_range_end < pool.frontend_port_range_start
                || pool.frontend_port_range_end < other.frontend_port_range_start;
            if !apart {
                let range = pool.frontend_port_range_start;
                return Err(refused(
                    "frontendPortRangeStart",
                    &range.to_string(),
                    "The frontend ports of two endpoints overlap",
                ));
            }
        }
    }
    let rules: usize = pools
        .iter()
        .map(|p| p.network_security_group_rules.len())
        .sum();
    if rules > limits::MAX_PORT_RULES {
        return Err(refused(
            "networkSecurityGroupRules",
            &format!("{rules} rules"),
            "A pool has at most 25 of these rules",
        ));
    }
    Ok(())
}

fn nat_pools(network: &NetworkConfiguration) -> &[InboundNatPool] {
    let endpoints = network.endpoint_configuration.as_ref();
    endpoints.map_or(&[], |e| &e.inbound_nat_pools)
}

fn refused(property: &str, value: &str, reason: &str) -> Refusal {
    Refusal::property(&format!("{AT}.{property}"), value, reason)
}

fn check_pool(pool: &InboundNatPool) -> Result<(), Refusal> {
    let number = |n: i32| n.to_string();
    if pool.name.is_empty() || pool.name.chars().count() > 77 {
        return Err(refused("name", &pool.name, "A name has 1 to 77 characters"));
    }
    if !(1..=65535).contains(&pool.backend_port)
        || limits::RESERVED_PORTS.contains(&pool.backend_port)
    {
        return Err(refused(
            "backendPort",
            &number(pool.backend_port),
            "The port is 1 to 65535 and not 29876 or 29877",
        ));
    }
    let (start, end) = (pool.frontend_port_range_start, pool.frontend_port_range_end);
    let reserved = limits::RESERVED_FRONTEND_PORTS;
    if !limits::FRONTEND_PORTS.contains(&start)
        || !limits::FRONTEND_PORTS.contains(&end)
        || (start <= *reserved.end() && end >= *reserved.start())
    {
        return Err(refused(
            "frontendPortRangeStart",
            &format!("{start}-{end}"),
            "Frontend ports are 1 to 65534 and not 50000 to 55000",
        ));
    }
    if end - start + 1 < limits::MIN_FRONTEND_PORTS {
        return Err(refused(
            "frontendPortRangeEnd",
            &format!("{start}-{end}"),
            "The range has at least 40 ports",
        ));
    }
    let wrong = pool
        .network_security_group_rules
        .iter()
        .find(|r| !limits::PORT_RULE_PRIORITIES.contains(&r.priority));
    match wrong {
        Some(rule) => Err(refused(
            "networkSecurityGroupRules.priority",
            &number(rule.priority),
            "The priority is 150 to 4096",
        )),
        None => Ok(()),
    }
}

/// The ports of a node as its pool opens them. Nothing translates ports here, so both numbers are those that a
/// process on the node listens on.
pub(super) fn endpoints(pool: &Pool) -> Option<NodeEndpointConfiguration> {
    let network = pool.spec.network_configuration.as_deref()?;
    let inbound_endpoints: Vec<InboundEndpoint> = nat_pools(network)
        .iter()
        .map(|p| InboundEndpoint {
            name: p.name.clone(),
            protocol: p.protocol,
            public_ip_address: "127.0.0.1".to_owned(),
            public_fqdn: "localhost".to_owned(),
            frontend_port: p.backend_port,
            backend_port: p.backend_port,
        })
        .collect();
    (!inbound_endpoints.is_empty()).then_some(NodeEndpointConfiguration { inbound_endpoints })
}
