//! W7: the artifact proxy: large files and many small ones, up and down.

use std::rc::Rc;

use anyhow::{Result, ensure};

use crate::http::{Connection, get, put_head};
use crate::load::{Operation, drive};
use crate::peers::Peer;
use crate::process::Running;
use crate::random::Random;
use crate::suite::{MIB, Suite};

const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts/bench";
/// Bytes of a small file.
const SMALL: u64 = 4096;
/// Small files that are read again and again.
const SMALL_FILES: u64 = 500;
/// Bytes written in one go.
const PIECE: usize = 1 << 20;

/// Puts one file after another.
struct Up {
    name: String,
    /// The same name over and over, or a number added.
    numbered: bool,
    next: u64,
    size: u64,
    piece: Rc<Vec<u8>>,
}

impl Operation for Up {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let path = match self.numbered {
            true => format!("{PROXY}/{}-{}.bin", self.name, self.next),
            false => format!("{PROXY}/{}.bin", self.name),
        };
        self.next += 1;
        connection.upload(&put_head(&path, self.size), &self.piece, self.size).await?;
        Ok(())
    }
}

/// Reads files in turn.
struct Down {
    requests: Vec<Vec<u8>>,
    next: usize,
    size: u64,
}

impl Operation for Down {
    async fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        let reply = connection.drain(request).await?;
        ensure!(reply.bytes == self.size, "{} bytes of {}", reply.bytes, self.size);
        Ok(())
    }
}

pub(crate) async fn run(suite: &mut Suite, peer: Peer) -> Result<()> {
    let server = suite.fresh(peer, "w7")?;
    let mut random = Random::new(3);
    let piece: Rc<Vec<u8>> =
        Rc::new((0..PIECE / 8).flat_map(|_| random.next().to_le_bytes()).collect());
    for connections in [1, 8] {
        large(suite, peer, &server, connections, &piece).await?;
        small(suite, peer, &server, connections, &piece).await?;
    }
    suite.note_memory("W7", "memory after artifacts", peer, &server);
    server.stop()
}

async fn large(
    suite: &mut Suite,
    peer: Peer,
    server: &Running,
    connections: usize,
    piece: &Rc<Vec<u8>>,
) -> Result<()> {
    let size = suite.pick(64 << 20, 256 << 20);
    let mut plan = suite.plan(connections);
    plan.warmup = std::time::Duration::ZERO;
    let up = |index| Up {
        name: format!("large-{index}"),
        numbered: false,
        next: 0,
        size,
        piece: Rc::clone(piece),
    };
    let measured = drive(server, plan, up).await?;
    let variant = format!("large up MiB, {connections} conn");
    suite.note_load("W7", &variant, peer, &measured, size as f64 / MIB);

    let down =
        |index| Down { requests: vec![get(&format!("{PROXY}/large-{index}.bin"))], next: 0, size };
    let measured = drive(server, plan, down).await?;
    let variant = format!("large down MiB, {connections} conn");
    suite.note_load("W7", &variant, peer, &measured, size as f64 / MIB);
    Ok(())
}

async fn small(
    suite: &mut Suite,
    peer: Peer,
    server: &Running,
    connections: usize,
    piece: &Rc<Vec<u8>>,
) -> Result<()> {
    let mut up = Up {
        name: format!("small-{connections}/fixed"),
        numbered: true,
        next: 0,
        size: SMALL,
        piece: Rc::clone(piece),
    };
    let mut connection = Connection::open(server.address).await?;
    for _ in 0..SMALL_FILES {
        up.once(&mut connection).await?;
    }
    let plan = suite.plan(connections);
    let measured = drive(server, plan, |index| Up {
        name: format!("small-{connections}/{index}"),
        numbered: true,
        next: 0,
        size: SMALL,
        piece: Rc::clone(piece),
    })
    .await?;
    let variant = format!("small up files, {connections} conn");
    suite.note_load("W7", &variant, peer, &measured, 1.0);

    let requests: Vec<Vec<u8>> = (0..SMALL_FILES)
        .map(|i| get(&format!("{PROXY}/small-{connections}/fixed-{i}.bin")))
        .collect();
    let measured = drive(server, plan, |index| Down {
        requests: requests.clone(),
        next: index * SMALL_FILES as usize / connections,
        size: SMALL,
    })
    .await?;
    let variant = format!("small down files, {connections} conn");
    suite.note_load("W7", &variant, peer, &measured, 1.0);
    Ok(())
}
