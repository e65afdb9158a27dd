//! Requests about nodes, each to whom it concerns; nodes that are to leave; their logs.

use super::check;
use super::command::{Answer, NodeRequest, Reply};
use super::effect::{Effect, LogUpload};
use super::key::Key;
use super::limits;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::{NodeRemove, UploadBatchServiceLogs, UploadBatchServiceLogsResult};
use crate::wire::batch::pool::{AllocationState, NodeDeallocationOption};
use crate::wire::secret::Secret;
use crate::wire::time::Time;

impl World {
    pub(super) fn node_request(
        &mut self,
        pool: &Key,
        node: &str,
        request: NodeRequest,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let node = Key::of(node);
        if self.node_mut(pool, &node).is_none() {
            return Err(Code::NodeNotFound.into());
        }
        match request {
            NodeRequest::Power(power, option) => {
                self.power_node(pool, &node, power, option, now, effects)
            }
            NodeRequest::Start => self.start_deallocated(pool, &node, now, effects),
            NodeRequest::DisableScheduling(option) => {
                self.disable_scheduling(pool, &node, option, now, effects)
            }
            NodeRequest::EnableScheduling => self.enable_scheduling(pool, &node, now),
            NodeRequest::CreateUser(body) => self.create_user(pool, &node, &body, now),
            NodeRequest::ReplaceUser(name, body) => {
                self.replace_user(pool, &node, &name, &body, now)
            }
            NodeRequest::DeleteUser(name) => self.delete_user(pool, &node, &name, now),
            NodeRequest::RemoteLogin => self.remote_login(pool, &node),
            NodeRequest::UploadLogs(body) => self.upload_logs(pool, &node, *body, now, effects),
            NodeRequest::Extensions => Ok(Reply::NoExtensions),
            NodeRequest::Extension(name) => {
                Err(Refusal::new(Code::ResourceNotFound).with("ExtensionName", name))
            }
        }
    }

    pub(super) fn remove_nodes(
        &mut self,
        key: &Key,
        body: NodeRemove,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let count = body.node_list.len();
        if !(1..=limits::MAX_REMOVED_NODES).contains(&count) {
            return Err(Refusal::property(
                "nodeList",
                format!("{count} nodes"),
                "1 to 100 nodes can be removed at once",
            ));
        }
        super::allocation::check_timeout(body.resize_timeout)?;
        let option = body
            .node_deallocation_option
            .unwrap_or(NodeDeallocationOption::Requeue);
        check::refuse_if(
            option == NodeDeallocationOption::RetainedData,
            "nodeDeallocationOption",
            "retaineddata",
        )?;
        let pool = self.pools.get_mut(key).ok_or(Code::PoolNotFound)?;
        if pool.allocation != AllocationState::Steady {
            return Err(Code::PoolBeingResized.into());
        }
        let mut nodes: Vec<Key> = body.node_list.iter().map(|n| Key::of(n)).collect();
        nodes.sort();
        nodes.dedup();
        for node in &nodes {
            let Some(node) = pool.nodes.get(node) else {
                return Err(Refusal::new(Code::NodeNotFound).with("NodeId", node.as_str()));
            };
            let target = if node.dedicated {
                &mut pool.targets.dedicated
            } else {
                &mut pool.targets.low_priority
            };
            *target = (*target - 1).max(0);
        }
        pool.resize_timeout = body
            .resize_timeout
            .unwrap_or(limits::DEFAULT_RESIZE_TIMEOUT);
        pool.deallocation = option;
        pool.resize_errors.clear();
        pool.enter_allocation(AllocationState::Resizing, now);
        let modified = pool.modified;
        for node in nodes {
            self.detach_node(key, &node, option, now, effects);
        }
        self.touch_pool(key);
        self.check_steady(key, now);
        Ok(Reply::Changed(modified))
    }

    /// Uploads what there is to say about a node; the service answers before it is done.
    fn upload_logs(
        &mut self,
        pool_key: &Key,
        node_key: &Key,
        body: UploadBatchServiceLogs,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        check::refuse_if(
            body.identity_reference.is_some(),
            "identityReference",
            "managed identities",
        )?;
        check::web_address("containerUrl", &body.container_url)?;
        let pool = self.pools.get(pool_key).ok_or(Code::PoolNotFound)?;
        let node = pool.nodes.get(node_key).ok_or(Code::NodeNotFound)?;
        if let Some(refusal) = super::power::in_the_way(node.state) {
            return Err(refusal);
        }
        let shown = self.view_node(pool, node);
        let report = serde_json::to_string_pretty(&shown).unwrap_or_default();
        let node_ref = pool.node_ref(node);
        let folder = format!("{}/{}/{:X}", node_ref.pool, node_ref.node, now.ticks());
        let upload = LogUpload {
            node: node_ref,
            container_url: Secret::new(body.container_url),
            folder: folder.clone(),
            report,
            has_start_task: node.start_info.is_some(),
        };
        let number = upload.files().len();
        effects.push(Effect::UploadLogs(Box::new(upload)));
        Ok(Reply::LogsUploading(UploadBatchServiceLogsResult {
            virtual_directory_name: folder,
            number_of_files_uploaded: i32::try_from(number).unwrap_or(i32::MAX),
        }))
    }
}
