//! Lists: in the order of ids, a page at a time.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::command::{Answer, List, Reply};
use super::fields::Listed;
use super::images;
use super::key::Key;
use super::preparation::OnNode;
use super::world::World;
use crate::wire::batch::error::{Code, Refusal};
use crate::wire::filter::Filterable;
use crate::wire::page::Page;

/// A page of a map.
fn page<T: Filterable, V>(
    items: &BTreeMap<Key, T>,
    list: &List,
    view: impl Fn(&Key, &T) -> Result<V, Refusal>,
) -> Result<Page<V>, Refusal> {
    let from = match &list.after {
        Some(after) => Bound::Excluded(after.as_str()),
        None => Bound::Unbounded,
    };
    let mut passing = items
        .range::<str, _>((from, Bound::Unbounded))
        .filter(|(_, item)| list.filter.as_ref().is_none_or(|f| f.matches(*item)));
    let mut value = Vec::new();
    let mut last = None;
    for (key, item) in passing.by_ref().take(list.max) {
        value.push(view(key, item)?);
        last = Some(key);
    }
    let next = match passing.next() {
        Some(_) => last.map(|key| key.as_str().to_owned()),
        None => None,
    };
    Ok(Page { value, next })
}

/// A page of a list that is made on the spot, by the position of its items.
fn page_of<T>(items: Vec<T>, list: &List) -> Page<T>
where
    for<'a> Listed<'a, T>: Filterable,
{
    let skip = list.after.as_deref().and_then(|a| a.parse::<usize>().ok());
    let start = skip.map_or(0, |last| last.saturating_add(1));
    let mut value = Vec::new();
    let mut next = None;
    let mut last = 0;
    for (at, item) in items.into_iter().enumerate().skip(start) {
        if !list
            .filter
            .as_ref()
            .is_none_or(|f| f.matches(&Listed(&item)))
        {
            continue;
        }
        if value.len() == list.max {
            next = Some(usize::to_string(&last));
            break;
        }
        value.push(item);
        last = at;
    }
    Page { value, next }
}

impl World {
    pub(super) fn list_images(&self, list: &List) -> Answer {
        Ok(Reply::Images(page_of(images::supported(), list)))
    }

    pub(super) fn list_node_counts(&self, list: &List) -> Answer {
        let counts = self.pools.values().map(Self::view_node_counts).collect();
        Ok(Reply::NodeCounts(page_of(counts, list)))
    }

    pub(super) fn list_pools(&self, list: &List) -> Answer {
        page(&self.pools, list, |key, _| self.view_pool(key)).map(Reply::Pools)
    }

    pub(super) fn list_nodes(&self, pool: &Key, list: &List) -> Answer {
        let owner = self.pools.get(pool).ok_or(Code::PoolNotFound)?;
        let view = |_: &Key, node: &super::node::Node| Ok(self.view_node(owner, node));
        page(&owner.nodes, list, view).map(Reply::Nodes)
    }

    pub(super) fn get_node(&self, pool: &Key, node: &str) -> Answer {
        let owner = self.pools.get(pool).ok_or(Code::PoolNotFound)?;
        let node = owner.nodes.get(&Key::of(node)).ok_or(Code::NodeNotFound)?;
        Ok(Reply::Node(Box::new(self.view_node(owner, node))))
    }

    pub(super) fn list_jobs(&self, list: &List) -> Answer {
        page(&self.jobs, list, |key, _| self.view_job(key)).map(Reply::Jobs)
    }

    pub(super) fn list_job_schedules(&self, list: &List) -> Answer {
        page(&self.schedules, list, |key, _| self.view_schedule(key)).map(Reply::JobSchedules)
    }

    /// The jobs of one schedule.
    pub(super) fn list_jobs_of(&self, schedule: &Key, list: &List) -> Answer {
        let prefix = format!("{schedule}{}", super::job_schedule::SEPARATOR);
        let mut list = list.clone();
        // The first page begins before the first of them.
        list.after.get_or_insert_with(|| prefix.clone());
        let mut found = page(&self.jobs, &list, |key, _| self.view_job(key))?;
        let all = found.value.len();
        found
            .value
            .retain(|job| Key::of(&job.id).as_str().starts_with(&prefix));
        if found.value.len() < all {
            found.next = None;
        }
        Ok(Reply::Jobs(found))
    }

    pub(super) fn list_preparations(&self, job: &Key, list: &List) -> Answer {
        let owner = self.jobs.get(job).ok_or(Code::JobNotFound)?;
        if owner.spec.job_preparation_task.is_none() {
            return Err(Code::JobPreparationTaskNotSpecified.into());
        }
        let view = |_: &Key, here: &OnNode| Ok(self.view_preparation(owner, here));
        page(&owner.on_nodes, list, view).map(Reply::Preparations)
    }

    pub(super) fn list_tasks(&self, job: &Key, list: &List) -> Answer {
        let owner = self.jobs.get(job).ok_or(Code::JobNotFound)?;
        page(&owner.tasks, list, |_, task| {
            let body = match list.without_bodies {
                true => task.body_of_its_id(),
                false => task.body().ok_or(Code::InternalError)?,
            };
            Ok(self.view_task(owner, task, body))
        })
        .map(Reply::Tasks)
    }
}
