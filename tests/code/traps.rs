//! Each way in which machine code misleads, by a small program and an edit of it.

use tempfile::TempDir;

use crate::small::{LEVELS, Small};

#[test]
fn a_table_is_whole_although_somebody_has_slices_of_it() {
    let small = Small::new(
        "const TABLE: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
        const HEAD: &[u64] = TABLE.split_at(4).0;
        const TAIL: &[u64] = TABLE.split_at(4).1;
        #[inline(never)] fn sum() -> u64 { HEAD.iter().sum::<u64>() + TAIL.iter().sum::<u64>() }
        fn f(x: u64) -> u64 { TABLE[x as usize % 8] }
        #[used] static S: fn() -> u64 = sum;\n",
    );
    small.sees("6, 7, 8]", "6, 9, 8]");
    let bytes = Small::new(
        "const TABLE: &[u8; 26] = b\"abcdefghijklmnopqrstuvwxyz\";
        const HEAD: &[u8] = TABLE.split_at(5).0;
        const TAIL: &[u8] = TABLE.split_at(5).1;
        #[inline(never)] fn pick(t: &[u8; 26], i: u64) -> u64 { t[i as usize % 26] as u64 }
        #[inline(never)] fn sum() -> u64 { HEAD.len() as u64 + TAIL[0] as u64 }
        fn f(x: u64) -> u64 { pick(TABLE, x + 9) }
        #[used] static S: fn() -> u64 = sum;\n",
    );
    bytes.sees("jklm", "jkLm");
}

