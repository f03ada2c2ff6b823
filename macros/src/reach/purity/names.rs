//! Names of the standard library, and of crates that many use, that read or change the outside world.

/// Whether a path is in the table.
pub(super) fn is_listed(path: &[&str]) -> bool {
    // A name alone is none of another crate's.
    let [first, _, ..] = path else { return false };
    let of_crate = |listed: &&&str| listed.strip_prefix(first).is_some_and(|rest| rest.starts_with("::"));
    NAMES.iter().filter(of_crate).any(|listed| matches(listed, path))
}

/// Whether a path may be any function of a crate.
pub(super) fn is_any(path: &[&str]) -> bool {
    is_listed(path) && NAMES.iter().all(|listed| listed.ends_with('*') || !matches(listed, path))
}

/// Whether a path is meant: `*` stands for any function, `**` for any modules and types.
fn matches(listed: &str, path: &[&str]) -> bool {
    if let Some((first, last)) = listed.split_once("::**::") {
        let last: Vec<&str> = last.split("::").collect();
        return path.len() > last.len()
            && path[0] == first
            && path.iter().rev().zip(last.iter().rev()).all(|(a, b)| a == b);
    }
    let segments: Vec<&str> = listed.split("::").collect();
    let is_meant = |(listed, written): (&&str, &&str)| match *listed {
        "*" => written.starts_with(|c: char| c.is_lowercase()),
        name => name == *written,
    };
    segments.len() == path.len() && segments.iter().zip(path).all(is_meant)
}

/// One name a line, crate by crate. Types alone are not listed: to take a `File` is not yet to read it, and whoever opened it
/// is told of. Nor is printing, which changes no result.
pub(super) const NAMES: [&str; 114] = [
    "std::collections::hash_map::RandomState::new",
    "std::env::args",
    "std::env::args_os",
    "std::env::current_dir",
    "std::env::current_exe",
    "std::env::home_dir",
    "std::env::remove_var",
    "std::env::set_current_dir",
    "std::env::set_var",
    "std::env::temp_dir",
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::env::vars_os",
    "std::fs::DirBuilder::new",
    "std::fs::File::create",
    "std::fs::File::create_new",
    "std::fs::File::open",
    "std::fs::File::options",
    "std::fs::OpenOptions::new",
    "std::fs::canonicalize",
    "std::fs::copy",
    "std::fs::create_dir",
    "std::fs::create_dir_all",
    "std::fs::exists",
    "std::fs::hard_link",
    "std::fs::metadata",
    "std::fs::read",
    "std::fs::read_dir",
    "std::fs::read_link",
    "std::fs::read_to_string",
    "std::fs::remove_dir",
    "std::fs::remove_dir_all",
    "std::fs::remove_file",
    "std::fs::rename",
    "std::fs::set_permissions",
    "std::fs::symlink_metadata",
    "std::fs::write",
    "std::hash::RandomState::new",
    "std::io::read_to_string",
    "std::io::stdin",
    "std::net::TcpListener::bind",
    "std::net::TcpStream::connect",
    "std::net::TcpStream::connect_timeout",
    "std::net::UdpSocket::bind",
    "std::os::unix::fs::symlink",
    "std::os::unix::net::UnixDatagram::bind",
    "std::os::unix::net::UnixListener::bind",
    "std::os::unix::net::UnixStream::connect",
    "std::process::Command::new",
    "std::process::abort",
    "std::process::exit",
    "std::process::id",
    "std::thread::available_parallelism",
    "std::thread::current",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "chrono::**::Local::now",
    "chrono::**::Utc::now",
    "dirs::*",
    "fastrand::*",
    "fastrand::Rng::new",
    "fs_err::*",
    "getrandom::fill",
    "getrandom::getrandom",
    "getrandom::u32",
    "getrandom::u64",
    "glob::glob",
    "hostname::get",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "libc::clock_gettime",
    "libc::getenv",
    "libc::getpid",
    "libc::getrandom",
    "libc::open",
    "libc::rand",
    "libc::random",
    "libc::time",
    "memmap2::Mmap::map",
    "num_cpus::get",
    "num_cpus::get_physical",
    "rand::**::OsRng",
    "rand::**::SysRng",
    "rand::**::ThreadRng::default",
    "rand::**::from_entropy",
    "rand::**::from_os_rng",
    "rand::fill",
    "rand::make_rng",
    "rand::random",
    "rand::random_bool",
    "rand::random_iter",
    "rand::random_range",
    "rand::random_ratio",
    "rand::rng",
    "rand::thread_rng",
    "reqwest::blocking::Client::new",
    "reqwest::blocking::get",
    "tempfile::NamedTempFile::new",
    "tempfile::tempdir",
    "tempfile::tempfile",
    "time::OffsetDateTime::now_local",
    "time::OffsetDateTime::now_utc",
    "ureq::delete",
    "ureq::get",
    "ureq::head",
    "ureq::post",
    "ureq::put",
    "uuid::**::Uuid::new_v4",
    "uuid::**::Uuid::now_v1",
    "uuid::**::Uuid::now_v6",
    "uuid::**::Uuid::now_v7",
    "walkdir::WalkDir::new",
    "whoami::*",
];
