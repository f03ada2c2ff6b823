//! The compiler's lexer and layout: a fingerprint depends on neither.

use rememo::memo;

mod plain {
    #[rememo::memo(track = "body")]
    pub fn layout<'a>(first: &'a [i64], rest: Vec<Vec<i64>>) -> i64 {
        let shift = |x: i64| -> i64 { x >> 1 };
        match rest.first() {
            Some(row) if row.len() > 1 && !row.is_empty() => {
                shift(row[0])
            }
            _ => -first.iter().copied().max().unwrap_or(vec![1, -1][0]),
        }
    }
}

mod laid_out {
    /// Docs.
    #[rememo::memo(track = "body")]
    pub(crate) fn layout<'a,>(
        first: &'a [i64], // A comment.
        rest: Vec<Vec<i64> >,
    ) -> i64 {
        let shift=|x:i64|->i64{x>>1};
        match rest.first() {
            Some(row,) if row.len()>1&&!row.is_empty() => {
                /* Another. */
                shift(row[0],)
            },
            _ => - first.iter().copied().max().unwrap_or(
                vec![1, -1][0],
            ),
        }
    }
}

mod changed {
    #[rememo::memo(track = "body")]
    pub fn layout<'a>(first: &'a [i64], rest: Vec<Vec<i64>>) -> i64 {
        let shift = |x: i64| -> i64 { x >> 2 };
        match rest.first() {
            Some(row) if row.len() > 1 && !row.is_empty() => {
                shift(row[0])
            }
            _ => -first.iter().copied().max().unwrap_or(vec![1, -1][0]),
        }
    }
}

/// The function whose digest is pinned among the unit tests, where another lexer reads it.
#[memo(track = "body")]
fn pinned<'a>(first: &'a [u64], rest: Vec<Vec<u8>>) -> u64 {
    first[0] >> rest.len() << vec![1, 2 * 3][0] as u64
}

fn main() {
    assert_eq!(plain::layout::info().fingerprint(), laid_out::layout::info().fingerprint());
    assert_ne!(plain::layout::info().fingerprint(), changed::layout::info().fingerprint());
    let expected = "8b89fd346db6d03efce730fbbed9d6237f1a5f84e82c1c40ff0b5d437a5b502e";
    assert_eq!(pinned::info().fingerprint().to_string(), expected);
    let rest = vec![vec![8, 1]];
    assert_eq!(plain::layout::uncached(&[], rest.clone()), laid_out::layout::uncached(&[], rest.clone()));
    assert_ne!(plain::layout::uncached(&[], rest.clone()), changed::layout::uncached(&[], rest));
    assert_eq!(pinned::uncached(&[4], vec![vec![]]), 4);
}
