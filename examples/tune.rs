//! Picks a random forest by cross-validated grid search on real data, and remembers every fit.
//!
//! ```text
//! cargo run --release --example tune              # 48 forests on 5 folds: 240 fits
//! cargo run --release --example tune              # again: nothing is computed
//! cargo run --release --example tune -- --wider   # 16 forests more: only their 80 fits are computed
//! ```
//!
//! The data are the 1,797 handwritten digits of 8 × 8 pixels ("Optical Recognition of Handwritten Digits", UCI)
//! that smartcore ships. Results are kept in `target/rememo-tune`, or in `$REMEMO_DIR` where that is set.
#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use rememo::{Memory, Parallel, memo};
use serde::{Serialize, Serializer};
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// How many parts the images are split into; each part is held out once.
const FOLDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let directory = std::env::var_os("REMEMO_DIR").map_or("target/rememo-tune".into(), PathBuf::from);
    let memory = Memory::open(directory)?;

    let wider = std::env::args().any(|argument| argument == "--wider");
    let forests = grid(if wider { &[4, 8, 16, 32] } else { &[4, 8, 16] });
    let digits = Digits::load();
    let fits = || forests.iter().flat_map(|&forest| folds().map(move |fold| (forest, fold)));
    let calls = || fits().map(|(forest, fold)| misread::delayed(&digits, forest, fold));

    // Which fits are remembered is known before anything runs, and none of them is computed.
    let known = calls().filter(|call| memory.contains(call)).count();
    let before = memory.stats();
    let errors = Parallel::new().memory(&memory).run(calls())?;
    let after = memory.stats();
    let (hits, joined) = (after.hits - before.hits, after.joined - before.joined);
    let computed = errors.len() as u64 - hits - joined;
    assert_eq!(computed, after.misses - before.misses);
    assert!(hits >= known as u64, "more are hits only if another process computes the same meanwhile");

    // Remembered or computed, it is what the function returns.
    let (forest, fold) = fits().next().expect("the grid is not empty");
    assert_eq!(errors[0], misread::uncached(&digits, forest, fold));

    print_best(&forests, &errors, digits.labels.len());
    let seconds = start.elapsed().as_secs_f64();
    println!("{} calls: {} remembered, {computed} computed, {seconds:.2} s", errors.len(), hits + joined);
    Ok(())
}

/// Grows a forest on all images but the held-out ones, and counts those of the held-out ones that it misreads.
#[memo]
fn misread(digits: &Digits, forest: Forest, held_out: Fold) -> u32 {
    const SEED: u64 = 1;
    let (test, training): (Vec<usize>, Vec<usize>) =
        (0..digits.labels.len()).partition(|image| image % held_out.of == held_out.index);
    let pixels = |images: &[usize]| {
        let image =
            |&at: &usize| digits.pixels[64 * at..][..64].iter().map(|&pixel| f32::from(pixel)).collect();
        DenseMatrix::from_2d_vec(&images.iter().map(image).collect()).expect("images are of one size")
    };
    let labels = |images: &[usize]| images.iter().map(|&at| digits.labels[at]).collect::<Vec<u8>>();

    let parameters = RandomForestClassifierParameters::default()
        .with_n_trees(forest.trees)
        .with_m(forest.candidates)
        .with_min_samples_leaf(forest.leaf)
        .with_seed(SEED);
    let model = RandomForestClassifier::fit(&pixels(&training), &labels(&training), parameters)
        .expect("the parameters are valid");
    let read = model.predict(&pixels(&test)).expect("the model is fitted");
    read.into_iter().zip(labels(&test)).map(|(read, label)| u32::from(read != label)).sum()
}

/// Scanned digits of 8 × 8 pixels from 0 (white) to 16 (black), one after the other, and what each shows.
#[derive(Serialize)]
struct Digits {
    #[serde(serialize_with = "as_bytes")]
    pixels: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    labels: Vec<u8>,
}

/// Hands all bytes over at once, which makes a key sooner than one by one.
fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The parameters that are searched.
#[derive(Clone, Copy, Debug, Serialize)]
struct Forest {
    trees: u16,
    /// Of how many pixels, drawn anew at each node, the best one splits it.
    candidates: usize,
    /// The least number of images in a leaf.
    leaf: usize,
}

/// Every `of`-th image, from the `index`-th on.
#[derive(Clone, Copy, Serialize)]
struct Fold {
    index: usize,
    of: usize,
}

impl Digits {
    fn load() -> Digits {
        let data = smartcore::dataset::digits::load_dataset();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "integers from 0 to 16")]
        let bytes = |values: &[f32]| values.iter().map(|&value| value as u8).collect();
        Digits { pixels: bytes(&data.data), labels: bytes(&data.target) }
    }
}

fn grid(trees: &[u16]) -> Vec<Forest> {
    let mut forests = Vec::new();
    for &trees in trees {
        for candidates in [4, 8, 12, 16] {
            for leaf in [1, 2, 4, 8] {
                forests.push(Forest { trees, candidates, leaf });
            }
        }
    }
    forests
}

fn folds() -> impl Iterator<Item = Fold> {
    (0..FOLDS).map(|index| Fold { index, of: FOLDS })
}

fn print_best(forests: &[Forest], errors: &[u32], images: usize) {
    let total = |errors: &[u32]| errors.iter().sum::<u32>();
    let mut ranking: Vec<_> = errors.chunks(FOLDS).map(total).zip(forests).collect();
    ranking.sort_by_key(|&(errors, _)| errors);
    println!("trees  candidates  leaf  misread of {images}");
    for (errors, Forest { trees, candidates, leaf }) in &ranking[..5] {
        println!("{trees:>5}  {candidates:>10}  {leaf:>4}  {errors:>7}");
    }
}
