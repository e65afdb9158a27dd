//! Where one logs in to a node: nodes are directories of this machine, so to this machine, if it lets anybody in.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::node::NodeRemoteLoginSettings;

const PORT: u16 = 22;
/// The loopback interface answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn find() -> Result<NodeRemoteLoginSettings, Refusal> {
    find_at(PORT).await
}

async fn find_at(port: u16) -> Result<NodeRemoteLoginSettings, Refusal> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(NodeRemoteLoginSettings {
            ipv6_remote_login_ip_address: None,
            ipv6_remote_login_port: None,
            remote_login_ip_address: address.ip().to_string(),
            remote_login_port: i32::from(port),
        }),
        _ => Err(Refusal::new(Code::NotImplemented)
            .with("Operation", "GET /pools/{poolId}/nodes/{nodeId}/remoteloginsettings")
            .with(
                "Reason",
                format!("nodes of the local service are directories of this machine, and no SSH server listens on {address}"),
            )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_is_found_and_none_is_said() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = find_at(port).await.unwrap();
        assert_eq!(found.remote_login_ip_address, "127.0.0.1");
        assert_eq!(found.remote_login_port, i32::from(port));
        drop(listener);
        assert_eq!(find_at(port).await.unwrap_err().code, Code::NotImplemented);
    }
}
