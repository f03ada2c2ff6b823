//! The kinds of items that programs are made of.

use super::generate::{Item, Part, Random, Role};

pub const PRELUDE: &str = r"
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, OnceLock, Mutex};
fn mix(a: u64, b: u64) -> u64 { a.wrapping_mul(31).wrapping_add(b) }
fn text(t: &str) -> u64 { t.bytes().fold(7, |a, b| mix(a, b as u64)) }
pub trait Go { fn go(&self, x: u64) -> u64; fn other(&self, x: u64) -> u64 { x } }
pub trait Constant { const K: u64; fn twice() -> u64 { Self::K * 2 } }
";

pub const MAIN: &str = r#"
fn main() {
    println!("at {:x}", f0 as fn(u64) -> u64 as usize);
    let mut sums = Vec::with_capacity(64);
    let inputs = if std::env::args().len() > 1 { 2 } else { 40 };
    call_all(std::hint::black_box(inputs), std::hint::black_box(&mut sums));
    for (n, sum) in sums.iter().enumerate() { println!("f{n} {sum:x}"); }
}
"#;

/// Things that no function of the program uses.
pub fn extra(n: u64) -> String {
    format!(
        r#"
const UNUSED{n}: [u64; 5] = [{n}, 2, 3, 4, 5];
static BESIDE{n}: AtomicU64 = AtomicU64::new({n});
thread_local! {{ static LOCAL{n}: Cell<u64> = const {{ Cell::new({n}) }}; }}
#[inline(never)] fn extra{n}(x: u64) -> u64 {{
    LOCAL{n}.with(|c| c.set(c.get() + 1));
    let words = ["alpha{n}", "beta", "gamma{n}"];
    words[x as usize % 3].len() as u64 + UNUSED{n}[x as usize % 5] + BESIDE{n}.fetch_add(1, Relaxed) + (x as f64 * {n}.25) as u64
}}
"#
    )
}

/// Collects the text of an item.
struct Draft {
    item: Item,
}

impl Draft {
    fn new(name: String, role: Role) -> Self {
        Draft { item: Item { name, role, parts: Vec::new(), uses: Vec::new(), depends_on_lines: false } }
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.item.parts.push(Part::Text(text.into()));
        self
    }

    fn number(mut self, random: &mut Random, limit: u64) -> Self {
        self.item.parts.push(Part::Number(random.below(limit) + 1, limit));
        self
    }

    fn letters(mut self, random: &mut Random, count: u64) -> Self {
        let letters = (0..count).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
        self.item.parts.push(Part::Letters(letters));
        self
    }

    fn uses(mut self, item: usize) -> Self {
        self.item.uses.push(item);
        self
    }
}

/// How often a function is not to be inlined.
fn inline(random: &mut Random) -> &'static str {
    if random.coin() { "#[inline(never)] " } else { "" }
}

pub fn generate(number: usize, before: &[Item], random: &mut Random) -> Item {
    let with =
        |is: fn(&Item) -> bool| -> Vec<usize> { (0..before.len()).filter(|n| is(&before[*n])).collect() };
    let tables = with(|item| matches!(item.role, Role::Table | Role::ConstTable(_)));
    let slices = with(|item| matches!(item.role, Role::ConstTable(_)));
    let functions = with(|item| item.role == Role::Function);
    let draft = match random.below(10) {
        _ if number < 3 => table(number, random),
        0 => table(number, random),
        1 | 2 if !slices.is_empty() => slice(number, *random.pick(&slices), before, random),
        3..=6 if !tables.is_empty() => reader(number, *random.pick(&tables), before, random),
        7 if !functions.is_empty() => caller(number, &functions, before, random),
        _ => single(number, random),
    };
    draft.item
}

