//! What runs when a function is unwound: the table of its landing pads, and the personality that reads it.
//!
//! `.eh_frame_hdr` leads from a function's address to its frame description, that to the table
//! (`.gcc_except_table`). The table's distances are from the function's start, so it is content.

use super::Obstacle;
use super::elf::{Elf, Section, u32_of};

/// The unwinding table of a function.
#[derive(Debug, Default)]
pub(super) struct Unwinding {
    /// Call sites and actions.
    pub(super) content: Vec<u8>,
    /// The personality, and the types that are caught.
    pub(super) targets: Vec<Handler>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Handler {
    Address(u64),
    /// The address that is in this slot.
    Slot(u64),
}

#[derive(Clone, Copy, Debug)]
struct Common {
    personality: Option<Handler>,
    table_encoding: u8,
}

const OMITTED: u8 = 0xff;

/// The frames of a program.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Where each frame begins, sorted, and where its description is.
    frames: Vec<(u64, u64)>,
    /// What descriptions have in common, by its place.
    commons: Vec<(u64, Common)>,
}

impl Frames {
    pub(super) fn of(elf: &Elf) -> Result<Self, Obstacle> {
        let section = |name: &str| elf.sections.iter().find(|section| section.name == name);
        let Some(header) = section(".eh_frame_hdr") else {
            let has_frames = section(".eh_frame").is_some();
            return if has_frames { Err(Obstacle::Unwinding(0)) } else { Ok(Frames::default()) };
        };
        let mut cursor = Cursor::new(elf, header.start);
        let (version, pointer, count, table) =
            (cursor.byte()?, cursor.byte()?, cursor.byte()?, cursor.byte()?);
        if (version, count, table) != (1, 0x03, 0x3b) {
            return Err(Obstacle::Unwinding(header.start));
        }
        cursor.pointer(pointer)?;
        let count = u64::from(cursor.word()?);
        let mut frames = Vec::new();
        for entry in cursor.bytes(count * 8)?.as_chunks::<8>().0 {
            let distance = |at: usize| i64::from(u32_of(&entry[at..at + 4]).cast_signed());
            let address = |at: usize| header.start.wrapping_add_signed(distance(at));
            frames.push((address(0), address(4)));
        }
        Ok(Frames { frames, commons: Vec::new() })
    }

