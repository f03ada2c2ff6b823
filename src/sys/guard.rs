//! Mapped memory that is lost does not end the program.
//!
//! A page of a mapping cannot be read when its file was cut off behind it, when its sector of the disk fails, or when there is no
//! room for the block that a write needs. The kernel then raises SIGBUS at the very instruction. A file that others can change is
//! no promise that this does not happen, whatever was asked before.
//!
//! So a handler lays a page of zeros over the lost one, notes it, and lets the instruction run again (the technique is that of
//! libwayland-server, whose clients may truncate the memory that they share). Records fail their checksum then, words are no longer
//! those of a log, and whoever uses the mapping sees the note and opens its file again. A hit costs nothing for it.
//!
//! # Invariants
//! 1. Only pages of guarded mappings are replaced. Every other fault goes to the handler that was there before, as if there
//!    were no other.
//! 2. The handler allocates nothing, takes no lock, and leaves `errno` as it was.
//! 3. A place in the table belongs to one mapping until that is unmapped, so whoever touches a guarded page has its place.
//!
//! An [`Array`](crate::Array) that the program holds is not guarded: zeros would be a wrong value. Not covered: a program that
//! sets a handler of its own later and does not call ours, and threads that block SIGBUS.
//!
//! Reading each record with `pread` would need no handler. It takes 0.35 µs more, of 0.8 µs for a
//! hit.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, Once, OnceLock};

use crate::lock::lock;

/// Keeps faults in a range of mapped memory from ending the program, until it is dropped. It is to be dropped before the memory is
/// unmapped.
#[derive(Debug)]
pub(crate) struct Guard(&'static GuardedRange);

/// A place in the table of guarded ranges; free if it ends at zero.
#[derive(Debug)]
struct GuardedRange {
    start: AtomicUsize,
    end: AtomicUsize,
    /// How many pages were replaced.
    lost: AtomicU32,
}

/// Places that are allocated together.
const CHUNK: usize = 128;

/// A part of the table. Parts are never freed: the handler may read them at any time.
struct Chunk {
    places: [GuardedRange; CHUNK],
    next: *const Chunk,
}

/// The latest part of the table.
static TABLE: AtomicPtr<Chunk> = AtomicPtr::new(ptr::null_mut());

/// Places that no mapping has.
static FREE: Mutex<Vec<&'static GuardedRange>> = Mutex::new(Vec::new());

/// What was done about the signal before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// The size of a page, for the handler.
static PAGE: AtomicUsize = AtomicUsize::new(0);

impl Guard {
    /// Guards a range of mapped memory, whose pages may be read, or read and written.
    pub(crate) fn new(range: Range<*const u8>) -> Self {
        install();
        let place = free_place();
        place.lost.store(0, SeqCst);
        place.start.store(range.start.addr(), SeqCst);
        // Last: from now on the handler sees it.
        place.end.store(range.end.addr(), SeqCst);
        Guard(place)
    }

    /// Whether a page was lost.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        self.0.lost.load(SeqCst) > 0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.end.store(0, SeqCst);
        lock(&FREE).push(self.0);
    }
}

fn free_place() -> &'static GuardedRange {
    let mut free = lock(&FREE);
    if let Some(place) = free.pop() {
        return place;
    }
    let place =
        || GuardedRange { start: AtomicUsize::new(0), end: AtomicUsize::new(0), lost: AtomicU32::new(0) };
    let next = TABLE.load(SeqCst).cast_const();
    let chunk = Box::leak(Box::new(Chunk { places: std::array::from_fn(|_| place()), next }));
    let chunk: &'static Chunk = chunk;
    // Under the lock of the free places, so nobody else extends the table.
    TABLE.store(ptr::from_ref(chunk).cast_mut(), SeqCst);
    free.extend(&chunk.places);
    free.pop().expect("just filled")
}

/// Sets the handler, the first time.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        PAGE.store(rustix::param::page_size(), SeqCst);
        // SAFETY: All zeros are a `sigaction`: numbers, and a handler that is the default one.
        let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: A null pointer asks for the present action alone, which is written to `before`.
        if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before) } != 0 {
            return;
        }
        let _ = BEFORE.set(before);
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
        // SAFETY: as above.
        let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
        ours.sa_sigaction = handler as usize;
        // On the alternate stack where there is one, as the standard library's handler wants it.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // SAFETY: The handler does nothing that is forbidden in one: see the invariants of the module.
        let _ = unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
    });
}

extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: `errno` is this thread's own.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let saved = unsafe { *errno };
    // SAFETY: The kernel gives a valid `info`; its address is there for this signal, whatever it means if a process sent it.
    let address = unsafe { (*info).si_addr() }.addr();
    if !replace_page(address) {
        pass_on(signal, info, context);
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// Lays zeros over the page of `address` if it is guarded; whether they are there.
fn replace_page(address: usize) -> bool {
    let mut chunk = TABLE.load(SeqCst).cast_const();
    // SAFETY: Chunks are never freed, and are whole before the table leads to them.
    while let Some(part) = unsafe { chunk.as_ref() } {
        for place in &part.places {
            if address < place.end.load(SeqCst) && address >= place.start.load(SeqCst) {
                let page = ptr::without_provenance_mut(address & !(PAGE.load(SeqCst) - 1));
                let (access, how) = (
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                );
                // SAFETY: The page is one of a mapping that is guarded, which is ours to replace, and which is not unmapped
                // meanwhile, since the thread that was interrupted uses it.
                let laid = unsafe { libc::mmap(page, PAGE.load(SeqCst), access, how, -1, 0) };
                place.lost.fetch_add(1, SeqCst);
                return laid == page;
            }
        }
        chunk = part.next;
    }
    false
}

/// Does what would have been done about the signal.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.get().filter(|before| ![libc::SIG_DFL, libc::SIG_IGN].contains(&before.sa_sigaction));
    let Some(before) = before else {
        // SAFETY: Setting the default action, and raising a signal, are allowed in a handler. A fault comes again when this
        // returns and ends the program then; a signal that a process sent is raised once more for that.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            if (*info).si_code <= 0 {
                libc::raise(signal);
            }
        }
        return;
    };
    if before.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: With this flag the action is a function of these three.
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(before.sa_sigaction) };
        handler(signal, info, context);
    } else {
        // SAFETY: Without the flag the action is a function of the signal's number.
        let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(before.sa_sigaction) };
        handler(signal);
    }
}