fn table(number: usize, random: &mut Random) -> Draft {
    let kind = *random.pick(&["u8", "u16", "u32", "u64", "i32", "i64"]);
    let most = if random.coin() { 6 } else { 40 };
    let length = 3 + random.below(most);
    let is_const = random.below(3) > 0;
    let name = format!("T{number}");
    let role = if is_const { Role::ConstTable(length) } else { Role::Table };
    let keyword = if is_const { "const" } else { "static" };
    let limit = if random.coin() { 100 } else { 120 };
    // Some are texts, which look like strings.
    let base = if kind == "u8" && random.coin() { 30 } else { 0 };
    let mut draft =
        Draft::new(name.clone(), role).text(format!("pub {keyword} {name}: [{kind}; {length}] = ["));
    for _ in 0..length {
        draft = draft.text(format!("{base} + ")).number(random, if base > 0 { 90 } else { limit }).text(", ");
    }
    draft.text("];")
}

fn slice(number: usize, of: usize, before: &[Item], random: &mut Random) -> Draft {
    let Role::ConstTable(length) = before[of].role else { unreachable!("it is filtered") };
    let name = format!("T{number}");
    let kind = kind_of(&before[of]);
    let table = &before[of].name;
    let at = 1 + random.below(length - 1);
    let value = match random.below(5) {
        0 => format!("{table}.split_at({at}).0"),
        1 => format!("{table}.split_at({at}).1"),
        2 => format!("{table}.split_at({at}).1.split_at(1).0"),
        3 => format!("match {table}.split_first() {{ Some((_, rest)) => rest, None => &[] }}"),
        _ => format!("&{table}"),
    };
    let keyword = *random.pick(&["const", "static"]);
    Draft::new(name.clone(), Role::Table).text(format!("pub {keyword} {name}: &[{kind}] = {value};")).uses(of)
}

/// The type of a table's elements.
fn kind_of(item: &Item) -> String {
    let Part::Text(text) = &item.parts[0] else { unreachable!("an item begins with a text") };
    let from = text.find('[').unwrap() + 1;
    text[from..].split([';', ']']).next().unwrap().to_owned()
}

/// All kinds of loops over a table.
fn reader(number: usize, of: usize, before: &[Item], random: &mut Random) -> Draft {
    let name = format!("r{number}");
    let table = &before[of].name;
    let kind = kind_of(&before[of]);
    let t = table.as_str();
    let body = match random.below(20) {
        0 => format!("{t}[x as usize % {t}.len()] as u64"),
        1 => format!("{t}.iter().fold(x, |a, v| mix(a, *v as u64))"),
        2 => format!("{t}.iter().rev().fold(x, |a, v| mix(a, *v as u64))"),
        3 => format!(
            "let mut a = x; let mut i = 1; while i < {t}.len() {{ a = mix(a, {t}[i] as u64 + {t}[i - 1] as u64); i += 1; }} a"
        ),
        4 => format!(
            "let mut a = x; let mut i = {t}.len(); while i > 0 {{ i -= 1; a = mix(a, {t}[i] as u64); }} a"
        ),
        5 => format!("let mut a = x; for i in 1..={t}.len() {{ a = mix(a, {t}[i - 1] as u64); }} a"),
        6 => format!("{t}.windows(2).fold(x, |a, w| mix(a, w[0] as u64 * w[1] as u64))"),
        7 => format!("{t}.chunks(3).fold(x, |a, w| mix(a, w.iter().map(|v| *v as u64).sum::<u64>()))"),
        8 => format!("{t}.iter().step_by(2).fold(x, |a, v| mix(a, *v as u64))"),
        9 => format!("{t}.iter().zip({t}.iter().skip(1)).fold(x, |a, (v, w)| mix(a, *v as u64 ^ *w as u64))"),
        10 => format!(
            "unsafe {{ let range = {t}.as_ptr_range(); let mut p = range.end; let mut a = x; while p != range.start {{ p = p.sub(1); a = mix(a, *p as u64); }} a }}"
        ),
        11 => format!(
            "unsafe {{ let end = {t}.as_ptr_range().end; let mut a = x; for i in 1..={t}.len() {{ a = mix(a, *end.sub(i) as u64); }} a }}"
        ),
        12 => format!(
            "let mut copy = {t}.to_vec(); copy.rotate_left(x as usize % {t}.len()); copy.iter().fold(x, |a, v| mix(a, *v as u64))"
        ),
        13 => format!("{t}.last().map_or(0, |v| *v as u64) + {t}.first().map_or(0, |v| *v as u64) * x"),
        14 => format!(
            "{t}.contains(&(x as {kind})) as u64 + {t}.iter().position(|v| *v as u64 == x).map_or(77, |p| p as u64)"
        ),
        15 => format!(
            "{t}.iter().map(|v| *v as u64).max().unwrap() * x + {t}.iter().map(|v| *v as u64).min().unwrap()"
        ),
        16 => format!(
            "#[inline(never)] fn at(t: &[{kind}], i: u64) -> u64 {{ t[i as usize % t.len()] as u64 }} at(&{t}, x) + at(&{t}[1..], 5)"
        ),
        17 => format!(
            "#[inline(never)] unsafe fn end(p: *const {kind}, n: usize) -> u64 {{ let mut a = 1; for i in 1..=n {{ a = mix(a, unsafe {{ *p.sub(i) }} as u64); }} a }} unsafe {{ end({t}.as_ptr_range().end, {t}.len()) ^ x }}"
        ),
        18 => format!(
            "let half = {t}.len() / 2; let (a, b) = {t}.split_at(half); a.iter().rev().chain(b.iter()).fold(x, |a, v| mix(a, *v as u64))"
        ),
        _ => format!(
            "let mut a = x; for i in (0..{t}.len()).rev().step_by(2) {{ a = mix(a, {t}[i] as u64); }} a"
        ),
    };
    Draft::new(name.clone(), Role::Function)
        .text(format!("{}pub fn {name}(x: u64) -> u64 {{ let y: u64 = {{ {body} }}; y ^ ", inline(random)))
        .number(random, 9)
        .text(" }")
        .uses(of)
}

