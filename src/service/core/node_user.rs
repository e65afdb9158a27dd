//! User accounts of nodes. They are remembered, checked and shown as the service does; no account of this machine
//! is made, and passwords and keys are not kept.

use serde::{Deserialize, Serialize};

use super::check;
use super::command::{Answer, Reply};
use super::key::Key;
use super::limits;
use super::node::Node;
use super::power::{in_the_way, not_valid};
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::{NodeState, NodeUserCreate, NodeUserReplace};
use crate::wire::time::Time;

/// An account on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NodeUser {
    pub(super) expires: Time,
}

impl Node {
    /// Only nodes that are up take users.
    fn check_up(&self) -> Result<(), Refusal> {
        match in_the_way(self.state) {
            Some(refusal) => Err(refusal),
            None if matches!(self.state, NodeState::Idle | NodeState::Running) => Ok(()),
            None if self.state == NodeState::Unusable => Err(Code::NodeStateUnusable.into()),
            None => Err(not_valid(self.state)),
        }
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let reason = if name.is_empty() {
        "A user has a name"
    } else if name.chars().count() > limits::MAX_USER_NAME {
        "The name of a user has at most 20 characters"
    } else if name.contains(|c: char| c.is_control() || "/\\:;|=,+*?<>@\"[] ".contains(c)) {
        "The name has characters that no user can have"
    } else {
        return Ok(());
    };
    Err(Refusal::property("name", name, reason))
}

/// When the account ends: a day from now unless it is said.
fn expiry(asked: Option<Time>, now: Time) -> Result<Time, Refusal> {
    match asked {
        Some(at) if at <= now => Err(Refusal::property(
            "expiryTime",
            at.to_string(),
            "The time has passed",
        )),
        Some(at) => Ok(at),
        None => Ok(now.plus(limits::USER_LIFETIME)),
    }
}

impl World {
    pub(super) fn create_user(
        &mut self,
        pool: &Key,
        node_key: &Key,
        body: &NodeUserCreate,
        now: Time,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        check_name(&body.name)?;
        if body.password.is_none() && body.ssh_public_key.is_none() {
            return Err(check::missing("password"));
        }
        let expires = expiry(body.expiry_time, now)?;
        node.check_up()?;
        node.users.retain(|_, user| user.expires > now);
        if node.users.contains_key(&body.name) {
            return Err(Code::NodeUserExists.into());
        }
        node.users.insert(body.name.clone(), NodeUser { expires });
        self.touch_node(pool, node_key);
        Ok(Reply::Done)
    }

    pub(super) fn replace_user(
        &mut self,
        pool: &Key,
        node_key: &Key,
        name: &str,
        body: &NodeUserReplace,
        now: Time,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        let expires = expiry(body.expiry_time, now)?;
        node.check_up()?;
        match node.users.get_mut(name).filter(|u| u.expires > now) {
            Some(user) => user.expires = expires,
            None => return Err(Code::NodeUserNotFound.into()),
        }
        self.touch_node(pool, node_key);
        Ok(Reply::Done)
    }

    pub(super) fn delete_user(
        &mut self,
        pool: &Key,
        node_key: &Key,
        name: &str,
        now: Time,
    ) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        node.check_up()?;
        match node.users.remove(name).filter(|u| u.expires > now) {
            Some(_) => {
                self.touch_node(pool, node_key);
                Ok(Reply::Done)
            }
            None => Err(Code::NodeUserNotFound.into()),
        }
    }

    pub(super) fn remote_login(&mut self, pool: &Key, node_key: &Key) -> Answer {
        let node = self.node_mut(pool, node_key).ok_or(Code::NodeNotFound)?;
        match in_the_way(node.state) {
            Some(refusal) => Err(refusal),
            None => Ok(Reply::RemoteLogin),
        }
    }
}
