//! Names of the prelude and of the library that mean something else here.

#![deny(warnings)]
#![allow(dead_code, reason = "most of them are only in the way")]

type Result = u8;
struct Some;
struct Ok;
struct Err;
struct None;
enum Option {}
struct Select;
struct Function;
struct Definition;
struct FunctionCall;
struct Duration;
struct Box;
trait Sized {}
trait Fn {}
trait ViaResult {}
trait ViaValue {}
trait Serialize {}
mod core {}
mod std {}
mod serde {}

#[allow(unused_macros, reason = "it is only in the way")]
macro_rules! module_path {
    () => {
        compile_error!("not this one")
    };
}

#[::rememo::memo(ttl = "1s", valid = fresh, ignore(call))]
fn shadowed(arguments: Result, sink: u8, call: u8, function: u8) -> Result {
    arguments + sink + call + function
}

fn fresh(_: &::rememo::EntryInfo) -> bool {
    true
}

/// An output with a name from the library's hidden module.
#[derive(::serde::Serialize, ::serde::Deserialize)]
#[serde(crate = "::serde")]
struct Codec(u8);

#[::rememo::memo]
fn hidden_names(x: u8) -> Codec {
    Codec(x)
}

fn main() {
    let _memory = ::rememo::Memory::disabled().enter();
    ::std::assert_eq!(shadowed(1, 2, 3, 4), 10);
    ::std::assert_eq!(hidden_names(1).0, 1);
}
