//! The parts of the benchmark: each measures, prints its table, and notes the figures to reach.

pub(crate) mod hit;
pub(crate) mod large;
pub(crate) mod million;
pub(crate) mod parallel;
pub(crate) mod processes;
pub(crate) mod sweep;

use crate::options::Options;
use crate::peers::{PEERS, Peer, REFERENCE};
use crate::place::Places;
use crate::python::{self, Python};

/// What every section is given.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    /// Where stores are made.
    pub(crate) places: &'a Places,
    /// An `Err` says why there is none.
    pub(crate) python: &'a Result<Python, String>,
}

impl Bench<'_> {
    /// The peers that are asked for, the reference first.
    pub(crate) fn peers(&self) -> Vec<&'static Peer> {
        PEERS.iter().filter(|peer| peer.name == REFERENCE || self.options.wants(peer.name)).collect()
    }

    /// The names of the peers in Python that are asked for.
    pub(crate) fn python_peers(&self) -> Vec<&'static str> {
        python::PEERS.into_iter().filter(|name| self.options.wants(name)).collect()
    }
}
