//! Places in the source (`Location`): lines above change nothing where a place goes to panics alone.

use crate::small::Small;

#[test]
fn lines_above_change_nothing() {
    let small = Small::new(
        "// here
        fn g(x: u64, list: &[u64]) -> u64 { list[x as usize] + list.iter().copied().max().unwrap() }
        fn f(x: u64) -> u64 { let s = x.to_string(); assert!(x < 99, \"{x}\"); g(x, &[1, 2, 3]) + s.parse::<u64>().unwrap() }\n",
    );
    small.ignores("// here", "\n\n// here, further down\n");
}

#[test]
fn lines_above_change_nothing_where_functions_pass_their_place_on() {
    // Kept on the stack, across a call, past a landing pad, and by a function that a table of jumps leads to.
    let indexed = Small::new(
        "use std::ops::{Index, IndexMut};
        struct Board([u64; 64]);
        struct Square(u64);
        impl Square { #[inline(never)] fn number(&self) -> usize { self.0 as usize * 3 } }
        impl Index<Square> for Board { type Output = u64; fn index(&self, s: Square) -> &u64 { &self.0[s.number()] } }
        impl IndexMut<Square> for Board { fn index_mut(&mut self, s: Square) -> &mut u64 { &mut self.0[s.number()] } }
        // here
        fn f(x: u64) -> u64 {
            let mut board = Board([x; 64]);
            let text = x.to_string();
            match text.len() { 1 => board[Square(2)] += 1, 2 => board[Square(3)] += 5, 3 => board[Square(1)] -= 7, 4 => board[Square(x)] = 1, _ => {} }
            board[Square(x % 20)] + text.len() as u64
        }\n",
    );
    indexed.ignores("// here", "\n\n// here, further down\n");
    let checked = Small::new(
        "// here
        #[track_caller] #[inline(never)] fn check(x: u64, list: &[u64]) -> u64 { let y = list.len() as u64; within(x + y); y }
        #[track_caller] #[inline(never)] fn within(x: u64) { if x > 99 { panic!(\"{x} is too much\") } }
        fn f(x: u64) -> u64 { let list = vec![x; 3]; check(x, &list) + x }\n",
    );
    checked.ignores("// here", "\n// here");
    // `?` and `unwrap` of values that are returned in memory leave the place in a register.
    let returned = Small::new(
        "// here
        #[derive(Debug)] enum Fault { Word(String), Number(std::num::ParseIntError) }
        impl From<std::num::ParseIntError> for Fault { fn from(e: std::num::ParseIntError) -> Self { Fault::Number(e) } }
        #[inline(never)] fn read(x: u64) -> Result<[u64; 5], Fault> { let y: u64 = x.to_string().parse()?; word(y)?; Ok([y; 5]) }
        #[inline(never)] fn word(x: u64) -> Result<String, Fault> { if x == 3 { Err(Fault::Word(x.to_string())) } else { Ok(x.to_string()) } }
        #[inline(never)] fn first(x: u64) -> [u64; 5] { [Some([x; 5]), None][x as usize % 2].unwrap() }
        fn f(x: u64) -> u64 { first(2 * x)[1] + match read(x) { Ok(all) => all[0], Err(Fault::Word(w)) => w.len() as u64, Err(_) => 1 } }\n",
    );
    returned.ignores("// here", "\n\n// here, further down\n");
}

/// What marks itself with `#[track_caller]`, or hands such a place on.
#[test]
fn lines_above_change_nothing_where_the_standard_library_panics() {
    let small = Small::new(&format!("{STANDARD}\n"));
    small.ignores("// here", "\n\n// here, further down\n");
}

const STANDARD: &str = r#"use std::{cell::*, collections::*, error::Error, rc::Rc, sync::Mutex, thread, time::Duration};
// here
fn vector(x: u64) -> u64 { let mut v = vec![x; 9]; v.insert(2, 5); v.remove(1); v.swap_remove(0); let w = v.split_off(3); v.drain(0..1); v.truncate(2); v[0] + w[1] }
fn cell(x: u64) -> u64 { let c = RefCell::new(x); *c.borrow_mut() += 1; let d = Rc::new(RefCell::new(vec![x])); d.borrow_mut().push(3); *c.borrow() + d.borrow()[0] }
fn map(x: u64) -> u64 { let mut m = HashMap::from([(x, 1)]); *m.get_mut(&x).unwrap() += 2; m[&x] + BTreeMap::from([(x, 4)])[&x] }
fn slice(x: u64) -> u64 { let mut v = [0; 8]; v[..4].copy_from_slice(&[x; 4]); v[2..].swap(0, 1); v.rotate_left(2); v.chunks_exact(2).map(|c| c[0]).sum::<u64>() + v.chunks(3).map(|c| c[0]).sum::<u64>() + v.windows(2).count() as u64 + v.split_at(3).1[0] }
fn text(x: u64) -> Option<u64> { let s = x.to_string(); let t = &s[..1]; let u = s.char_indices().next()?; Some(t.parse::<u64>().ok()? + u.0 as u64 + s.split_at(0).1.len() as u64 + s.repeat(2).len() as u64) }
fn errors(x: u64) -> Result<u64, Box<dyn Error>> { let y: u64 = format!("{x}").parse()?; let z = u8::try_from(y)?; let s = String::from_utf8(vec![65; 2])?; std::fs::metadata("/")?; Ok(y + z as u64 + s.len() as u64) }
fn asserts(x: u64) -> u64 { assert_eq!(x, x, "so {x}"); assert!(x < 1000); debug_assert_ne!(x, 999); if x == 998 { unreachable!("never {x}") } if x == 997 { todo!() } if x == 996 { unimplemented!("a {x}") } x.div_ceil(3) + x.checked_add(1).expect("fits") + (1..x + 9).step_by(2).count() as u64 + x.ilog2() as u64 * x.isqrt() }
fn others(x: u64) -> u64 { let mut d = VecDeque::from([x, 2, 3]); d.rotate_left(1); d.insert(1, 5); d[1] + thread::scope(|s| s.spawn(|| x).join().unwrap()) + Mutex::new(x).lock().unwrap().wrapping_add(1) + Duration::from_secs(x).checked_mul(2).unwrap().as_secs() + (Duration::from_secs(x) * 2).as_secs() }
fn unwraps(x: u64) -> u64 { let a: [u64; 3] = vec![x, 1, 2].try_into().unwrap(); let b: Box<[u64]> = Box::new(a); let o = Some([x; 7]); let r: Result<String, u64> = Ok(x.to_string()); let e: Result<u64, String> = Err(x.to_string()); let c = char::from_digit((x % 10) as u32, 10).unwrap(); b[1] + o.expect("some")[2] + r.unwrap().len() as u64 + e.unwrap_err().len() as u64 + c as u64 + Some(&x).copied().unwrap() }
fn f(x: u64) -> u64 { vector(x) + cell(x) + map(x) + slice(x) + text(x).unwrap_or(0) + errors(x).unwrap() + asserts(x) + others(x) + unwraps(x) }
"#;

#[test]
fn lines_above_count_where_a_place_is_kept_returned_or_compared() {
    let programs = [
        // The second of two that are returned, and nobody touches it in between.
        "#[track_caller] #[inline(never)] fn tag(x: u64, y: u64) -> (u64, &'static Location<'static>) { (x + y, Location::caller()) }
        #[inline(never)] fn tagged(x: u64) -> (u64, &'static Location<'static>) { tag(x, 3) }
        fn f(x: u64) -> u64 { let (y, at) = tagged(x); y + at.line() as u64 }",
        // A part of a larger value.
        "#[derive(Clone)] struct Fault { code: u64, at: &'static Location<'static>, more: [u64; 4] }
        #[track_caller] #[inline(never)] fn fault(code: u64) -> Fault { Fault { code, at: Location::caller(), more: [code; 4] } }
        #[inline(never)] fn told(fault: &Fault) -> u64 { fault.code + fault.at.line() as u64 + fault.more[1] }
        fn f(x: u64) -> u64 { let fault = fault(x); told(&fault) }",
        // A constant that a function of the standard library is given as any value.
        "const HERE: &Location<'static> = Location::caller();
        #[inline(never)] fn keep(all: &mut Vec<&'static Location<'static>>) { all.push(HERE) }
        fn f(x: u64) -> u64 { let mut all = Vec::new(); keep(&mut all); all[0].line() as u64 + x }",
        // The same, and such functions return it, alone or as the second of two.
        "type At = &'static Location<'static>; const HERE: At = Location::caller();
        #[inline(never)] fn either(x: u64) -> Option<(u64, At)> { (x > 3).then_some((x, HERE)) }
        fn f(x: u64) -> u64 { let (y, at) = either(x + 4).unwrap(); y + at.line() as u64 }",
        "type At = &'static Location<'static>; const HERE: At = Location::caller();
        #[inline(never)] fn same(x: u64) -> (u64, At) { std::convert::identity((x, HERE)) }
        #[inline(never)] fn other(x: u64) -> (u64, At) { None.unwrap_or((x, HERE)) }
        fn f(x: u64) -> u64 { let (y, at) = same(x); let (z, there) = other(y); z + at.line() as u64 + there.line() as u64 }",
        "type At = &'static Location<'static>; const HERE: At = Location::caller();
        #[inline(never)] fn put(kept: &mut (u64, At)) { std::mem::replace(kept, (3, HERE)); }
        const THERE: (u64, At) = (1, Location::caller());
        fn f(x: u64) -> u64 { let mut kept = THERE; put(&mut kept); kept.0 + kept.1.line() as u64 + x }",
        // An error that keeps the place of the `?` that made it.
        "#[derive(Debug)] struct Fault(u64, &'static Location<'static>);
        impl From<u64> for Fault { #[track_caller] fn from(x: u64) -> Self { Fault(x, Location::caller()) } }
        #[inline(never)] fn low(x: u64) -> Result<u64, u64> { if x > 0 { Err(x) } else { Ok(x) } }
        #[inline(never)] fn g(x: u64) -> Result<u64, Fault> { Ok(low(x)? + 1) }
        fn f(x: u64) -> u64 { match g(x + 1) { Ok(y) => y, Err(Fault(y, at)) => y + at.line() as u64 } }",
        // A part of a value whose address was taken before.
        "struct Fault { code: u64, at: Option<&'static Location<'static>>, more: [u64; 4] }
        #[track_caller] #[inline(never)] fn fault(fault: &mut Fault) { fault.code += 1; fault.at = Some(Location::caller()) }
        #[inline(never)] fn told(fault: &Fault) -> u64 { fault.code + fault.at.unwrap().line() as u64 + fault.more[1] }
        #[track_caller] #[inline(never)] fn both(x: u64) -> u64 { let mut one = Fault { code: x, at: None, more: [x; 4] }; let two = std::hint::black_box(&mut one); two.at = Some(Location::caller()); told(two) }
        fn f(x: u64) -> u64 { let mut one = Fault { code: x, at: None, more: [x; 4] }; fault(&mut one); told(&one) + both(x) }",
        // On the stack, for there are too many arguments.
        "#[track_caller] #[inline(never)] fn many(a: u64, b: u64, c: u64, d: u64, e: u64, g: u64, h: u64) -> u64 { Location::caller().line() as u64 + a + b + c + d + e + g + h }
        fn f(x: u64) -> u64 { many(x, 1, 2, 3, 4, 5, 6) }",
        // Read through.
        "#[track_caller] #[inline(never)] fn column(x: u64) -> u64 { let at = Location::caller(); at.line() as u64 * 1000 + x }
        #[track_caller] #[inline(never)] fn through(x: u64) -> u64 { column(x) + 1 }
        fn f(x: u64) -> u64 { through(x) }",
        // In a closure, and in a table.
        "#[track_caller] #[inline(never)] fn first(x: u64) -> u64 { x + Location::caller().line() as u64 }
        #[track_caller] #[inline(never)] fn second(x: u64) -> u64 { x }
        fn f(x: u64) -> u64 { let all = [|x| first(x), |x| second(x)]; all.iter().map(|g: &fn(u64) -> u64| g(x)).sum() }",
        // Found where a panic ends.
        "struct Last(&'static Location<'static>);
        static LINE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        impl Drop for Last { fn drop(&mut self) { LINE.store(self.0.line(), std::sync::atomic::Ordering::SeqCst) } }
        #[track_caller] #[inline(never)] fn fails(x: u64) { let _last = Last(Location::caller()); if x > 0 { panic!() } }
        fn f(x: u64) -> u64 { let _ = std::panic::catch_unwind(|| fails(x)); LINE.load(std::sync::atomic::Ordering::SeqCst) as u64 }",
    ];
    for program in programs {
        let small = Small::new(&format!("use std::panic::Location;\n// here\n{program}\n"));
        small.sees("// here", "\n// here");
    }
}

#[test]
fn lines_above_count_where_a_caller_asks_for_its_place() {
    let direct = Small::new(
        "// here
        #[track_caller] fn line() -> u64 { std::panic::Location::caller().line() as u64 }
        fn f(x: u64) -> u64 { x + line() }\n",
    );
    direct.sees("// here", "\n// here");
    // The place goes through a pointer to a function.
    let through = Small::new(
        "// here
        #[track_caller] #[inline(never)] fn line(x: u64) -> u64 { std::panic::Location::caller().line() as u64 + x }
        fn f(x: u64) -> u64 { let g: fn(u64) -> u64 = std::hint::black_box(line); g(x) }\n",
    );
    through.sees("// here", "\n// here");
}

#[test]
fn lines_above_change_nothing_where_the_standard_library_checks_promises() {
    let unchecked = Small::new(
        "// here
        struct Ranks(Vec<u64>);
        impl Ranks {
            fn at(&self, x: usize) -> &u64 { unsafe { self.0.get_unchecked(x) } }
            fn at_mut(&mut self, x: usize) -> &mut u64 { unsafe { self.0.get_unchecked_mut(x) } }
            #[inline(never)] fn later(&self, a: usize, b: usize) -> bool {
                unsafe { *self.0.get_unchecked(a) > *self.0.get_unchecked(b) }
            }
        }
        fn f(x: u64) -> u64 {
            let mut ranks = Ranks((0..9).map(|n| n ^ x).collect());
            let (a, b) = (x as usize % 9, (x as usize + 4) % 9);
            if ranks.later(a, b) { *ranks.at_mut(a) += 3; }
            let text = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(b\"abc\".as_ptr(), 3)) };
            *ranks.at(a) + *ranks.at(b) + text.len() as u64
        }\n",
    );
    unchecked.ignores("// here", "\n\n// here, further down\n");
}