#[test]
fn a_texts_end_is_told_by_its_length() {
    let small = Small::new(
        "#[inline(never)] fn g(s: &str) -> u64 { s.bytes().map(u64::from).sum() }
        fn f(x: u64) -> u64 { g(\"my own text\") + x }
        #[used] static S: fn() -> u64 = || g(\"another text\") + g(\"a third one\");\n",
    );
    small.sees("my own", "my oWn");
    small.ignores("another text", "nothing of it");
    small.ignores("a third one", "third and last");
}

#[test]
fn tables_of_distances_are_followed_and_move_with_the_linker() {
    let texts = Small::new(
        "#[inline(never)] fn name(x: u64) -> &'static str {
            match x { 0 => \"zero\", 1 => \"one\", 2 => \"two\", 3 => \"three\", 4 => \"four\", _ => \"many\" }
        }
        fn f(x: u64) -> u64 { name(x).len() as u64 + name(x + 1).bytes().map(u64::from).sum::<u64>() }
        static BESIDE: &[u8] = &[7; 100];
        #[used] static S: fn(u64) -> &'static str = |x| { if BESIDE[x as usize % 10] == 7 { \"text\" } else { \"\" } };\n",
    );
    texts.sees("\"three\"", "\"thrEe\"");
    texts.ignores("[7; 100]", "[7; 13]");
    // An odd number of entries and padding; one of them lies among texts of sixteen bytes, which the linker merges.
    let padded = Small::new(
        "#[inline(never)] fn name(x: u64) -> &'static str { match x % 3 { 0 => \"zero\", 1 => \"one\", _ => \"sixteen letters!\" } }
        fn f(x: u64) -> u64 { name(x).len() as u64 + name(x + 1).bytes().map(u64::from).sum::<u64>() }
        #[inline(never)] fn other(x: u64) -> &'static str { if x % 9 == 7 { \"other constants.\" } else { \"a few more bytes\" } }
        #[used] static S: fn(u64) -> &'static str = other;\n",
    );
    padded.sees("sixteen letters!", "sixteen letterS!");
    padded.ignores("a few more bytes", "another text");
    let jumps = Small::new(
        "#[inline(never)] fn step(x: u64, y: u64) -> u64 {
            match x % 6 {
                0 => y.rotate_left(3), 1 => y.pow(3), 2 => y / 7, 3 => y.count_ones() as u64,
                4 => y.reverse_bits(), _ => y ^ 99,
            }
        }
        fn f(x: u64) -> u64 { (0..9).fold(x, |a, b| step(b, a)) }
        #[used] static S: fn(u64) -> &'static str = |x| { if x == 77 { \"text\" } else { \"\" } };\n",
    );
    jumps.sees("y / 7", "y / 9");
    jumps.ignores("\"text\"", "\"a longer text that moves what lies behind it\"");
}

#[test]
fn thread_locals_count_by_their_content_not_by_their_place() {
    let small = Small::new(
        "use std::cell::{Cell, RefCell};
        thread_local! { static A: Cell<u64> = const { Cell::new(5) }; }
        thread_local! { static B: RefCell<Vec<u64>> = RefCell::new(vec![1, 2]); }
        /* more */
        fn f(x: u64) -> u64 { A.with(|a| { a.set(a.get() + x); a.get() }) + B.with(|b| { b.borrow_mut().push(x); b.borrow().len() as u64 }) }\n",
    );
    small.sees("Cell::new(5)", "Cell::new(6)");
    small.sees("vec![1, 2]", "vec![1, 2, 3]");
    small.ignores(
        "/* more */",
        "thread_local! { static C: Cell<[u64; 9]> = const { Cell::new([3; 9]) }; }
        #[used] static S: fn() -> u64 = || C.with(|c| { let c = c.get(); c[0] });",
    );
}

#[test]
fn symbols_of_shared_libraries_count_by_name() {
    let small = Small::new(
        "unsafe extern \"C\" { safe fn abs(x: i32) -> i32; safe fn labs(x: i64) -> i64; safe fn toupper(x: i32) -> i32; safe fn tolower(x: i32) -> i32; }
        fn f(x: u64) -> u64 { toupper(x as i32 + 96) as u64 }\n",
    );
    small.sees("{ toupper(", "{ tolower(");
}

#[test]
fn what_runs_before_main_counts_if_it_writes_what_is_read() {
    let small = Small::new(
        "use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static READ: AtomicU64 = AtomicU64::new(1);
        static OTHER: AtomicU64 = AtomicU64::new(1);
        #[inline(never)] extern \"C\" fn first() { READ.store(helper(41), Relaxed); }
        #[inline(never)] fn helper(x: u64) -> u64 { x + 1000 }
        extern \"C\" fn second() { OTHER.store(51, Relaxed); }
        #[used] #[unsafe(link_section = \".init_array\")] static A: extern \"C\" fn() = first;
        #[used] #[unsafe(link_section = \".init_array\")] static B: extern \"C\" fn() = second;
        fn f(x: u64) -> u64 { READ.load(Relaxed) + x }\n",
    );
    small.sees("helper(41)", "helper(42)");
    small.sees("x + 1000", "x + 1001");
    small.ignores("OTHER.store(51", "OTHER.store(52");
}

#[test]
fn a_section_that_the_linker_collects_is_whole() {
    let small = Small::new(
        "#[used] #[unsafe(link_section = \"numbers\")] static A: u64 = 1;
        #[used] #[unsafe(link_section = \"numbers\")] static B: u64 = 2;
        unsafe extern \"C\" { #[link_name = \"__start_numbers\"] static START: u64; #[link_name = \"__stop_numbers\"] static STOP: u64; }
        fn f(x: u64) -> u64 { unsafe { let (mut p, mut sum) = (&raw const START, x); while p != &raw const STOP { sum += *p; p = p.add(1); } sum } }\n",
    );
    small.sees("B: u64 = 2", "B: u64 = 3");
}

#[test]
fn statics_vtables_and_closures_are_reached_through_pointers() {
    let small = Small::new(
        "trait Go { fn go(&self) -> u64; }
        struct A(u64); struct B(u64);
        impl Go for A { fn go(&self) -> u64 { self.0 * 3 } }
        impl Go for B { fn go(&self) -> u64 { self.0 * 5 } }
        static LIST: [&(dyn Go + Sync); 2] = [&A(11), &B(13)];
        static LAZY: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| 17 * LIST.len() as u64);
        fn f(x: u64) -> u64 { LIST[x as usize % 2].go() + *LAZY }\n",
    );
    small.sees("&B(13)", "&B(14)");
    small.sees("self.0 * 5", "self.0 * 6");
    small.sees("|| 17", "|| 18");
}

