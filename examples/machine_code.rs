//! For those who work on the library: what functions of any program reach, as the machine fingerprint sees it.
//!
//! `machine_code PROGRAM NAME` prints the digest of each function whose name contains NAME; with a third
//! word also the pieces, each with its digest, its addresses in the file, and the piece that led to it.
//! `machine_code --changes BEFORE AFTER NAME` prints the pieces that differ between two builds.
#![allow(clippy::print_stdout, reason = "it is what an example does")]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--changes", before, after, name] => linux::print_changes(before, after, name),
        [program, name] => linux::print(program, name, false),
        [program, name, _] => linux::print(program, name, true),
        _ => Err("machine_code PROGRAM NAME [pieces], or --changes BEFORE AFTER NAME".into()),
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("there is a machine fingerprint for x86-64 programs of Linux only");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::error::Error;
    use std::fs::File;

    use rememo::__private::code::{Boundary, Piece, Program};

    pub(super) fn print(program: &str, name: &str, pieces: bool) -> Result<(), Box<dyn Error>> {
        let mut program = Program::read(&File::open(program)?, &Boundary::OF_THIS)?;
        let functions: Vec<_> = program.functions().filter(|(_, n)| n.contains(name)).collect();
        for (address, name) in functions {
            match program.reach(&[address]) {
                Ok(reach) => {
                    println!("{} {name}, {} pieces", hex(&reach.digest), reach.pieces.len());
                    for piece in reach.pieces.iter().filter(|_| pieces) {
                        let parent = piece.parent.map_or(String::new(), |parent| reach.pieces[parent].name());
                        println!(
                            "  {} {} {:x?} from {parent}",
                            hex(&piece.digest),
                            piece.name(),
                            piece.ranges
                        );
                    }
                }
                Err(obstacle) => println!("none: {name}: {obstacle}"),
            }
        }
        Ok(())
    }

    pub(super) fn print_changes(before: &str, after: &str, name: &str) -> Result<(), Box<dyn Error>> {
        let (before, after) = (pieces(before, name)?, pieces(after, name)?);
        for (sign, these, those) in [('-', &before, &after), ('+', &after, &before)] {
            for piece in these.iter().filter(|piece| !those.iter().any(|other| other.digest == piece.digest))
            {
                let way: Vec<_> = std::iter::successors(Some(piece), |piece| Some(&these[piece.parent?]))
                    .map(rememo::__private::code::Piece::name)
                    .collect();
                println!("{sign} {}", way.join(" <- "));
            }
        }
        Ok(())
    }

    fn pieces(program: &str, name: &str) -> Result<Vec<Piece>, Box<dyn Error>> {
        let mut program = Program::read(&File::open(program)?, &Boundary::OF_THIS)?;
        let found = program.functions().find(|(_, n)| n == name || n.ends_with(&format!("::{name}")));
        let (address, _) = found.ok_or("no function has that name")?;
        Ok(program.reach(&[address])?.pieces)
    }

    fn hex(digest: &[u8; 32]) -> String {
        let [first, ..] = digest.as_chunks::<8>().0 else { unreachable!("it has 32 bytes") };
        format!("{:016x}", u64::from_be_bytes(*first))
    }
}
