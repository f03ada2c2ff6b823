//! Describes every picture of a folder and finds near-duplicates; a picture is described once in its life.
//!
//! ```text
//! cd examples/photos
//! cargo run --release             # the pictures in examples/photos/pictures
//! cargo run --release             # again: nothing is computed
//! cargo run --release -- FOLDER   # the PNG and JPEG files of any other folder
//! ```
//!
//! The key of a description is the content of the file: a picture that is renamed, moved or copied is still
//! remembered, one that is edited is not. Results are kept in `target/rememo-photos`, or in `$REMEMO_DIR` where
//! that is set.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, RgbImage};
use rememo::{Memory, Parallel, memo};
use serde::{Deserialize, Serialize};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::var_os("REMEMO_DIR").map_or("target/rememo-photos".into(), PathBuf::from);
    let memory = Memory::open(directory)?;
    let own_pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures");
    let folder = std::env::args_os().nth(1).map_or(own_pictures, PathBuf::from);

    let (album, _) = describe_all(&memory, &folder)?;
    print_near_duplicates(&album);

    // The same pictures in another folder, and one more: an edited copy of the first.
    let Some((original, _)) = album.first() else { return Ok(()) };
    let copies = tempfile::tempdir()?;
    for (name, _) in &album {
        fs::copy(folder.join(name), copies.path().join(name))?;
    }
    let edited = copies.path().join("edited-copy.png");
    edit(&image::load_from_memory(&fs::read(folder.join(original))?)?).save(&edited)?;
    memory.remove(&describe::delayed(&fs::read(&edited)?))?; // an earlier run of this program described it
    let (grown, computed) = describe_all(&memory, copies.path())?;
    assert_eq!(computed, 1, "only the added picture is new, the copies are remembered");
    let near_duplicates = print_near_duplicates(&grown);
    let is_expected =
        |pair: &[&str; 2]| pair.contains(&"edited-copy.png") && pair.contains(&original.as_str());
    assert!(near_duplicates.iter().any(is_expected), "the copy is found, though it was edited");
    Ok(())
}

/// What is kept of a picture.
#[derive(Clone, Serialize, Deserialize)]
struct Description {
    width: u32,
    height: u32,
    /// The strength of the edges at each point of the picture, made small; row by row.
    edges: Vec<u8>,
    /// Which share of the picture has each of 4 × 4 × 4 colours.
    colours: Vec<f32>,
    /// One bit for each of 8 × 8 places: does the picture get brighter to the right?
    brightness_hash: u64,
}

#[memo]
fn describe(file: &[u8]) -> Result<Description, String> {
    let picture = image::load_from_memory(file).map_err(|error| error.to_string())?;
    let small = picture.resize(256, 256, FilterType::Triangle);
    Ok(Description {
        width: picture.width(),
        height: picture.height(),
        edges: sobel(&small.to_luma8()),
        colours: histogram(&small.to_rgb8()),
        brightness_hash: difference_hash(&small),
    })
}

/// The length of the brightness gradient at each inner pixel (Sobel), at most 255.
fn sobel(picture: &GrayImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut edges = Vec::new();
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let at = |column: u32, row: u32| i32::from(picture.get_pixel(x + column - 1, y + row - 1).0[0]);
            let across = at(2, 0) + 2 * at(2, 1) + at(2, 2) - at(0, 0) - 2 * at(0, 1) - at(0, 2);
            let down = at(0, 2) + 2 * at(1, 2) + at(2, 2) - at(0, 0) - 2 * at(1, 0) - at(2, 0);
            let length = (across * across + down * down).isqrt();
            edges.push(u8::try_from(length).unwrap_or(u8::MAX));
        }
    }
    edges
}

fn histogram(picture: &RgbImage) -> Vec<f32> {
    let share = 1.0 / picture.pixels().map(|_| 1.0).sum::<f32>();
    let mut shares = vec![0.0; 64];
    for pixel in picture.pixels() {
        let [red, green, blue] = pixel.0.map(|channel| usize::from(channel / 64));
        shares[16 * red + 4 * green + blue] += share;
    }
    shares
}

/// The difference hash (dHash): it stays nearly the same when a picture is scaled, brightened or compressed.
fn difference_hash(picture: &DynamicImage) -> u64 {
    let grey = picture.resize_exact(9, 8, FilterType::Triangle).to_luma8();
    let brightness = |x, y| grey.get_pixel(x, y).0[0];
    (0..64)
        .filter(|bit| brightness(bit % 8, bit / 8) < brightness(bit % 8 + 1, bit / 8))
        .map(|bit| 1 << bit)
        .sum()
}

type Album = Vec<(String, Description)>;

/// Describes the pictures of a folder in the order of their names; also says how many had to be computed.
fn describe_all(memory: &Memory, folder: &Path) -> Result<(Album, u64), Box<dyn Error>> {
    let paths = pictures_in(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let calls = || files.iter().map(|file| describe::delayed(file));

    let remembered: Vec<bool> = calls().map(|call| memory.contains(&call)).collect();
    let before = memory.stats();
    let descriptions = Parallel::new().memory(memory).run(calls())?;
    let after = memory.stats();
    println!("{}:", folder.display());
    let mut album = Album::new();
    for ((path, remembered), description) in paths.iter().zip(remembered).zip(descriptions) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        print!("  {} {name:<24}", if remembered { "hit " } else { "miss" });
        match description {
            Ok(description) => {
                let Description { width, height, edges, brightness_hash, .. } = &description;
                let strong = 1000 * edges.iter().filter(|&&edge| edge > 100).count() / edges.len().max(1);
                println!(" {width:>5} × {height:<5} {strong:>4} ‰ edges  hash {brightness_hash:016x}");
                album.push((name, description));
            }
            Err(reason) => println!(" left out: {reason}"), // and not remembered, since it failed
        }
    }
    let (hits, misses) = (after.hits - before.hits, after.misses - before.misses);
    println!("  {} pictures: {hits} remembered, {misses} computed", files.len());
    Ok((album, misses))
}

fn pictures_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().unwrap_or_default();
        if ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Compares every two pictures; that is cheap, and so not remembered.
fn print_near_duplicates(album: &Album) -> Vec<[&str; 2]> {
    let mut found = Vec::new();
    for (index, (first_name, first)) in album.iter().enumerate() {
        for (second_name, second) in &album[..index] {
            let bits = (first.brightness_hash ^ second.brightness_hash).count_ones();
            let differences =
                first.colours.iter().zip(&second.colours).map(|(one, other)| (one - other).abs());
            let colours = differences.sum::<f32>() / 2.0; // 0: the same colours, 1: no colour in common
            if bits <= 10 && colours <= 0.4 {
                let percent = 100.0 * colours;
                println!("  near-duplicates: {second_name} and {first_name}");
                println!("    {bits} of 64 bits of the hashes and {percent:.0} % of the colours differ");
                found.push([first_name.as_str(), second_name.as_str()]);
            }
        }
    }
    found
}

/// A hundredth cut off at each side, scaled to three quarters, brightened a little.
fn edit(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let inner = picture.crop_imm(width / 100, height / 100, width - width / 50, height - height / 50);
    inner.resize(width * 3 / 4, height * 3 / 4, FilterType::CatmullRom).brighten(12)
}
