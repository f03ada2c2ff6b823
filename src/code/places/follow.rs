//! Follows the address of a place through one function.
//!
//! A way ends where nothing holds the address any more: as a rule at a call that panics, a few instructions
//! on. Only if it was kept on the stack, or over a call, does the rest of the function matter.
//!
//! The registers and the slots of the stack that may hold it are followed along all branches. A slot is one
//! of eight bytes at a known distance from where the stack pointer was. It must be read again, or it could
//! be an argument on the stack; and of no place below it may the address be taken, or it could be a part of
//! a larger value. Written whole, it holds something else from then on. The address of a function that
//! is called several times is followed in the same way.
//!
//! A register that nobody has written since may be passed and returned without anybody's wish. So the
//! callee is asked, whatever it takes, and says what it leaves behind. What one call has left, and what
//! goes untouched into the next, is not looked for behind that: a compiler takes the registers of
//! arguments for lost in a call, so both would have to get it as the same argument and return it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::super::usage::{ARGUMENTS, Block, KEPT};
use super::super::x86::{Instruction, RSP};
use super::state::{State, is_beside, move_pointer, registers};

/// What is called, or jumped to.
#[derive(Clone, Copy, Debug)]
pub(in crate::code) enum Callee {
    Code(u64),
    /// The function whose address is in this slot.
    Slot(u64),
}

/// Asks what a callee that has the address in a register leaves behind: the registers that may hold it when
/// it returns; `None` if it uses the address.
pub(super) type Ask<'a> = dyn FnMut(Callee, u8) -> Option<u16> + 'a;

/// The registers in which a function returns something: rax, rdx, rcx.
const RETURNED: u16 = 0b111;

/// Follows an address through a function.
struct Follower<'b, 'a> {
    block: &'b Block<'b>,
    end: u64,
    jumps: &'b [u64],
    ask: &'b mut Ask<'a>,
    /// Whether ways are followed on where nothing holds it.
    everywhere: bool,
    /// Before the instructions that were seen, by number.
    states: HashMap<usize, State>,
    /// What may hold it when the function returns.
    returned: u16,
    /// All slots that ever held it, those that were read again, and from where on others' addresses are taken.
    slots: Vec<i64>,
    read: Vec<i64>,
    lowest_taken: i64,
    /// The least depth of the stack at calls, which is that of landing pads: whoever unwinds takes arguments off the stack
    /// that were pushed for a call (`DW_CFA_GNU_args_size`).
    at_calls: Option<i64>,
    /// Registers and slots that ever held it across a call.
    kept: u16,
    kept_slots: Vec<i64>,
    /// Whether it may go to a function that is not known.
    lacks_callee: bool,
}

/// The registers that may hold the address when the function returns, if it is not used otherwise than by
/// passing it on. It is in `register` before instruction `first` of a function that ends at `end`, and
/// jumps by tables to `jumps`.
pub(super) fn follow(
    block: &Block<'_>,
    (end, jumps): (u64, &[u64]),
    first: usize,
    register: u8,
    ask: &mut Ask<'_>,
) -> Option<u16> {
    let held = State { registers: 1 << register, ..State::default() };
    let mut follower = Follower::new(block, (end, jumps), ask);
    match follower.walk(first, held.clone()) {
        Some(()) if follower.slots.is_empty() && follower.kept == 0 => return Some(follower.returned),
        // What is called may be known from what stands before.
        None if !follower.lacks_callee => return None,
        _ => {}
    }
    let mut of_entry = Follower { everywhere: true, ..Follower::new(block, (end, jumps), ask) };
    of_entry.walk(0, State::default())?;
    let (of_entry, lowest_taken, reloaded) = (of_entry.states, of_entry.lowest_taken, of_entry.slots);
    // Once more, with distances from where the stack pointer was at the beginning.
    let mut follower = Follower::new(block, (end, jumps), ask);
    let State { depth, loaded, saved, .. } = *of_entry.get(&first)?;
    let knows_function = loaded.is_some() || saved.is_some();
    follower.walk(first, State { depth, loaded, saved, ..held })?;
    // Landing pads: no branch leads there, a panic in a call does. What stands behind one is seen with it.
    follower.everywhere = true;
    let at_calls = follower.kept_slots.len();
    for number in 0..block.instructions.len() {
        if of_entry.contains_key(&number) || follower.states.contains_key(&number) {
            continue;
        }
        let Some(depth) = follower.at_calls else { break };
        let (registers, slots) = (follower.kept, follower.kept_slots.clone());
        follower.walk(number, State { registers, slots, depth, ..State::default() })?;
    }
    if follower.kept_slots.len() > at_calls {
        // Other pads would have to be seen again.
        return None;
    }
    let lowest_taken = lowest_taken.min(follower.lowest_taken);
    let is_spill = |slot: &i64| follower.read.contains(slot) && *slot < lowest_taken;
    let is_well_known = !knows_function || reloaded.iter().all(|slot| *slot < lowest_taken);
    (is_well_known && follower.slots.iter().all(is_spill)).then_some(follower.returned)
}

