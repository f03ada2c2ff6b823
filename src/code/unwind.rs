//! What runs when a function is unwound: the table of its landing pads, and the personality that reads it.
//!
//! `.eh_frame_hdr` leads from a function's address to its frame description, that to the table
//! (`.gcc_except_table`). The table's distances are from the function's start, so it is content.

use super::Obstacle;
use super::elf::Elf;

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

#[derive(Clone, Copy)]
struct Common {
    personality: Option<Handler>,
    table_encoding: u8,
}

const OMITTED: u8 = 0xff;

/// The frames of a program, by the address of what they describe.
#[derive(Debug)]
pub(super) struct Frames<'e> {
    elf: &'e Elf,
    /// Start and end of the sorted table, and what its distances are from.
    table: Option<(u64, u64, u64)>,
}

impl<'e> Frames<'e> {
    pub(super) fn of(elf: &'e Elf) -> Result<Self, Obstacle> {
        let Some(section) = elf.sections.iter().find(|section| section.name == ".eh_frame_hdr") else {
            let has_frames = elf.sections.iter().any(|section| section.name == ".eh_frame");
            return if has_frames { Err(Obstacle::Unwinding(0)) } else { Ok(Frames { elf, table: None }) };
        };
        let mut cursor = Cursor { elf, at: section.start };
        let (version, pointer, count, table) =
            (cursor.byte()?, cursor.byte()?, cursor.byte()?, cursor.byte()?);
        if (version, count, table) != (1, 0x03, 0x3b) {
            return Err(Obstacle::Unwinding(section.start));
        }
        cursor.pointer(pointer)?;
        let count = u64::from(cursor.word()?);
        Ok(Frames { elf, table: Some((cursor.at, count, section.start)) })
    }

    /// The frame that covers `address`: where it begins and ends, and where its description is.
    pub(super) fn at(&self, address: u64) -> Result<Option<(u64, u64, u64)>, Obstacle> {
        let Some((table, count, base)) = self.table else { return Ok(None) };
        let entry = |number: u64| -> Result<(u64, u64), Obstacle> {
            let mut cursor = Cursor { elf: self.elf, at: table + number * 8 };
            let start = base.wrapping_add_signed(i64::from(cursor.word()?.cast_signed()));
            Ok((start, base.wrapping_add_signed(i64::from(cursor.word()?.cast_signed()))))
        };
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = u64::midpoint(low, high);
            if entry(middle)?.0 <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low == 0 {
            return Ok(None);
        }
        let (start, description) = entry(low - 1)?;
        let mut cursor = Cursor { elf: self.elf, at: description.wrapping_add(8) };
        cursor.word()?;
        let end = start.wrapping_add(u64::from(cursor.word()?));
        Ok((address < end).then_some((start, end, description)))
    }

    /// What is run when a function between these addresses is unwound.
    pub(super) fn unwinding(&self, start: u64, end: u64) -> Result<Unwinding, Obstacle> {
        let mut unwinding = Unwinding::default();
        let mut address = start;
        while address < end {
            let Some((from, to, description)) = self.at(address)? else { break };
            self.add(start, from, description, &mut unwinding)?;
            address = to;
        }
        Ok(unwinding)
    }

    fn add(&self, start: u64, from: u64, description: u64, found: &mut Unwinding) -> Result<(), Obstacle> {
        let mut cursor = Cursor { elf: self.elf, at: description };
        let length = cursor.word()?;
        let back = u64::from(cursor.word()?);
        if length == u32::MAX || back == 0 {
            return Err(Obstacle::Unwinding(description));
        }
        let common = description.wrapping_add(4).checked_sub(back).ok_or(Obstacle::Unwinding(description))?;
        let common = self.common(common)?;
        cursor.word()?;
        cursor.word()?;
        cursor.unsigned()?;
        if common.table_encoding == OMITTED {
            return Ok(());
        }
        let Some(Handler::Address(table)) = cursor.pointer(common.table_encoding)? else { return Ok(()) };
        found.targets.extend(common.personality);
        found.content.extend(from.wrapping_sub(start).to_le_bytes());
        self.add_table(table, found)
    }

    fn common(&self, at: u64) -> Result<Common, Obstacle> {
        let mut cursor = Cursor { elf: self.elf, at };
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
    fn add_table(&self, at: u64, found: &mut Unwinding) -> Result<(), Obstacle> {
        let mut cursor = Cursor { elf: self.elf, at };
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
        let mut sites = Cursor { elf: self.elf, at: sites_end - sites_length };
        let mut most = 0;
        while sites.at < sites_end {
            for _ in 0..3 {
                sites.number(site_encoding)?;
            }
            let first = sites.unsigned()?;
            if first != 0 {
                most = most.max(self.follow_actions(sites_end + first - 1, types_end, found)?);
            }
        }
        let types_start = types_end.checked_sub(most * 4).filter(|start| *start >= sites_end);
        let types_start = types_start.ok_or(Obstacle::Unwinding(at))?;
        let mut actions = Cursor { elf: self.elf, at: sites_end };
        found.content.extend(actions.bytes(types_start - sites_end)?);
        let mut types = Cursor { elf: self.elf, at: types_start };
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
    fn follow_actions(&self, first: u64, lists: u64, found: &mut Unwinding) -> Result<u64, Obstacle> {
        let mut most = 0;
        let mut cursor = Cursor { elf: self.elf, at: first };
        for _ in 0..1024 {
            let filter = cursor.signed()?;
            if filter < 0 {
                let mut list = Cursor { elf: self.elf, at: lists + filter.unsigned_abs() - 1 };
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
}

struct Cursor<'e> {
    elf: &'e Elf,
    at: u64,
}

impl<'e> Cursor<'e> {
    fn bytes(&mut self, count: u64) -> Result<&'e [u8], Obstacle> {
        let at = self.at;
        let section = self.elf.section_at(at).ok_or(Obstacle::Unwinding(at))?;
        self.at += count;
        section.read(at, count).ok_or(Obstacle::Unwinding(at))
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
