//! Turns a folder of PDF files into plain text and counts their words; each file in a worker process, with a time limit.
//!
//! ```text
//! cd examples/documents
//! cargo run --release             # the files in examples/documents/files, and some that are made
//! cargo run --release             # again: nothing is computed but what has failed
//! cargo run --release -- FOLDER   # the PDF files of any other folder
//! ```
//!
//! Readers of PDF meet files that nobody has thought of: on three of those that [`made`] writes, the library crashes, panics, and
//! goes on for hours. Each costs one worker process, and none of the others its text.
//!
//! The key of a text is the content of the file. The words are counted by a second memoized function, whose argument is the result of
//! the first. Results are kept in `target/rememo-documents`, or in `$REMEMO_DIR` where that is set.

mod made;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rememo::{Executor, InputFile, Memory, Parallel, TaskErrorKind, memo};

/// What a file may take. The slowest of those that end takes some hundredths of a second, and half a second where nothing is optimized.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What a worker process may take, in bytes.
const MEMORY_LIMIT: u64 = 1 << 30;

#[memo]
fn text_of(file: &InputFile) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    pdf_extract::extract_text_from_mem(&bytes).map_err(|error| error.to_string())
}

/// How often each word of at least four letters is in a text.
#[memo]
fn count_words(text: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 4) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}

#[rememo::main]
fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::var_os("REMEMO_DIR").map_or("target/rememo-documents".into(), PathBuf::from);
    let memory = Memory::open(directory)?;
    let Some(folder) = std::env::args_os().nth(1) else {
        let folder = tempfile::tempdir()?;
        for InputFile(path) in pdf_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("files"))? {
            fs::copy(&path, folder.path().join(path.file_name().unwrap_or_default()))?;
        }
        made::write_all(folder.path())?;
        let failed = read_all(&memory, folder.path())?;
        let expected = [TaskErrorKind::TimedOut, TaskErrorKind::Crashed, TaskErrorKind::Panicked];
        assert_eq!(failed, expected, "what failed, in the order of the files' names");
        return Ok(());
    };
    read_all(&memory, Path::new(&folder))?;
    Ok(())
}

/// Reads the PDF files of a folder and prints what came of it; returns in which ways some of them failed.
fn read_all(memory: &Memory, folder: &Path) -> Result<Vec<TaskErrorKind>, Box<dyn Error>> {
    let files = pdf_files(folder)?;
    // Whoever reads it is a process of its own; its panics are in the errors.
    let workers = Executor::processes().memory_limit(MEMORY_LIMIT).pass_output(false);
    let reading = Parallel::new().memory(memory).executor(workers).timeout(TIME_LIMIT);
    let results = reading.run_all(files.iter().map(text_of::delayed));
    let hits = memory.stats().hits;

    let (mut texts, mut failed) = (Vec::new(), Vec::new());
    for (file, result) in files.iter().zip(results) {
        let name = file.0.file_name().unwrap_or_default().display();
        match result {
            Ok(Ok(text)) => texts.push(text),
            // No value is kept of it: it is read again next time.
            Ok(Err(reason)) => println!("  {name} is no PDF that can be read: {reason}"),
            Err(error) => {
                println!("  {name} {}: {}", error.kind(), error.message());
                failed.push(error.kind());
            }
        }
    }
    println!("{} of {} files read, {hits} of them remembered", texts.len(), files.len());

    let counts = Parallel::new().memory(memory).run(texts.iter().map(|text| count_words::delayed(text)))?;
    let mut total = BTreeMap::<String, u64>::new();
    for (word, count) in counts.into_iter().flatten() {
        *total.entry(word).or_default() += count;
    }
    let mut words: Vec<_> = total.iter().map(|(word, count)| (*count, word)).collect();
    words.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    let most: Vec<_> = words.iter().take(5).map(|(count, word)| format!("{word} {count}")).collect();
    println!(
        "{} different words counted in {} texts, {} of them remembered; most often: {}",
        words.len(),
        texts.len(),
        memory.stats().hits - hits,
        most.join(", ")
    );
    Ok(failed)
}

/// The PDF files of a folder, by name.
fn pdf_files(folder: &Path) -> io::Result<Vec<InputFile>> {
    let entries = fs::read_dir(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let is_pdf =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"));
    let mut files: Vec<_> = paths.into_iter().filter(is_pdf).map(InputFile).collect();
    files.sort();
    Ok(files)
}
