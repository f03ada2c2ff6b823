//! Types that are kept in an encoding of their own, or without a look at what comes back.

use std::collections::HashMap;

use rememo::{Array, memo};

use crate::same::Same;
use crate::samples::Keeps;
use crate::ways::Ways;

/// The first function of each type, and its values.
macro_rules! plain {
    ($($name:ident: $type:ty, [$($value:expr),* $(,)?];)*) => {
        $(
            #[memo(track = "none")]
            fn $name(index: usize, round: u64) -> $type {
                crate::samples::pause(round);
                [$($value),*][index].clone()
            }
        )*

        pub fn check(ways: &mut Ways) {
            $(
                let count = [$(stringify!($value)),*].len();
                let keeps = |index| {
                    let is_err: &[bool] = &[$(stringify!($value).starts_with("Err(")),*];
                    if is_err[index] { Keeps::None } else { Keeps::All }
                };
                let name = |_| stringify!($type);
                ways.values(true, "plain value", &name, count, $name::delayed, $name::uncached, &keeps);
            )*
        }
    };
}

impl Same for Array<f64> {
    fn same(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.to_vec().same(&other.to_vec())
    }
}

plain! {
    float: f64, [0.0, -0.0, f64::NAN];
    texts: Vec<String>, [vec![], vec!["a".into(), "é☃".into()], vec!["x".repeat(70_000); 2]];
    pairs: Option<Vec<(u32, f64)>>, [None, Some(vec![]), Some(vec![(1, -0.0), (2, f64::NAN)])];
    map: HashMap<u64, HashMap<String, u8>>, [
        HashMap::new(),
        (0..40).map(|i| (i, (0..i).map(|j| (format!("{j}"), 1)).collect())).collect(),
    ];
    // The raw bytes of some look like an `Err` to who does not know that they are those of an `Ok`.
    bytes: Result<Vec<u8>, (u32, u8)>, [Ok(vec![]), Ok(vec![7]), Ok(vec![1, 0, 0, 0, 7]), Err((1, 2)), Ok(vec![3; 70_000])];
    arrays: (Array<f64>, String), [
        (vec![0.5, f64::NAN].into(), String::new()),
        (vec![1.5; 20_000].into(), "a".repeat(9)),
    ];
}