impl<'b, 'a> Follower<'b, 'a> {
    fn new(block: &'b Block<'b>, (end, jumps): (u64, &'b [u64]), ask: &'b mut Ask<'a>) -> Self {
        Follower {
            block,
            end,
            jumps,
            ask,
            everywhere: false,
            states: HashMap::new(),
            returned: 0,
            slots: Vec::new(),
            read: Vec::new(),
            lowest_taken: i64::MAX,
            at_calls: None,
            kept: 0,
            kept_slots: Vec::new(),
            lacks_callee: false,
        }
    }

    /// Follows all branches from an instruction on; `None` if the address is used, or may be.
    fn walk(&mut self, first: usize, state: State) -> Option<()> {
        let mut waiting = vec![(first, state)];
        while let Some((number, state)) = waiting.pop() {
            let Some(&(offset, i)) = self.block.instructions.get(number) else { continue };
            let known = self.states.get(&number);
            let merged = match known {
                None => state,
                Some(known) => known.or(&state)?,
            };
            if known == Some(&merged) {
                continue;
            }
            self.states.insert(number, merged.clone());
            // What stands behind a call that does not return.
            if i.is(0xcc) {
                continue;
            }
            let after = self.step(offset, &i, merged)?;
            if after.is_empty() && !self.everywhere {
                continue;
            }
            if i.is_relative_branch() && !i.is_call() {
                let target = self.target(offset, &i);
                if target < self.block.start || target >= self.end {
                    self.leave(Some(Callee::Code(target)), &after)?;
                } else {
                    waiting.push((self.number_at(target)?, after.clone()));
                }
            }
            if i.is_indirect_jump() && !i.is_relative_to_itself() {
                for target in self.jumps {
                    waiting.push((self.number_at(*target)?, after.clone()));
                }
            }
            if !i.ends_flow() {
                waiting.push((number + 1, after));
            }
        }
        Some(())
    }

    fn next(&self, offset: u32, i: &Instruction) -> u64 {
        self.block.start + u64::from(offset) + u64::from(i.length)
    }

    fn target(&self, offset: u32, i: &Instruction) -> u64 {
        self.next(offset, i).wrapping_add_signed(i.immediate(&self.block.code[offset as usize..]))
    }

    fn number_at(&self, address: u64) -> Option<usize> {
        let offset = u32::try_from(address - self.block.start).ok()?;
        self.block.instructions.binary_search_by_key(&offset, |(at, _)| *at).ok()
    }

    /// What is held behind an instruction; `None` if it uses the address, or may do.
    fn step(&mut self, offset: u32, i: &Instruction, state: State) -> Option<State> {
        let bytes = &self.block.code[offset as usize..];
        let next = self.next(offset, i);
        let slot = || next.wrapping_add_signed(i.displacement(bytes));
        if i.is_call() || i.is_indirect_jump() {
            let callee = if i.is_relative_to_itself() {
                Some(Callee::Slot(slot()))
            } else if i.is_relative_branch() {
                Some(Callee::Code(self.target(offset, i)))
            } else {
                let called = i.other_register();
                state.loaded.filter(|(register, _)| Some(*register) == called).map(|(_, at)| Callee::Slot(at))
            };
            return self.call(callee, i, state);
        }
        if i.is_return() {
            self.returned |= state.registers & RETURNED;
            return (state.registers & KEPT == 0).then_some(state);
        }
        if i.is_hint() || i.is_relative_branch() || i.ends_flow() {
            // Some jumps count down a register.
            let counts = i.map == 0 && matches!(i.opcode, 0xe0..=0xe3) && state.holds(1);
            return (!counts).then_some(state);
        }
        let mut state = self.stack(i, bytes, state)?;
        self.keep_function(i, bytes, &mut state);
        if i.is(0x8b) && i.is_relative_to_itself() && i.is_wide() {
            state.loaded = Some((i.register(), slot()));
        }
        Some(state)
    }

    /// Of the address of a function: it is called several times, and kept on the stack in between.
    fn keep_function(&mut self, i: &Instruction, bytes: &[u8], state: &mut State) {
        let at = i.displacement(bytes) - state.depth;
        let is_slot = i.base() == Some(RSP) && i.index().is_none() && i.is_wide();
        let (stores, loads) = (is_slot && i.is(0x89), is_slot && i.is(0x8b));
        match (state.loaded, state.saved) {
            (Some((register, function)), _) if stores && i.register() == register => {
                state.saved = Some((at, function));
                return;
            }
            (_, Some((saved, function))) if loads && saved == at => {
                // As with a place, of no slot below it may the address be taken.
                note(&mut self.slots, at);
                note(&mut self.read, at);
                state.loaded = Some((i.register(), function));
                return;
            }
            _ => {}
        }
        if state.loaded.is_some_and(|(register, _)| i.touches(register)) {
            state.loaded = None;
        }
        let is_apart =
            |saved| i.base() != Some(RSP) || i.width().is_some_and(|width| is_beside(saved, at, width));
        let only_reads = i.is(0x8b) || i.is(0x8d);
        if state.saved.is_some_and(|(saved, _)| !only_reads && !is_apart(saved)) {
            state.saved = None;
        }
    }

    fn call(&mut self, callee: Option<Callee>, i: &Instruction, mut state: State) -> Option<State> {
        let is_operand = (0..16).any(|register| {
            let names = [i.base(), i.index(), i.other_register()];
            state.holds(register) && !i.is_relative_branch() && names.contains(&Some(register))
        });
        if is_operand {
            return None;
        }
        if i.is_call() {
            self.at_calls = Some(self.at_calls.map_or(state.depth, |least| least.min(state.depth)));
        }
        if i.is_indirect_jump() && callee.is_none() {
            // To a place of this function, if it has a table.
            return (state.is_empty() || !self.jumps.is_empty()).then_some(state);
        }
        if i.is_indirect_jump() {
            self.leave(callee, &state)?;
            return Some(state);
        }
        state.left = self.pass(callee, &state)?;
        self.kept |= state.registers & KEPT;
        for slot in &state.slots {
            note(&mut self.kept_slots, *slot);
        }
        state.registers = state.registers & KEPT | state.left;
        state.loaded = None;
        Some(state)
    }

    /// What a call, or a jump to another function, leaves of what is held.
    fn pass(&mut self, callee: Option<Callee>, state: &State) -> Option<u16> {
        let mut left = 0;
        for register in ARGUMENTS.into_iter().filter(|register| state.holds(*register)) {
            self.lacks_callee |= callee.is_none();
            let leaves = (self.ask)(callee?, register)?;
            left |= if state.left >> register & 1 == 1 { 0 } else { leaves };
        }
        Some(left)
    }

    /// Of a jump to another function.
    fn leave(&mut self, callee: Option<Callee>, state: &State) -> Option<()> {
        self.returned |= self.pass(callee, state)?;
        (state.registers & KEPT == 0).then_some(())
    }

    /// Of what works with the stack; anything else works with registers.
    fn stack(&mut self, i: &Instruction, bytes: &[u8], state: State) -> Option<State> {
        if let ControlFlow::Break(after) = move_pointer(i, bytes, &state) {
            return after;
        }
        if i.names_stack_pointer() {
            // What is made from the pointer leads anywhere.
            self.lowest_taken = i64::MIN;
            return if i.only_reads(RSP) { registers(i, state) } else { None };
        }
        if i.base() == Some(RSP) { self.slot(i, bytes, state) } else { registers(i, state) }
    }

    /// Of an operand that is counted from the stack pointer.
    fn slot(&mut self, i: &Instruction, bytes: &[u8], mut state: State) -> Option<State> {
        let at = i.displacement(bytes) - state.depth;
        let Some(width) = i.width().filter(|_| i.index().is_none()) else {
            self.lowest_taken = self.lowest_taken.min(at);
            return registers(i, state);
        };
        let (stores, loads) = (i.is_wide() && i.is(0x89), i.is_wide() && i.is(0x8b));
        if stores && state.holds(i.register()) {
            note(&mut state.slots, at);
            state.slots.sort_unstable();
            note(&mut self.slots, at);
            return Some(state);
        }
        if loads && state.slots.contains(&at) {
            state.hold(i.register(), true);
            note(&mut self.read, at);
            return Some(state);
        }
        // Compilers use a slot again for what lives at other times.
        if stores {
            state.slots.retain(|slot| *slot != at);
        }
        // Whatever else may meet a slot.
        let is_apart = state.slots.iter().all(|slot| is_beside(*slot, at, width));
        if is_apart { registers(i, state) } else { None }
    }
}

fn note(slots: &mut Vec<i64>, at: i64) {
    if !slots.contains(&at) {
        slots.push(at);
    }
}
