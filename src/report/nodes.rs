//! Nodes and images as tables.

use anstyle::Style;

use super::quantity::duration;
use super::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use super::table::Table;
use crate::wire::batch::machine::{ImageVerificationType, SupportedImage};
use crate::wire::batch::node::{Node, NodeState, SchedulingState};
use crate::wire::time::Time;

const PLAIN: Style = Style::new();

/// A line for each node, with a heading, no wider than `width`; styled.
pub fn nodes(nodes: &[Node], now: Time, width: Option<usize>) -> String {
    let mut table = Table::new([
        "NODE",
        "STATE",
        "FOR",
        "KIND",
        "RUNNING",
        "TASKS RUN",
        "ADDRESS",
        "NOTE",
    ]);
    for node in nodes {
        let age = now.since(node.state_transition_time).to_std();
        let kind = match node.is_dedicated {
            Some(false) => "low-priority",
            _ => "dedicated",
        };
        table.row([
            (BOLD, node.id.clone()),
            (state_style(node.state), node.state.to_string()),
            (PLAIN, duration(age)),
            (PLAIN, kind.to_owned()),
            (PLAIN, node.running_tasks_count.unwrap_or(0).to_string()),
            (PLAIN, node.total_tasks_run.to_string()),
            (PLAIN, node.ip_address.clone()),
            (RED, note(node)),
        ]);
    }
    table.render(width)
}

fn state_style(state: NodeState) -> Style {
    match state {
        NodeState::Idle | NodeState::Running => GREEN,
        NodeState::StartTaskFailed | NodeState::Unusable | NodeState::Offline => RED,
        _ => YELLOW,
    }
}

fn note(node: &Node) -> String {
    let mut notes = Vec::new();
    if node.scheduling_state == Some(SchedulingState::Disabled) {
        notes.push("takes no tasks".to_owned());
    }
    if node.state == NodeState::StartTaskFailed {
        let code = node.start_task_info.as_ref().and_then(|i| i.exit_code);
        notes.extend(code.map(|code| format!("start task: exit code {code}")));
    }
    notes.extend(node.errors.iter().filter_map(|e| e.message.clone()));
    notes.join("; ")
}

/// What a manifest says of an image, all of it in one text.
pub fn image_text(image: &SupportedImage) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let reference = &image.image_reference;
    format!(
        "{} {} {} {}",
        part(&reference.publisher),
        part(&reference.offer),
        part(&reference.sku),
        image.node_agent_sku_id
    )
}

/// A line for each image, with a heading, no wider than `width`; styled.
pub fn images(images: &[SupportedImage], width: Option<usize>) -> String {
    let mut table = Table::new([
        "PUBLISHER",
        "OFFER",
        "SKU",
        "NODE AGENT",
        "SUPPORT ENDS",
        "NOTE",
    ]);
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    for image in images {
        let reference = &image.image_reference;
        let ends = image.batch_support_end_of_life.map(|t| t.to_string());
        let ends = ends.and_then(|t| t.split('T').next().map(str::to_owned));
        let is_verified = image.verification_type == ImageVerificationType::Verified;
        let mut notes = image.capabilities.clone();
        notes.extend((!is_verified).then(|| "not verified".to_owned()));
        table.row([
            (PLAIN, part(&reference.publisher)),
            (PLAIN, part(&reference.offer)),
            (PLAIN, part(&reference.sku)),
            (PLAIN, image.node_agent_sku_id.clone()),
            (PLAIN, ends.unwrap_or_default()),
            (DIM, notes.join(", ")),
        ]);
    }
    let mut out = table.render(width);
    if let [only] = images {
        let reference = &only.image_reference;
        out.push_str(&format!(
            "\n{}\nimage = {{ publisher = {:?}, offer = {:?}, sku = {:?} }}\n",
            paint(DIM, "# for [pool]"),
            part(&reference.publisher),
            part(&reference.offer),
            part(&reference.sku)
        ));
    }
    out
}