/// Functions that call other functions of the program, by all sorts of ways.
fn caller(number: usize, functions: &[usize], before: &[Item], random: &mut Random) -> Draft {
    let name = format!("c{number}");
    let (a, b) = (*random.pick(functions), *random.pick(functions));
    let (f, g) = (&before[a].name, &before[b].name);
    let body = match random.below(7) {
        0 => format!("static LIST: [fn(u64) -> u64; 2] = [{f}, {g}]; LIST[x as usize % 2](x)"),
        1 => format!(
            "const LIST: &[(&str, fn(u64) -> u64)] = &[(\"one\", {f}), (\"other\", {g})]; let (n, f) = LIST[x as usize % 2]; f(x) ^ text(n)"
        ),
        2 => format!(
            "struct A; struct B; impl Go for A {{ fn go(&self, x: u64) -> u64 {{ {f}(x) }} }} impl Go for B {{ fn go(&self, x: u64) -> u64 {{ {g}(x) }} fn other(&self, x: u64) -> u64 {{ x * 3 }} }} let list: [Box<dyn Go>; 2] = [Box::new(A), Box::new(B)]; list[x as usize % 2].go(x) + list[1].other(x)"
        ),
        3 => format!("if x < 3 {{ {f}(x) }} else {{ {name}(x / 2) ^ {g}(x) }}"),
        4 => format!(
            "fn apply<F: Fn(u64) -> u64>(f: F, x: u64) -> u64 {{ f(x).wrapping_add(f(x / 2)) }} apply({f}, x) ^ apply(|y| {g}(y + x), x)"
        ),
        5 => format!("let f: fn(u64) -> u64 = if x % 2 == 0 {{ {f} }} else {{ {g} }}; f(x)"),
        _ => format!(
            "std::panic::catch_unwind(|| {{ if x % 5 == 4 {{ std::panic::panic_any({f}(x)); }} {g}(x) }}).unwrap_or_else(|p| p.downcast_ref::<u64>().map_or(1, |p| *p))"
        ),
    };
    Draft::new(name.clone(), Role::Function)
        .text(format!(
            "{}pub fn {name}(x: u64) -> u64 {{ let y: u64 = {{ {body} }}; y.rotate_left(",
            inline(random)
        ))
        .number(random, 30)
        .text(") }")
        .uses(a)
        .uses(b)
}

