//! Requests about one node to commands.

use super::body;
use crate::service::core::command::{NodeRequest, Power};
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::{
    NodeDeallocate, NodeDeallocateOption, NodeDisableScheduling, NodeDisableSchedulingOption,
    NodeReboot, NodeRebootOption, NodeReimage, NodeReimageOption,
};
use crate::wire::batch::operation::Operation as Op;
use crate::wire::batch::pool::NodeDeallocationOption;

/// The three ways to say what becomes of tasks are one.
macro_rules! option {
    ($given:expr, $kind:ident) => {
        match $given.unwrap_or($kind::Requeue) {
            $kind::Requeue => NodeDeallocationOption::Requeue,
            $kind::Terminate => NodeDeallocationOption::Terminate,
            $kind::TaskCompletion => NodeDeallocationOption::TaskCompletion,
            $kind::RetainedData => NodeDeallocationOption::RetainedData,
        }
    };
}

/// `name` is the third parameter of the path, where there is one: a user, an extension.
pub(super) fn read(operation: Op, name: String, bytes: &[u8]) -> Result<NodeRequest, Refusal> {
    Ok(match operation {
        Op::RebootNode => {
            let body: NodeReboot = body::read_optional(bytes)?;
            let option = option!(body.node_reboot_option, NodeRebootOption);
            NodeRequest::Power(Power::Reboot, option)
        }
        Op::ReimageNode => {
            let body: NodeReimage = body::read_optional(bytes)?;
            let option = option!(body.node_reimage_option, NodeReimageOption);
            NodeRequest::Power(Power::Reimage, option)
        }
        Op::DeallocateNode => {
            let body: NodeDeallocate = body::read_optional(bytes)?;
            let option = option!(body.node_deallocate_option, NodeDeallocateOption);
            NodeRequest::Power(Power::Deallocate, option)
        }
        Op::StartNode => NodeRequest::Start,
        Op::DisableNodeScheduling => {
            let body: NodeDisableScheduling = body::read_optional(bytes)?;
            let option = body.node_disable_scheduling_option;
            NodeRequest::DisableScheduling(option.unwrap_or(NodeDisableSchedulingOption::Requeue))
        }
        Op::EnableNodeScheduling => NodeRequest::EnableScheduling,
        Op::CreateNodeUser => NodeRequest::CreateUser(Box::new(body::read(bytes)?)),
        Op::ReplaceNodeUser => {
            NodeRequest::ReplaceUser(name, Box::new(body::read_optional(bytes)?))
        }
        Op::DeleteNodeUser => NodeRequest::DeleteUser(name),
        Op::GetNodeRemoteLoginSettings => NodeRequest::RemoteLogin,
        Op::UploadNodeLogs => NodeRequest::UploadLogs(Box::new(body::read(bytes)?)),
        Op::ListNodeExtensions => NodeRequest::Extensions,
        Op::GetNodeExtension => NodeRequest::Extension(name),
        other => return Err(not_implemented(other)),
    })
}

fn not_implemented(operation: Op) -> Refusal {
    let spec = operation.spec();
    Refusal::new(Code::NotImplemented)
        .with("Operation", format!("{} {}", spec.verb.as_str(), spec.path))
}
