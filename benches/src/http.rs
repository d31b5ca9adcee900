//! The smallest HTTP client that measures honestly: one kept connection, one request at a time.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    authorization: String,
}

impl Client {
    /// Connects; every request bears `token`.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let authorization = format!("Authorization: Bearer {token}\r\n");
        Ok(Self { stream, buffer: vec![0; 64 * 1024], filled: 0, authorization })
    }

    /// Asks, and returns the status and the body.
    ///
    /// # Errors
    /// If the connection breaks or the answer is not HTTP.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, &[u8])> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        self.filled = 0;
        let end_of_head = loop {
            self.fill()?;
            if let Some(at) = memchr::memmem::find(&self.buffer[..self.filled], b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..end_of_head]).context("a head that is not text")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, length)| length.trim().parse::<usize>());
        // 204 has no body, and does not say so.
        let length = if status == 204 { Some(0) } else { length.transpose()? };
        let Some(length) = length else { bail!("an answer without content-length") };
        while self.filled < end_of_head + length {
            self.fill()?;
        }
        Ok((status, &self.buffer[end_of_head..end_of_head + length]))
    }

    fn fill(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..])? {
            0 => bail!("the server hung up"),
            read => self.filled += read,
        }
        Ok(())
    }
}