/// Functions with all that they use in them.
fn single(number: usize, random: &mut Random) -> Draft {
    let name = format!("s{number}");
    let start = format!("{}pub fn {name}(x: u64) -> u64 {{ ", inline(random));
    let draft = |text: &str| Draft::new(name.clone(), Role::Function).text(format!("{start}{text}"));
    match random.below(25) {
        0 => {
            let mut draft = draft("match x % 9 { ");
            for arm in 0..8 {
                draft = draft.text(format!("{arm} => ")).number(random, 1 << 40).text(", ");
            }
            draft.text("_ => ").number(random, 9).text(" } }")
        }
        1 => {
            let mut draft = draft("text(match x % 9 { ");
            for arm in 0..8 {
                let count = 1 + random.below(20);
                draft = draft.text(format!("{arm} => \"")).letters(random, count).text("\", ");
            }
            draft.text("_ => \"\" }) }")
        }
        2 => {
            let mut draft = draft("match x % 7 { ");
            for arm in 0..6 {
                draft = draft.text(format!("{arm} => mix(x, {arm}).rotate_left(")).number(random, 20).text("), ");
            }
            draft.text("_ => x.pow(2) } }")
        }
        3 => draft("static G: AtomicU64 = AtomicU64::new(").number(random, 99).text("); G.load(Relaxed) * x }"),
        4 => draft("static L: LazyLock<Vec<u64>> = LazyLock::new(|| (0..9).map(|v| v * ").number(random, 99).text(").collect()); L[x as usize % 9] }"),
        5 => draft("static O: OnceLock<String> = OnceLock::new(); text(O.get_or_init(|| \"").letters(random, 12).text("\".repeat(2))) + x }"),
        6 => draft("static M: Mutex<[u64; 3]> = Mutex::new([").number(random, 99).text(", 5, ").number(random, 99).text("]); M.lock().unwrap()[x as usize % 3] }"),
        7 => draft("thread_local! { static C: Cell<u64> = const { Cell::new(").number(random, 99).text(") }; } C.with(Cell::get) + x }"),
        8 => draft("thread_local! { static C: RefCell<Vec<u64>> = RefCell::new(vec![1, 2, ").number(random, 99).text("]); } C.with(|c| c.borrow()[x as usize % 3]) }"),
        9 => draft("let mut y = x; unsafe { std::arch::asm!(\"add {0}, {1}\", inout(reg) y, const ").number(random, 99).text("); } y }"),
        10 => draft("static N: [u64; 3] = [").number(random, 99).text(", 6, 7]; let p: *const u64; unsafe { std::arch::asm!(\"lea {0}, [rip + {1}]\", out(reg) p, sym N); *p.add(x as usize % 3) } }"),
        11 => draft("struct A; struct B; impl Constant for A { const K: u64 = ").number(random, 99).text("; } impl Constant for B { const K: u64 = ").number(random, 99).text("; fn twice() -> u64 { 1 } } fn sum<T: Constant>(x: u64) -> u64 { T::K ^ T::twice() ^ x } sum::<A>(x) + sum::<B>(x) }"),
        12 => draft(&format!("if x == 0 {{ return 3; }} {name}(x / 2).wrapping_mul(")).number(random, 99).text(") + x }"),
        13 => draft("((x as f64 * ").number(random, 99).text(".25).sqrt() * 1000.0 + ").number(random, 99).text(".5f64.ln()) as u64 }"),
        14 => draft("const D: [f64; 4] = [").number(random, 99).text(".5, 2.5, ").number(random, 99).text(".25, 1e10]; (D[x as usize % 4] * 3.0 + D.iter().sum::<f64>()) as u64 }"),
        15 => draft("std::panic::catch_unwind(|| { if x % 3 == 0 { panic!(\"").letters(random, 9).text(" {}\", x * ").number(random, 9).text(") } x }).unwrap_or_else(|e| e.downcast_ref::<String>().map_or(0, |s| text(s))) }"),
        16 => {
            let mut draft = draft("#[track_caller] fn line() -> u64 { std::panic::Location::caller().line() as u64 } line() * x + ").number(random, 99).text(" }");
            draft.item.depends_on_lines = true;
            draft
        }
        17 => draft("static G: AtomicU64 = AtomicU64::new(1); extern \"C\" fn set() { G.store(").number(random, 99).text(", Relaxed); } #[used] #[unsafe(link_section = \".init_array\")] static I: extern \"C\" fn() = set; G.load(Relaxed) ^ x }"),
        18 => draft(&format!("#[used] #[unsafe(link_section = \"coll{number}\")] static A: u64 = ")).number(random, 99).text(format!("; #[used] #[unsafe(link_section = \"coll{number}\")] static B: u64 = ")).number(random, 99).text(format!("; unsafe extern \"C\" {{ #[link_name = \"__start_coll{number}\"] static S: u64; #[link_name = \"__stop_coll{number}\"] static E: u64; }} unsafe {{ let (mut p, e) = (&raw const S, &raw const E); let mut a = x; while p != e {{ a = mix(a, *p); p = p.add(1); }} a }} }}")),
        19 => draft("const R: [[u8; 4]; 3] = [[").number(random, 99).text(", 2, 3, 4], [5, ").number(random, 99).text(", 7, 8], [9, 10, 11, ").number(random, 99).text("]]; const ROW: &[u8; 4] = &R[1]; R[x as usize % 3][x as usize % 4] as u64 + ROW[x as usize % 4] as u64 }"),
        20 => draft("const W: &str = \"").letters(random, 16).text("\"; const HEAD: &str = W.split_at(5).0; const TAIL: &str = W.split_at(5).1; W.as_bytes()[x as usize % 16] as u64 + text(if x % 2 == 0 { HEAD } else { TAIL }) }"),
        21 => draft("struct Row { n: u64, name: [u8; 8], more: &'static str } const ROWS: [Row; 2] = [Row { n: ").number(random, 99).text(", name: *b\"").letters(random, 8).text("\", more: \"").letters(random, 5).text("\" }, Row { n: 5, name: *b\"").letters(random, 8).text("\", more: \"x\" }]; const NAME: &[u8; 8] = &ROWS[0].name; let r = &ROWS[x as usize % 2]; r.n + text(r.more) + r.name[x as usize % 8] as u64 + NAME[1] as u64 }"),
        22 => draft("const NAMES: [&str; 4] = [\"").letters(random, 4).text("\", \"").letters(random, 6).text("\", \"").letters(random, 3).text("\", \"").letters(random, 8).text("\"]; const LAST: &[&str] = NAMES.split_at(2).1; text(NAMES[x as usize % 4]) + text(LAST[x as usize % 2]) }"),
        23 => draft("struct A(u64); impl Go for A { fn go(&self, x: u64) -> u64 { self.0 ^ x } } static D: &(dyn Go + Sync) = &A(").number(random, 99).text("); const L: [&dyn Go; 2] = [&A(").number(random, 99).text("), &A(7)]; D.go(x) + L[x as usize % 2].go(x) + D.other(1) }"),
        _ => draft("let t = format!(\"").letters(random, 5).text(" {x:>4} {:?} ").letters(random, 7).text("\", (x, \"").letters(random, 3).text("\")); text(&t) + t.parse::<u64>().unwrap_or(").number(random, 99).text(") + c\"").letters(random, 6).text("\".to_bytes().len() as u64 }"),
    }
}