    /// What is run when a function between these addresses is unwound.
    pub(super) fn unwinding(&mut self, elf: &Elf, start: u64, end: u64) -> Result<Unwinding, Obstacle> {
        let mut unwinding = Unwinding::default();
        // The last frame that begins at the start or before it, and all that begin behind it.
        let (mut low, mut high) = (0, self.frames.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.frames[middle].0 <= start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for at in low.saturating_sub(1)..self.frames.len() {
            let (from, description) = self.frames[at];
            if from >= end {
                break;
            }
            let mut cursor = Cursor::new(elf, description.wrapping_add(8));
            cursor.word()?;
            if from.wrapping_add(u64::from(cursor.word()?)) > start {
                self.add(elf, start, from, description, &mut unwinding)?;
            }
        }
        Ok(unwinding)
    }

    fn add(
        &mut self,
        elf: &Elf,
        start: u64,
        from: u64,
        description: u64,
        found: &mut Unwinding,
    ) -> Result<(), Obstacle> {
        let mut cursor = Cursor::new(elf, description);
        let length = cursor.word()?;
        let back = u64::from(cursor.word()?);
        if length == u32::MAX || back == 0 {
            return Err(Obstacle::Unwinding(description));
        }
        let common = description.wrapping_add(4).checked_sub(back).ok_or(Obstacle::Unwinding(description))?;
        let known = self.commons.iter().find(|(at, _)| *at == common).map(|(_, known)| *known);
        let common = if let Some(known) = known {
            known
        } else {
            let read = common_at(elf, common)?;
            self.commons.push((common, read));
            read
        };
        cursor.word()?;
        cursor.word()?;
        cursor.unsigned()?;
        if common.table_encoding == OMITTED {
            return Ok(());
        }
        let Some(Handler::Address(table)) = cursor.pointer(common.table_encoding)? else { return Ok(()) };
        found.targets.extend(common.personality);
        found.content.extend(from.wrapping_sub(start).to_le_bytes());
        add_table(elf, table, found)
    }
}

fn common_at(elf: &Elf, at: u64) -> Result<Common, Obstacle> {
    let mut cursor = Cursor::new(elf, at);
    cursor.word()?;
    cursor.word()?;
    let version = cursor.byte()?;
    let mut augmentation = Vec::new();
    loop {
        match cursor.byte()? {
            0 => break,
            letter => augmentation.push(letter),
        }
    }
    cursor.unsigned()?;
    cursor.unsigned()?; // the alignments, of which one has a sign; both are skipped alike
    if version == 1 {
        cursor.byte()?;
    } else {
        cursor.unsigned()?;
    }
    let mut common = Common { personality: None, table_encoding: OMITTED };
    let mut letters = augmentation.iter();
    match letters.next() {
        None => return Ok(common),
        Some(b'z') => {}
        Some(_) => return Err(Obstacle::Unwinding(at)),
    }
    cursor.unsigned()?;
    for letter in letters {
        match letter {
            b'L' => common.table_encoding = cursor.byte()?,
            b'P' => {
                let encoding = cursor.byte()?;
                common.personality = cursor.pointer(encoding)?;
            }
            b'R' => {
                if cursor.byte()? != 0x1b {
                    return Err(Obstacle::Unwinding(at));
                }
            }
            b'S' | b'B' => {}
            _ => return Err(Obstacle::Unwinding(at)),
        }
    }
    Ok(common)
}

/// Adds the table at `at`: a header, call sites, actions, and types that end where the header says.
fn add_table(elf: &Elf, at: u64, found: &mut Unwinding) -> Result<(), Obstacle> {
    let mut cursor = Cursor::new(elf, at);
    if cursor.byte()? != OMITTED {
        return Err(Obstacle::Unwinding(at)); // landing pads that are not counted from the function
    }
    let type_encoding = cursor.byte()?;
    let mut types_end = None;
    if type_encoding != OMITTED {
        let length = cursor.unsigned()?;
        types_end = Some(cursor.at + length);
    }
    let site_encoding = cursor.byte()?;
    let sites_length = cursor.unsigned()?;
    let sites_end = cursor.at + sites_length;
    found.content.push(site_encoding);
    found.content.extend(cursor.bytes(sites_length)?);
    let Some(types_end) = types_end else { return Ok(()) };
    let mut sites = Cursor::new(elf, sites_end - sites_length);
    let mut most = 0;
    while sites.at < sites_end {
        for _ in 0..3 {
            sites.number(site_encoding)?;
        }
        let first = sites.unsigned()?;
        if first != 0 {
            most = most.max(follow_actions(elf, sites_end + first - 1, types_end, found)?);
        }
    }
    let types_start = types_end.checked_sub(most * 4).filter(|start| *start >= sites_end);
    let types_start = types_start.ok_or(Obstacle::Unwinding(at))?;
    let mut actions = Cursor::new(elf, sites_end);
    found.content.extend(actions.bytes(types_start - sites_end)?);
    let mut types = Cursor::new(elf, types_start);
    for _ in 0..most {
        match types.pointer(type_encoding)? {
            Some(handler) => found.targets.push(handler),
            None => found.content.push(0),
        }
    }
    Ok(())
}

/// Follows a chain of actions: how many types it names. Lists of types that may pass, which the
/// actions name by negative numbers, stand behind the types.
fn follow_actions(elf: &Elf, first: u64, lists: u64, found: &mut Unwinding) -> Result<u64, Obstacle> {
    let mut most = 0;
    let mut cursor = Cursor::new(elf, first);
    for _ in 0..1024 {
        let filter = cursor.signed()?;
        if filter < 0 {
            let mut list = Cursor::new(elf, lists + filter.unsigned_abs() - 1);
            loop {
                let number = list.unsigned()?;
                found.content.extend(number.to_le_bytes());
                if number == 0 {
                    break;
                }
                most = most.max(number);
            }
        }
        most = most.max(u64::try_from(filter).unwrap_or(0));
        let here = cursor.at;
        let next = cursor.signed()?;
        if next == 0 {
            return Ok(most);
        }
        cursor.at = here.wrapping_add_signed(next);
    }
    Err(Obstacle::Unwinding(first))
}

/// A place in a section that is read from, which must not leave the section.
struct Cursor<'e> {
    section: Option<&'e Section>,
    at: u64,
}

impl<'e> Cursor<'e> {
    fn new(elf: &'e Elf, at: u64) -> Self {
        Cursor { section: elf.section_at(at), at }
    }

    fn bytes(&mut self, count: u64) -> Result<&'e [u8], Obstacle> {
        let at = self.at;
        let bytes = self.section.and_then(|section| section.read(at, count));
        self.at = at.wrapping_add(count);
        bytes.ok_or(Obstacle::Unwinding(at))
    }

    fn byte(&mut self) -> Result<u8, Obstacle> {
        Ok(self.bytes(1)?[0])
    }

    fn word(&mut self) -> Result<u32, Obstacle> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn unsigned(&mut self) -> Result<u64, Obstacle> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift > 28 {
                return Err(Obstacle::Unwinding(self.at)); // longer than any table
            }
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    fn signed(&mut self) -> Result<i64, Obstacle> {
        let (mut value, mut shift) = (0_i64, 0);
        loop {
            let byte = self.byte()?;
            if shift > 28 {
                return Err(Obstacle::Unwinding(self.at));
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0;
                return Ok(if is_negative { value | -1 << shift } else { value });
            }
        }
    }

    /// A number of a call site.
    fn number(&mut self, encoding: u8) -> Result<u64, Obstacle> {
        match encoding {
            1 => self.unsigned(),
            3 => self.word().map(u64::from),
            _ => Err(Obstacle::Unwinding(self.at)),
        }
    }

    /// A pointer as a distance from itself, of four bytes; `None` if it is zero.
    fn pointer(&mut self, encoding: u8) -> Result<Option<Handler>, Obstacle> {
        let here = self.at;
        if encoding & 0x7f != 0x1b {
            return Err(Obstacle::Unwinding(here));
        }
        let distance = i64::from(self.word()?.cast_signed());
        let target = here.wrapping_add_signed(distance);
        let is_slot = encoding & 0x80 != 0;
        Ok((distance != 0).then_some(if is_slot { Handler::Slot(target) } else { Handler::Address(target) }))
    }
}
