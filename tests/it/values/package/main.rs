//! Has values of many types go every way.
#![allow(warnings, reason = "types are made for serde, not for people")]

mod borrowed;
mod helpers;
mod plain;
mod random;
mod same;
mod samples;
mod types;
mod ways;

fn main() {
    rememo::init();
    let root = std::env::args_os().nth(1).expect("the directory of the cache");
    let mut ways = ways::Ways::new(root.into());
    if !random::ALONE {
        types::check(&mut ways);
        plain::check(&mut ways);
        borrowed::check(&mut ways);
    }
    random::check(&mut ways);
    ways.finish();
}
