//! Nodes and images as documents.

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::wire::batch::machine::SupportedImage;
use crate::wire::batch::node;

/// The answer of `batchflow nodes --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeList {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["nodes"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// The id of the pool.
    pub pool: String,
    pub nodes: Vec<Node>,
}

/// A node.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Node {
    pub id: String,
    /// As the REST API has it, such as `idle`.
    pub state: &'static str,
    /// When it came into this state, UTC.
    pub since: String,
    /// Whether it takes tasks: `enabled` or `disabled`.
    pub scheduling_state: Option<&'static str>,
    /// False: low-priority.
    pub is_dedicated: Option<bool>,
    pub ip_address: String,
    pub running_tasks: Option<i32>,
    pub running_task_slots: Option<i32>,
    /// How many tasks it has run.
    pub tasks_run: i32,
    pub start_task_exit_code: Option<i32>,
    pub errors: Vec<NodeError>,
}

/// What is wrong with a node, in the service's words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeError {
    pub code: Option<String>,
    pub message: Option<String>,
}

/// The answer of `batchflow images --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageList {
    /// What kind of document this is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["images"]))]
    pub kind: &'static str,
    /// The version of this format.
    pub version: u32,
    /// Those that were asked for.
    pub images: Vec<Image>,
}

/// An image that the account supports.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Image {
    pub publisher: Option<String>,
    pub offer: Option<String>,
    pub sku: Option<String>,
    /// The node agent that goes with it.
    pub node_agent_sku_id: String,
    /// `linux` or `windows`.
    pub os_type: &'static str,
    /// `verified` or `unverified`.
    pub verification_type: &'static str,
    pub capabilities: Vec<String>,
    /// When its support ends, UTC.
    pub batch_support_end_of_life: Option<String>,
}

impl NodeList {
    pub fn new(pool: &str, nodes: &[node::Node]) -> Self {
        Self {
            kind: "nodes",
            version: VERSION,
            pool: pool.to_owned(),
            nodes: nodes.iter().map(Node::new).collect(),
        }
    }
}

impl Node {
    fn new(node: &node::Node) -> Self {
        let errors = node.errors.iter().map(|error| NodeError {
            code: error.code.clone(),
            message: error.message.clone(),
        });
        Self {
            id: node.id.clone(),
            state: node.state.as_str(),
            since: node.state_transition_time.to_string(),
            scheduling_state: node.scheduling_state.map(|state| state.as_str()),
            is_dedicated: node.is_dedicated,
            ip_address: node.ip_address.clone(),
            running_tasks: node.running_tasks_count,
            running_task_slots: node.running_task_slots_count,
            tasks_run: node.total_tasks_run,
            start_task_exit_code: node.start_task_info.as_ref().and_then(|i| i.exit_code),
            errors: errors.collect(),
        }
    }
}

impl ImageList {
    pub fn new(images: &[SupportedImage]) -> Self {
        let one = |image: &SupportedImage| Image {
            publisher: image.image_reference.publisher.clone(),
            offer: image.image_reference.offer.clone(),
            sku: image.image_reference.sku.clone(),
            node_agent_sku_id: image.node_agent_sku_id.clone(),
            os_type: image.os_type.as_str(),
            verification_type: image.verification_type.as_str(),
            capabilities: image.capabilities.clone(),
            batch_support_end_of_life: image.batch_support_end_of_life.map(|t| t.to_string()),
        };
        Self {
            kind: "images",
            version: VERSION,
            images: images.iter().map(one).collect(),
        }
    }
}
