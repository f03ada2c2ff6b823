//! How a store is opened.

use crate::wire::{Reader, Writer};

/// How entries are laid out on disk. The directory records it when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// As the directory says. A new one gets [`Log`](Layout::Log) on Linux on ext4, xfs, f2fs, tmpfs and overlayfs, else
    /// [`Files`](Layout::Files).
    #[default]
    Auto,
    /// Small entries in an append-only log, found through a hash table that all processes map. Linux, and file systems where
    /// processes can share mapped memory: ext4, xfs, f2fs, tmpfs, overlayfs over one of them.
    Log,
    /// Every entry in a file of its own; works on every file system.
    Files,
}

/// What a power cut may take; a process that is killed loses nothing that it has stored, in any case. Never what is right: an entry
/// that is damaged is seen to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing waits for the disk; the last half minute may be lost.
    #[default]
    None,
    /// What was stored is on the disk once the last clone of the memory is dropped.
    OnClose,
    /// Each entry is on the disk before its call returns: a wait for the disk per store.
    Each,
}

/// How a store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Options {
    pub(crate) layout: Layout,
    /// Bytes on the disk that the store keeps itself to.
    pub(crate) budget: Option<u64>,
    pub(crate) durability: Durability,
    /// Whether nothing is made or changed.
    pub(crate) read_only: bool,
}

impl Options {
    /// For another process. The layout is not sent: the directory has it.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.option(self.budget, Writer::number);
        to.byte(match self.durability {
            Durability::None => 0,
            // A worker does not live to close it: what it stores is to be on the disk when this process closes.
            Durability::OnClose | Durability::Each => 1,
        });
        to.byte(self.read_only.into());
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let budget = from.option(Reader::number)?;
        let durability = match from.byte()? {
            0 => Durability::None,
            1 => Durability::Each,
            _ => return None,
        };
        let read_only = match from.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Options { budget, durability, read_only, ..Options::default() })
    }
}
