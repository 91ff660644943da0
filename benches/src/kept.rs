//! A connection that a caller keeps for all its exchanges, as a proxy in front of a registry does.

use oidc_core::{HttpUrl, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection to npm's endpoint.
#[derive(Debug)]
pub struct Kept {
    stream: TcpStream,
    /// The header of each request, up to the identity token.
    header: String,
}

impl Kept {
    /// Connects to the endpoint with this URL.
    pub async fn to(url: &HttpUrl) -> Self {
        let stream = TcpStream::connect(url.host_and_port()).await.expect("a connection");
        stream.set_nodelay(true).expect("an option of TCP");
        let (path, host) = (url.path(), url.host_and_port());
        let header =
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nauthorization: Bearer ");
        Self { stream, header }
    }

    /// Exchanges a token.
    pub async fn exchange(&mut self, token: &Secret) {
        let request = format!("{}{}\r\n\r\n", self.header, token.expose());
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = Vec::with_capacity(1024);
        while !is_whole(&answer) {
            assert_ne!(
                self.stream.read_buf(&mut answer).await.expect("an answer"),
                0,
                "a connection was closed"
            );
        }
        assert!(answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Returns `true` for an answer with its whole body, whose length its header tells.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((header, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = header.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}
