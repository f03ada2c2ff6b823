//! Names of the standard library that sources have for types and traits of their own, too.

/// Whether the standard library has a type or trait of this name that is imported often.
pub(super) fn is_std_name(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// In the order of their bytes, many to a line.
#[rustfmt::skip]
const NAMES: [&str; 213] = [
    "Add", "AddAssign", "Any", "Arc", "Arguments", "AsMut", "AsRef", "BTreeMap", "BTreeSet", "Backtrace",
    "Barrier", "Binary", "BinaryHeap", "BitAnd", "BitAndAssign", "BitOr", "BitOrAssign", "BitXor",
    "BitXorAssign", "Borrow", "BorrowMut", "Bound", "Box", "BufRead", "BuildHasher", "Builder", "Bytes",
    "CStr", "CString", "Cell", "Chain", "Chars", "Child", "Chunks", "Clone", "Cloned", "Command",
    "Component", "Condvar", "Context", "ControlFlow", "Copied", "Copy", "Cow", "Cursor", "Cycle", "Debug",
    "Default", "Deref", "DerefMut", "Discriminant", "Display", "Div", "DivAssign", "DoubleEndedIterator",
    "Drain", "Drop", "Duration", "Empty", "Entry", "Enumerate", "Eq", "Error", "ExactSizeIterator",
    "Extend", "File", "Filter", "FilterMap", "FlatMap", "Flatten", "Fn", "FnMut", "FnOnce", "Formatter",
    "From", "FromIterator", "FromStr", "Fuse", "FusedIterator", "Future", "Hash", "HashMap", "HashSet",
    "Hasher", "Index", "IndexMut", "Infallible", "Inspect", "Instant", "Into", "IntoIter", "IntoIterator",
    "IpAddr", "Ipv4Addr", "Ipv6Addr", "Iter", "IterMut", "Iterator", "JoinHandle", "Keys", "Layout",
    "LazyCell", "LazyLock", "Lines", "LinkedList", "Location", "LowerExp", "LowerHex", "ManuallyDrop",
    "Map", "MaybeUninit", "Metadata", "Mul", "MulAssign", "Mutex", "Neg", "NonZero", "Not", "Octal", "Once",
    "OnceCell", "OnceLock", "Option", "Ord", "Ordering", "OsStr", "OsString", "Output", "ParseFloatError",
    "ParseIntError", "PartialEq", "PartialOrd", "Path", "PathBuf", "Pattern", "Peekable", "PhantomData",
    "Pin", "Pointer", "Poll", "Product", "Range", "RangeBounds", "RangeFrom", "RangeFull", "RangeInclusive",
    "RangeTo", "RangeToInclusive", "Rc", "Read", "Receiver", "Ref", "RefCell", "RefMut", "Rem", "RemAssign",
    "Repeat", "Result", "Rev", "Reverse", "RwLock", "Saturating", "Scan", "Seek", "Send", "Sender", "Shl",
    "ShlAssign", "Shr", "ShrAssign", "Sink", "Sized", "Skip", "SkipWhile", "SocketAddr", "Split", "Stderr",
    "Stdin", "Stdout", "StepBy", "String", "Sub", "SubAssign", "Successors", "Sum", "Sync", "SystemTime",
    "Take", "TakeWhile", "TcpListener", "TcpStream", "Termination", "Thread", "ToOwned", "ToString",
    "TryFrom", "TryInto", "TypeId", "UdpSocket", "Unpin", "UpperExp", "UpperHex", "Utf8Error", "Values",
    "Vec", "VecDeque", "Wake", "Waker", "Weak", "Windows", "Wrapping", "Write", "Zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        assert!(NAMES.is_sorted());
        assert!(NAMES.into_iter().all(is_std_name));
        assert!(!is_std_name("Vector"));
    }
}
