use crate::sys::raw::{Bits, Primitive};

/// A type whose values an [`Array`](super::Array) can hold: the primitive numbers, `bool` and `char`. No other type
/// implements it.
pub trait Element: Bits<Primitive> {}

macro_rules! elements {
    ($($type:ty)*) => {$(
        impl Element for $type {}
    )*};
}

elements! { bool char i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 }
