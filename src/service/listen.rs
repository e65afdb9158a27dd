//! Where the service listens, and whom it listens to.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connection::{Guarded, Limits};
use super::running::ServiceError;
use super::tls::Identity;

/// The wanted port; when any will do, the one used before if it is free.
pub(super) async fn listen(
    address: IpAddr,
    wanted: u16,
    before: u16,
) -> Result<TcpListener, ServiceError> {
    let bind = |port| TcpListener::bind(SocketAddr::from((address, port)));
    if wanted == 0
        && before != 0
        && let Ok(listener) = bind(before).await
    {
        return Ok(listener);
    }
    bind(wanted).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServiceError::PortInUse {
            address,
            port: wanted,
        },
        _ => ServiceError::Listen {
            address,
            port: wanted,
            source,
        },
    })
}

/// Answers on a listener until asked to stop.
pub(super) fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<&Identity>,
    stop: CancellationToken,
) -> io::Result<JoinHandle<io::Result<()>>> {
    Ok(match tls {
        None => tokio::spawn(answer(listener, router, stop)),
        Some(identity) => tokio::spawn(answer(identity.listen(listener)?, router, stop)),
    })
}

async fn answer<L>(listener: L, router: Router, stop: CancellationToken) -> io::Result<()>
where
    L: Listener,
    L::Addr: Debug,
{
    axum::serve(Guarded::new(listener, Limits::default()), router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

/// Answers only to names that always mean this machine. Without it a web page could reach the service by giving
/// its own name the address 127.0.0.1; where the key is public, it could run commands as whoever reads the page.
pub(super) fn only_for_this_machine(router: Router) -> Router {
    router.layer(middleware::from_fn(check_host))
}

async fn check_host(request: Request, next: Next) -> Response<Body> {
    if host(&request).is_none_or(is_this_machine) {
        return next.run(request).await;
    }
    refuse(
        StatusCode::MISDIRECTED_REQUEST,
        "This service listens on loopback and answers to 127.0.0.1 and to names below localhost only.\n",
    )
}

/// Refuses what a page of another origin sends. Programs do not send these headers, and a page that the service
/// gave out itself is of the same origin.
pub(super) fn not_across_sites(router: Router) -> Router {
    router.layer(middleware::from_fn(check_origin))
}

async fn check_origin(request: Request, next: Next) -> Response<Body> {
    if !comes_from_elsewhere(&request) {
        return next.run(request).await;
    }
    refuse(
        StatusCode::FORBIDDEN,
        "This service does not answer to pages of other sites.\n",
    )
}

fn comes_from_elsewhere(request: &Request) -> bool {
    let text = |name| {
        let value = request.headers().get(name)?;
        Some(value.to_str().unwrap_or_default())
    };
    let is_own = |origin: &str| {
        let authority = origin.split_once("://").map_or("", |(_, after)| after);
        host(request).is_some_and(|host| host.eq_ignore_ascii_case(authority))
    };
    // Following a link is not a call.
    let follows_link = text("sec-fetch-mode") == Some("navigate")
        && matches!(*request.method(), Method::GET | Method::HEAD);
    let is_elsewhere = matches!(text("sec-fetch-site"), Some("cross-site" | "same-site"));
    !text("origin").is_none_or(is_own) || (is_elsewhere && !follows_link)
}

fn host(request: &Request) -> Option<&str> {
    let named = request.headers().get(header::HOST);
    let named = named.map(|host| host.to_str().unwrap_or_default());
    named.or(request.uri().authority().map(|a| a.as_str()))
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(why));
    *response.status_mut() = status;
    response
}

/// Whether `host` or `host:port` is an address or a name below `localhost`.
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.parse::<IpAddr>().is_ok() || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for good in [
            "127.0.0.1:10100",
            "127.0.0.1",
            "localhost:1",
            "LOCALHOST",
            "batchflow.blob.localhost:10101",
            "[::1]:80",
        ] {
            assert!(is_this_machine(good), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "127.0.0.1.example.org:80",
            "notlocalhost",
            "[x]",
        ] {
            assert!(!is_this_machine(bad), "{bad}");
        }
    }
}
