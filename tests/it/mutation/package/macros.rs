//! Macros of the whole package.

macro_rules! square {
    ($x:expr) => {{
        let x = $x;
        x * x
    }};
}

macro_rules! clamp {
    ($x:expr, $low:expr, $high:expr) => {
        if $x < $low { $low } else { $x.min($high) }
    };
}

/// Units, each with its factor to metres.
macro_rules! units {
    ($($name:ident: $factor:expr,)*) => {
        $(
            pub struct $name;
            impl crate::geometry::Unit for $name {
                const FACTOR: f64 = $factor;
            }
        )*
    };
}
