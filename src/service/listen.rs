//! Where the service listens, and whom it listens to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode, header};
use axum::middleware::{self, Next};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    let stop = stop.cancelled_owned();
    Ok(match tls {
        None => tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop)
                .await
        }),
        Some(identity) => {
            let listener = identity.listen(listener)?;
            tokio::spawn(async move {
                axum::serve(listener, router)
                    .with_graceful_shutdown(stop)
                    .await
            })
        }
    })
}

/// Answers only to names that always mean this machine. Without it a web page could reach a service whose key
/// is public, by giving its own name the address 127.0.0.1, and run commands as whoever reads the page.
pub(super) fn only_for_this_machine(router: Router) -> Router {
    router.layer(middleware::from_fn(check_host))
}

async fn check_host(request: Request, next: Next) -> Response<Body> {
    let named = request.headers().get(header::HOST);
    let named = named.map(|host| host.to_str().unwrap_or_default());
    let authority = request.uri().authority().map(|a| a.as_str());
    if named.or(authority).is_none_or(is_this_machine) {
        return next.run(request).await;
    }
    let mut response = Response::new(Body::from(
        "With the development key this service answers to 127.0.0.1 and to localhost only.\n",
    ));
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
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
