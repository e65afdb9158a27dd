//! Lists, page by page.

use futures::stream::{self, Stream, TryStreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::error::ClientError;
use super::Batch;
use super::call::Call;
use crate::wire::batch::operation::Operation;

/// What to list, and how much of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// OData, such as `state eq 'completed'`.
    pub filter: Option<String>,
    /// Property names with commas between them; whatever the type to read needs.
    pub select: Option<String>,
    pub expand: Option<String>,
    /// Items in a page, at most and by default 1000.
    pub page_size: Option<u32>,
}

impl ListOptions {
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    pub fn select(mut self, select: impl Into<String>) -> Self {
        self.select = Some(select.into());
        self
    }

    fn add_to<'a>(&self, call: Call<'a>) -> Call<'a> {
        call.optional_query("$filter", self.filter.as_deref())
            .optional_query("$select", self.select.as_deref())
            .optional_query("$expand", self.expand.as_deref())
            .optional_query(
                "maxresults",
                self.page_size.map(|n| n.to_string()).as_deref(),
            )
    }
}

#[derive(Debug, Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
    #[serde(rename = "odata.nextLink")]
    next_link: Option<String>,
}

/// Where a list goes on.
enum Next {
    First,
    Link(String),
}

impl Batch {
    /// Every item of a list; pages are fetched as the stream is read.
    pub(super) fn list<T: DeserializeOwned + Send + 'static>(
        &self,
        operation: Operation,
        parameters: &[&str],
        query: &[(&'static str, &str)],
        options: &ListOptions,
    ) -> impl Stream<Item = Result<T, ClientError>> + Send + Unpin + use<T> {
        let batch = self.clone();
        let parameters: Vec<String> = parameters.iter().map(|p| (*p).to_owned()).collect();
        let query: Vec<(&'static str, String)> =
            query.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        let options = options.clone();
        let pages = stream::try_unfold(Some(Next::First), move |next| {
            let batch = batch.clone();
            let parameters = parameters.clone();
            let query = query.clone();
            let options = options.clone();
            async move {
                let Some(next) = next else { return Ok(None) };
                let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
                let call = batch.call(operation, &parameters);
                let answer = match next {
                    Next::First => {
                        let call = query
                            .iter()
                            .fold(call, |c, (name, value)| c.query(name, value));
                        options.add_to(call).send().await?
                    }
                    Next::Link(link) => batch.follow(call.attempt(), &link).await?,
                };
                let page: Page<T> = answer.json()?;
                let items = stream::iter(page.value.into_iter().map(Ok));
                Ok(Some((items, page.next_link.map(Next::Link))))
            }
        });
        Box::pin(pages.try_flatten())
    }
}
