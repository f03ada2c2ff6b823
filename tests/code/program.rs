//! A compiled program and the digests of its functions.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use rememo::__private::code::{Boundary, Obstacle, Program, Reach};

use crate::build::succeed;

/// A program in a file.
pub struct Compiled {
    pub path: PathBuf,
    program: Program,
}

impl Compiled {
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        Self::try_read(path).unwrap_or_else(|obstacle| panic!("{}: {obstacle}", path.display()))
    }

    pub fn try_read(path: &Path) -> Result<Self, Obstacle> {
        let program = Program::read(&File::open(path).unwrap(), &Boundary::OF_THIS)?;
        Ok(Compiled { path: path.to_owned(), program })
    }

    /// The address of the function of this name.
    #[track_caller]
    pub fn address(&self, name: &str) -> u64 {
        self.find(name).unwrap_or_else(|| panic!("no function is called {name}"))
    }

    pub fn find(&self, name: &str) -> Option<u64> {
        let mut found =
            self.program.functions().filter(|(_, n)| n == name || n.ends_with(&format!("::{name}")));
        found.next().map(|(address, _)| address)
    }

    pub fn try_reach(&mut self, name: &str) -> Result<Reach, Obstacle> {
        self.try_reach_at(self.address(name))
    }

    pub fn try_reach_at(&mut self, address: u64) -> Result<Reach, Obstacle> {
        self.program.reach(&[address])
    }

    #[track_caller]
    pub fn reach(&mut self, name: &str) -> Reach {
        self.try_reach(name).unwrap_or_else(|obstacle| panic!("{name}: {obstacle}"))
    }

    /// What the function can come to of the C library, each with the way there.
    #[track_caller]
    pub fn outside(&mut self, name: &str) -> Vec<String> {
        let reach = self.reach(name);
        let outside = self.program.outside(&reach);
        outside.iter().map(|found| format!("{} {}", found.name, found.way.join(" → "))).collect()
    }

    #[track_caller]
    pub fn digest(&mut self, name: &str) -> [u8; 32] {
        self.reach(name).digest
    }

    /// What the program prints, unless it ends otherwise than well.
    pub fn try_run(&self) -> Option<String> {
        let output = Command::new(&self.path).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What the program prints.
    #[track_caller]
    pub fn run(&self) -> String {
        succeed(Command::new(&self.path), "")
    }
}
