//! Keys of large arguments and of a large file, beside blake3 over the same bytes.
//!
//! In every round each has its turn. A figure of rememo or joblib is that of a call that is a hit with a number as its value: the key, and
//! a look-up of less than a microsecond in rememo's case. blake3's are of its own functions over the bytes in memory. The file is in
//! the page cache; before a first time its time of modification is set and the two seconds pass in which rememo does not rely on such
//! times. Outside the timing: making the data, writing the file, storing the calls.

use std::fs::{self, File, FileTimes};
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rememo::{FunctionCall, InputFile, Memory, memo};
use serde::Serialize;

use super::{Bench, Joblib, data, rememo::open};
use crate::goals::Goals;
use crate::options::Large;
use crate::table::{Table, ratio, time};
use crate::timing::{median, whole};

/// How long the state of a file has to have lasted until rememo remembers its digest, and somewhat more.
const SETTLED: Duration = Duration::from_millis(2200);
/// Bytes that are read at once where a file is read alone.
const READ: usize = 1 << 20;

const ONE_THREAD: &str = "blake3, `update`";
const ALL_THREADS: &str = "blake3, `update_rayon`";
const SLICE: &str = "rememo, `&[f64]`";
const STRUCT: &str = "rememo, a struct of three thirds";
const JOBLIB_SLICE: &str = "joblib, an array";
const JOBLIB_STRUCT: &str = "joblib, a dictionary of three thirds";
const READING: &str = "reading the file alone, 1 MiB at a time";
const FIRST: &str = "rememo, `InputFile`, first time";
const SECOND: &str = "rememo, `InputFile`, second time";
const ROWS: [&str; 9] =
    [ONE_THREAD, ALL_THREADS, SLICE, STRUCT, JOBLIB_SLICE, JOBLIB_STRUCT, READING, FIRST, SECOND];

#[derive(Serialize)]
struct Three {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

#[memo]
fn of_slice(data: &[f64]) -> f64 {
    data[0]
}

#[memo]
fn of_struct(data: &Three) -> f64 {
    data.x[0] + data.y[0] + data.z[0]
}

#[memo]
fn of_file(file: &InputFile) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// Nanoseconds, for each of [`ROWS`].
#[derive(Default)]
struct Figures([Vec<f64>; ROWS.len()]);

impl Figures {
    fn note(&mut self, row: &str, nanos: f64) {
        let place = ROWS.iter().position(|other| *other == row).expect("a row");
        self.0[place].push(nanos);
    }

    fn median(&self, row: &str) -> Option<f64> {
        let place = ROWS.iter().position(|other| *other == row)?;
        (!self.0[place].is_empty()).then(|| median(&self.0[place]))
    }
}

pub(super) fn run(
    bench: &Bench<'_>,
    size: &Large,
    python: Result<&mut Joblib, &mut &String>,
    goals: &mut Goals,
) {
    let place = bench.places.place();
    let memory = open(&place.path().join("cache"));
    let mut figures = Figures::default();
    arguments(&memory, size, &mut figures);
    file(&memory, &place.path().join("input"), size, &mut figures);
    if let Ok(child) = python
        && bench.options.wants("joblib")
    {
        let order = format!("keys\t{}\t{}", place.path().join("joblib").display(), size.rounds);
        for (name, figure) in child.0.order(&order) {
            figures.note(if name == "slice" { JOBLIB_SLICE } else { JOBLIB_STRUCT }, figure);
        }
    }
    place.remove();
    print(&figures, size);
    note_goals(&figures, size, goals);
}

/// Rounds of blake3, the slice and the struct.
fn arguments(memory: &Memory, size: &Large, figures: &mut Figures) {
    let numbers = data::numbers(data::SEED, size.count);
    let thirds = numbers.chunks(size.count.div_ceil(3)).map(<[f64]>::to_vec);
    let Ok([x, y, z]) = <[Vec<f64>; 3]>::try_from(thirds.collect::<Vec<_>>()) else {
        unreachable!("three thirds")
    };
    let three = Three { x, y, z };
    memory.call(of_slice::delayed(&numbers));
    memory.call(of_struct::delayed(&three));
    for _ in 0..size.rounds {
        let bytes: &[u8] = bytemuck::cast_slice(&numbers);
        let started = Instant::now();
        black_box(blake3::Hasher::new().update(bytes).finalize());
        figures.note(ONE_THREAD, whole(started.elapsed()));
        let started = Instant::now();
        black_box(blake3::Hasher::new().update_rayon(bytes).finalize());
        figures.note(ALL_THREADS, whole(started.elapsed()));
        figures.note(SLICE, hit(memory, of_slice::delayed(&numbers)));
        figures.note(STRUCT, hit(memory, of_struct::delayed(&three)));
    }
}

/// Rounds of reading the file, its first key and its second.
fn file(memory: &Memory, path: &Path, size: &Large, figures: &mut Figures) {
    let numbers = data::numbers(data::SEED, size.count);
    fs::write(path, bytemuck::cast_slice::<_, u8>(&numbers)).expect("room on the disk");
    drop(numbers);
    let input = InputFile::new(path);
    memory.call(of_file::delayed(&input));
    let mut buffer = vec![0; READ];
    for round in 1..=size.rounds.min(3) {
        let started = Instant::now();
        let mut file = File::options().read(true).write(true).open(path).expect("our own file");
        while file.read(&mut buffer).expect("our own file") > 0 {}
        figures.note(READING, whole(started.elapsed()));
        // Another stamp: what is remembered is of another state of the file.
        let modified = UNIX_EPOCH + Duration::from_secs(round as u64);
        file.set_times(FileTimes::new().set_modified(modified)).expect("our own file");
        thread::sleep(SETTLED);
        figures.note(FIRST, hit(memory, of_file::delayed(&input)));
        for _ in 0..5 {
            figures.note(SECOND, hit(memory, of_file::delayed(&input)));
        }
    }
}

/// Nanoseconds of a call that is a hit.
fn hit<A, T>(memory: &Memory, call: FunctionCall<A, T>) -> f64
where
    FunctionCall<A, T>: rememo::Call<Output = T>,
{
    let started = Instant::now();
    let outcome = memory.call_info(call);
    let time = started.elapsed();
    assert!(outcome.is_hit(), "{}", outcome.source);
    whole(time)
}

fn print(figures: &Figures, size: &Large) {
    let mut table = Table::new(&[size.name, "time", ": `update`", ": `update_rayon`"]);
    let baselines = [ONE_THREAD, ALL_THREADS].map(|row| figures.median(row).expect("it was measured"));
    for row in ROWS {
        if let Some(figure) = figures.median(row) {
            let [one, all] = baselines.map(|baseline| format!("{} ×", ratio(figure / baseline)));
            table.row(&[row.to_owned(), time(figure), one, all]);
        }
    }
    table.print(&format!("A key of {}", size.name));
}

fn note_goals(figures: &Figures, size: &Large, goals: &mut Goals) {
    let Some(blake3) = figures.median(ALL_THREADS) else { return };
    let name = size.name;
    for (what, row) in
        [("`&[f64]`", SLICE), ("a struct of three thirds", STRUCT), ("`InputFile`, first time,", FIRST)]
    {
        if let Some(key) = figures.median(row) {
            goals.ratio(&format!("key of {what} of {name}"), key, (ALL_THREADS, blake3), 1.2);
        }
    }
}
