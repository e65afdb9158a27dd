//! One authenticated request to a known operation.

use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;

use super::access::Access;
use super::server::BlobState;
use super::target::{Query, Style};
use super::{headers, reply};
use crate::service::core::storage::{BlobCommand, BlobRefusal, BlobReply, Page};
use crate::service::extents::Unclaimed;
use crate::wire::blob::error::Code;
use crate::wire::blob::listing::{self, Echo, MAX_RESULTS};
use crate::wire::blob::operation::Spec;
use crate::wire::time::Time;

pub(super) struct Call<'a> {
    pub(super) state: &'a BlobState,
    pub(super) parts: &'a Parts,
    pub(super) style: Style,
    pub(super) query: &'a Query,
    pub(super) access: &'a Access,
    pub(super) spec: &'static Spec,
    pub(super) now: Time,
}

impl Call<'_> {
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// An answer of the operation's status without a body.
    pub(super) fn success(&self) -> Response {
        reply::empty(self.spec.success)
    }

    pub(super) async fn send(&self, command: BlobCommand) -> Result<BlobReply, BlobRefusal> {
        self.state.port.blob(command).await
    }

    /// Sends a command that refers to a new extent. The extent is the core's when it accepts, and deleted when
    /// it refuses. Not even the end of the connection stops this halfway.
    pub(super) async fn send_with(
        &self,
        command: BlobCommand,
        extent: Unclaimed,
    ) -> Result<BlobReply, BlobRefusal> {
        if !extent.is_some() {
            return self.send(command).await;
        }
        let port = self.state.port.clone();
        let sent = tokio::spawn(async move {
            let reply = port.blob(command).await;
            match &reply {
                Ok(_) => extent.claim(),
                // Nobody knows whether it was kept: the next start finds out.
                Err(refusal) if refusal.code == Code::InternalError => extent.claim(),
                Err(_) => drop(extent),
            }
            reply
        });
        sent.await
            .unwrap_or_else(|_| Err(Code::InternalError.into()))
    }

    /// Which page of a listing is asked for.
    pub(super) fn page(&self) -> Result<Page, BlobRefusal> {
        let marker = self.query.text("marker");
        let from = match marker {
            "" => None,
            marker => Some(listing::from_marker(marker).ok_or_else(|| {
                BlobRefusal::parameter("marker", marker, "not a marker of this service")
            })?),
        };
        Ok(Page {
            prefix: self.query.text("prefix").to_owned(),
            from,
            max_results: self.max_results()?.unwrap_or(MAX_RESULTS).min(MAX_RESULTS),
        })
    }

    fn max_results(&self) -> Result<Option<usize>, BlobRefusal> {
        let text = self.query.text("maxresults");
        let out_of_range = || {
            BlobRefusal::new(Code::OutOfRangeQueryParameterValue)
                .with("QueryParameterName", "maxresults")
                .with("QueryParameterValue", text)
        };
        match text {
            "" => Ok(None),
            text => match text.parse() {
                Ok(0) => Err(out_of_range()),
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(BlobRefusal::parameter("maxresults", text, "not a number")),
            },
        }
    }

    /// What a listing repeats of the request.
    pub(super) fn echo<'b>(&'b self, service_endpoint: &'b str) -> Result<Echo<'b>, BlobRefusal> {
        Ok(Echo {
            service_endpoint,
            prefix: self.query.text("prefix"),
            delimiter: self.query.text("delimiter"),
            marker: self.query.text("marker"),
            max_results: self.max_results()?,
        })
    }

    /// What `include` asks for of `known`. `nothing` are the values that can add nothing here, because there is
    /// nothing of the kind; any other is refused.
    pub(super) fn include(
        &self,
        known: &[&'static str],
        nothing: &[&str],
    ) -> Result<Vec<&'static str>, BlobRefusal> {
        let mut included = Vec::new();
        let values = self.query.text("include").split(',').map(str::trim);
        for value in values.filter(|v| !v.is_empty()) {
            if let Some(known) = known.iter().find(|k| value.eq_ignore_ascii_case(k)) {
                included.push(*known);
            } else if !nothing.iter().any(|n| value.eq_ignore_ascii_case(n)) {
                return Err(BlobRefusal::parameter(
                    "include",
                    value,
                    "not supported here",
                ));
            }
        }
        Ok(included)
    }

    /// The URL that the client reaches the account under.
    pub(super) fn service_endpoint(&self) -> String {
        let scheme = if self.state.secure { "https" } else { "http" };
        let host = headers::host(self.parts);
        match self.style {
            Style::Path => format!("{scheme}://{host}/{}/", self.state.account),
            Style::Host => format!("{scheme}://{host}/"),
        }
    }
}

/// An answer of the core to another command: cannot happen, and is not worth a panic.
pub(super) fn unexpected(reply: &BlobReply) -> BlobRefusal {
    tracing::error!(?reply, "the core answered another question");
    Code::InternalError.into()
}
