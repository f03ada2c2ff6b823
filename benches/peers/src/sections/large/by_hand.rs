//! Files by hand, whose names are known: raw bytes, which are the floor, and bincode. No key, no checksum, nothing shared.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};

use super::stores::Store;

struct Plain {
    path: PathBuf,
    count: usize,
}

struct Preallocated(File);

struct Bincode(PathBuf);

pub(super) fn open_plain(dir: &Path, count: usize) -> Box<dyn Store> {
    Box::new(Plain { path: dir.join("numbers"), count })
}

/// The file is made and has its space before the timing.
pub(super) fn open_preallocated(dir: &Path, count: usize) -> Box<dyn Store> {
    let file = File::create(dir.join("numbers")).expect("a fresh directory");
    fallocate(&file, FallocateFlags::empty(), 0, 8 * count as u64).expect("room on the disk");
    Box::new(Preallocated(file))
}

pub(super) fn open_bincode(dir: &Path, _: usize) -> Box<dyn Store> {
    Box::new(Bincode(dir.join("numbers")))
}

impl Store for Plain {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        let started = Instant::now();
        fs::write(&self.path, bytemuck::cast_slice::<_, u8>(&numbers)).expect("room on the disk");
        started.elapsed()
    }

    fn hit(&self, see: &mut dyn FnMut(&[f64])) {
        let mut numbers = vec![0.0; self.count];
        let mut file = File::open(&self.path).expect("a file that was written");
        file.read_exact(bytemuck::cast_slice_mut(&mut numbers)).expect("all of it");
        see(&numbers);
    }
}

impl Store for Preallocated {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        let started = Instant::now();
        self.0.write_all(bytemuck::cast_slice(&numbers)).expect("room in the file");
        started.elapsed()
    }

    fn hit(&self, _: &mut dyn FnMut(&[f64])) {
        unreachable!("it is there to be written only");
    }
}

impl Store for Bincode {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        let started = Instant::now();
        let bytes = bincode::encode_to_vec(&numbers, bincode::config::standard()).expect("numbers");
        fs::write(&self.0, bytes).expect("room on the disk");
        started.elapsed()
    }

    fn hit(&self, see: &mut dyn FnMut(&[f64])) {
        let bytes = fs::read(&self.0).expect("a file that was written");
        let (numbers, _): (Vec<f64>, _) =
            bincode::decode_from_slice(&bytes, bincode::config::standard()).expect("what was encoded");
        drop(bytes);
        see(&numbers);
    }
}
