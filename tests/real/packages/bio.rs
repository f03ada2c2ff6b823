//@ bio = { version = "=4.2.2", default-features = false }

use bio::alignment::distance::{hamming, levenshtein};
use bio::alignment::pairwise::Aligner;
use bio::alphabets::{self, RankTransform, dna};
use bio::data_structures::bwt::{Occ, bwt, less};
use bio::data_structures::fmindex::{BackwardSearchResult, FMIndex, FMIndexable};
use bio::data_structures::interval_tree::IntervalTree;
use bio::data_structures::suffix_array::suffix_array;
use bio::io::fasta;
use bio::pattern_matching::{bom::BOM, horspool::Horspool, kmp::KMP, myers::Myers, shift_and::ShiftAnd};
use bio::seq_analysis::{gc::gc_content, orf::Finder};

fn dna(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    (0..length).map(|_| b"ACGT"[next(&mut state) as usize % 4]).collect()
}

#[memo]
fn aligned(seed: u64) -> String {
    let score = |a: u8, b: u8| if a == b { 1 } else { -1 };
    let (x, y) = (dna(seed, 40), dna(seed + 1, 50));
    let alignment = Aligner::with_capacity(x.len(), y.len(), -5, -1, &score).semiglobal(&x, &y);
    format!("{} {}", alignment.score, alignment.cigar(false))
}

#[memo]
fn local(seed: u64) -> (i32, usize, usize) {
    let (x, y) = (dna(seed, 40), dna(seed + 1, 50));
    let alignment = Aligner::new(-3, -1, |a: u8, b: u8| if a == b { 2 } else { -2 }).local(&x, &y);
    (alignment.score, alignment.xstart, alignment.yend)
}

#[memo]
fn distances(seed: u64) -> (u64, u32) {
    let (x, y) = (dna(seed, 60), dna(seed + 1, 60));
    (hamming(&x, &y), levenshtein(&x, &y))
}

#[memo]
fn found(seed: u64) -> Vec<usize> {
    let (text, pattern) = (dna(seed, 900), b"ACG");
    let mut all: Vec<usize> = Horspool::new(pattern).find_all(&text).collect();
    all.extend(KMP::new(pattern).find_all(&text));
    all.extend(BOM::new(pattern).find_all(&text));
    all
}

#[memo]
fn shifted(seed: u64) -> Vec<usize> {
    ShiftAnd::new(b"GATT").find_all(dna(seed, 900)).collect()
}

#[memo]
fn nearly_found(seed: u64) -> Vec<(usize, u8)> {
    let text = dna(seed, 400);
    Myers::<u64>::new(b"ACGTACG").find_all_end(&text, 2).collect()
}

#[memo]
fn indexed(seed: u64) -> String {
    let mut text = dna(seed, 300);
    text.push(b'$');
    let alphabet = dna::n_alphabet();
    let array = suffix_array(&text);
    let transformed = bwt(&text, &array);
    let less = less(&transformed, &alphabet);
    let occ = Occ::new(&transformed, 3, &alphabet);
    let index = FMIndex::new(&transformed, &less, &occ);
    match index.backward_search(b"AC".iter()) {
        BackwardSearchResult::Complete(found) => format!("{:?}", found.occ(&array)),
        BackwardSearchResult::Partial(_, length) => format!("only {length}"),
        BackwardSearchResult::Absent => "none".to_owned(),
    }
}

#[memo]
fn frames(seed: u64) -> Vec<(usize, usize)> {
    let finder = Finder::new(vec![b"ATG"], vec![b"TGA", b"TAG", b"TAA"], 5);
    finder.find_all(&dna(seed, 900)).map(|orf| (orf.start, orf.end)).collect()
}

#[memo]
fn complemented(seed: u64) -> (String, f32) {
    let text = dna(seed, 50);
    let complement = alphabets::dna::revcomp(&text);
    (String::from_utf8(complement).unwrap(), gc_content(&text))
}

#[memo]
fn ranked(seed: u64) -> Vec<usize> {
    RankTransform::new(&alphabets::dna::alphabet()).qgrams(3, dna(seed, 40)).collect()
}

#[memo]
fn intervals(seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut tree = IntervalTree::new();
    for n in 0..40 {
        let start = next(&mut state) % 1000;
        tree.insert(start..start + 1 + n, n);
    }
    tree.find(300..600).map(|entry| *entry.data()).collect()
}

#[memo]
fn read(seed: u64) -> Vec<String> {
    let text = format!(">one first\nACGT\nAC\n>two{seed}\nGGG\n");
    let records = fasta::Reader::new(text.as_bytes()).records().map(|record| record.unwrap());
    records.map(|it| format!("{} {:?} {}", it.id(), it.desc(), it.seq().len())).collect()
}
