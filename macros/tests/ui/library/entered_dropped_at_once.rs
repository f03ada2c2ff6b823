#![deny(unused_must_use)]

use rememo::Memory;

fn main() {
    Memory::disabled().enter();
}
