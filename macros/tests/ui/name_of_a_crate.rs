use rememo::memo;

#[memo]
fn serde(x: u64) -> u64 {
    let same: ::serde::de::IgnoredAny = serde::de::IgnoredAny;
    let _ = (serde::delayed(x), same);
    x
}

mod inner {
    use serde::de::IgnoredAny;

    /// Nothing in it needs the crate.
    #[rememo::memo]
    fn serde(x: u64) -> u64 {
        let _ = IgnoredAny;
        x
    }
}

mod standard {
    #[rememo::memo]
    fn std(x: u64) -> u64 {
        println!("{}", std::process::id());
        x
    }
}

/// Nothing beside it needs the crate under its name.
mod harmless {
    #[rememo::memo]
    fn serde(x: u64) -> u64 {
        let _ = ::serde::de::IgnoredAny;
        if x == 0 { 0 } else { serde::uncached(x - 1) }
    }

    mod inner {
        fn ignored() -> serde::de::IgnoredAny {
            serde::de::IgnoredAny
        }
    }
}

fn main() {}