#[test]
fn landing_pads_count() {
    let small = Small::new(
        "struct D<'a>(&'a std::cell::Cell<u64>);
        impl Drop for D<'_> { fn drop(&mut self) { self.0.set(self.0.get() + 7); } }
        fn f(x: u64) -> u64 {
            let c = std::cell::Cell::new(x);
            let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| { let _d = D(&c); if std::hint::black_box(x) == 1 { std::panic::resume_unwind(Box::new(3u64)); } }));
            c.get() + r.err().map_or(0, |e| *e.downcast_ref::<u64>().unwrap())
        }\n",
    );
    small.sees("get() + 7", "get() + 8");
}

#[test]
fn names_and_order_do_not_count() {
    let small = Small::new(
        "#[inline(never)] fn first(x: u64) -> u64 { x.pow(3) + 1 }
        #[inline(never)] fn second(x: u64) -> u64 { x.pow(5) + 2 }
        fn f(x: u64) -> u64 { first(x) + second(x) }\n",
    )
    .flag("-Ccodegen-units=1");
    let dir = TempDir::new().unwrap();
    let mut before = small.compile(&dir.path().join("a"), &small.source, LEVELS[1]);
    let renamed = small.source.replace("first", "a_longer_name");
    assert_eq!(before.digest("f"), small.compile(&dir.path().join("b"), &renamed, LEVELS[1]).digest("f"));
    let (first, rest) = small.source.split_once('\n').unwrap();
    let (second, rest) = rest.split_once('\n').unwrap();
    let swapped = format!("{second}\nfn unused() {{}}\n{first}\n{rest}");
    assert_eq!(before.digest("f"), small.compile(&dir.path().join("c"), &swapped, LEVELS[1]).digest("f"));
}

#[test]
fn pieces_are_named_and_tell_the_way() {
    let small = Small::new(
        "mod grid { #[inline(never)] pub fn step(x: u64) -> u64 { flux(x) + 1 } #[inline(never)] fn flux(x: u64) -> u64 { x.pow(3) } }
        fn f(x: u64) -> u64 { grid::step(x) * 2 }\n",
    );
    let dir = TempDir::new().unwrap();
    let mut compiled = small.compile(dir.path(), &small.source, LEVELS[1]);
    let reach = compiled.reach("f");
    let number = |name: &str| reach.pieces.iter().position(|piece| piece.name() == name);
    let flux = number("small::grid::flux").expect("it is reached");
    let step = reach.pieces[flux].parent.unwrap();
    assert_eq!(reach.pieces[step].name(), "small::grid::step");
    assert_eq!(reach.pieces[step].parent, Some(0));
    let edited = small.source.replace("x.pow(3)", "x.pow(4)");
    let after = small.compile(&dir.path().join("b"), &edited, LEVELS[1]).reach("f");
    let changed: Vec<_> = reach
        .pieces
        .iter()
        .filter(|piece| {
            !after.pieces.iter().any(|other| (&other.symbol, other.digest) == (&piece.symbol, piece.digest))
        })
        .map(rememo::__private::code::Piece::name)
        .collect();
    assert_eq!(changed, ["small::grid::flux"]);
}

/// Regression: with other code in the program, another static came to lie behind the empty table of transactional memory. Who
/// reached it reached the code that registers the table.
#[test]
fn what_lies_behind_the_table_of_transactional_memory_brings_nothing_along() {
    let small = Small::new(
        "unsafe extern \"C\" { static __TMC_END__: u8; }
        fn f(x: u64) -> u64 { x + (&raw const __TMC_END__) as u64 % 2 }\n",
    );
    for level in LEVELS {
        let dir = TempDir::new().unwrap();
        let mut compiled = small.compile(dir.path(), &small.source, level);
        let reach = compiled.reach("f");
        let registers = reach.pieces.iter().filter(|piece| piece.symbol.starts_with("_ITM_"));
        assert_eq!(registers.count(), 0, "{level}");
        assert!(reach.pieces.len() > 1, "it refers to what lies there");
    }
}
