//! What the command is asked.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::units;

const EXAMPLES: &str = "\
Examples:
  rememo ls                          functions, and what is kept of them
  rememo ls simulate --sort took     the entries that took longest first
  rememo log simulate                how its code changed, and what is left of each state
  rememo prune --stale --dry-run     what earlier code has left, and would go
  rememo prune --bytes 10GB --unused 30d
  rememo --dir /data/cache verify

Exit status: 0; 1 if something is wrong, or could not be done; 2 for wrong usage, or where no cache is.";

/// Looks into a cache directory of rememo: what it holds, what it has saved, what may go.
#[derive(Debug, Parser)]
#[command(name = "rememo", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The directory; otherwise `$REMEMO_DIR`, or `rememo` below the user's cache directory.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Prints JSON, one object for each line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists functions, or the entries of one.
    Ls(Ls),
    /// Shows one entry, and whether it is sound.
    Show {
        /// The key, or its first digits, as `ls FUNCTION` shows them.
        key: String,
    },
    /// Tells whether an entry is of the latest code, what changed since, and what its value may depend on beside the key.
    Why {
        /// The key, or its first digits, as `ls FUNCTION` shows them.
        key: String,
    },
    /// Shows the states that the code of a function was in, and what changed.
    Log {
        /// The name, or what stands behind its last `::`.
        function: String,
    },
    /// Shows totals over all runs, and the last runs.
    Stats,
    /// Removes what is not worth keeping, and tells what goes and why.
    Prune(Prune),
    /// Reads every entry and compares it with its checksum.
    Verify {
        /// Removes what is damaged, and what killed processes left.
        #[arg(long)]
        remove: bool,
    },
    /// Removes entries, or all entries of a function.
    Rm {
        /// Keys or their first digits, or names of functions.
        #[arg(required = true, value_name = "KEY|FUNCTION")]
        what: Vec<String>,
    },
    /// Writes entries to a file, for a colleague or an archive.
    Export {
        /// The file: a tar file, in place of any there.
        file: PathBuf,
        /// The function whose entries are written; otherwise all.
        function: Option<String>,
    },
    /// Stores the entries of a file that `export` has written; those that are there stay.
    ///
    /// Each is checked. But who has made the file says what the values are.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Writes one page with charts and tables: what was saved and spent, by function and by run.
    Report {
        /// The file, in place of any there.
        #[arg(short = 'o', long = "output", value_name = "FILE", default_value = "rememo-report.html")]
        file: PathBuf,
    },
    /// Tries whether the directory is in order.
    Doctor,
    /// Prints a script that completes this command in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Ls {
    /// The function whose entries are listed: its name, or what stands behind its last `::`.
    pub(crate) function: Option<String>,

    /// What comes first. Entries without this come as they are found, at once.
    #[arg(long, value_enum)]
    pub(crate) sort: Option<Sort>,

    /// At most so many lines.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// What comes first in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// Names from a on; arguments of entries.
    Name,
    /// The most entries.
    Entries,
    /// The largest.
    Size,
    /// The newest.
    Age,
    /// What took longest.
    Took,
    /// What was used last.
    Used,
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("limit").required(true).multiple(true)
    .args(["bytes", "items", "age", "unused", "stale"])))]
pub(crate) struct Prune {
    /// Entries that are worth least go until the rest takes no more than this, such as `10GB`.
    #[arg(long, value_name = "SIZE")]
    pub(crate) bytes: Option<ByteSize>,

    /// Entries that are worth least go until so many are left.
    #[arg(long, value_name = "N")]
    pub(crate) items: Option<u64>,

    /// Entries go that were stored so long ago, such as `30d`.
    #[arg(long, value_name = "TIME", value_parser = units::parse_time)]
    pub(crate) age: Option<Duration>,

    /// Entries go that were not used for so long.
    #[arg(long, value_name = "TIME", value_parser = units::parse_time)]
    pub(crate) unused: Option<Duration>,

    /// Entries of earlier code go, if nobody used that state of the code for a week, or for TIME: branches of a project may take
    /// turns in one directory.
    #[arg(long, value_name = "TIME", value_parser = units::parse_time, num_args = 0..=1,
        require_equals = true, default_missing_value = "7d")]
    pub(crate) stale: Option<Duration>,

    /// Only entries of this function go, and count.
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,

    /// Only tells what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
