//! Code that compilers write where they please, as assembly: addresses that are kept on the stack for a while, tables with padding.

use crate::small::Small;

/// A program whose function `probe` is this assembly, with data and other functions beside it; `f` calls it.
pub fn probe(data: &str, code: &str, others: &str) -> Small {
    Small::new(&format!(
        "std::arch::global_asm!(r#\"
        .section .rodata.file, \"a\"
        .Lfile: .ascii \"src/lib.rs\"
        .section .data.rel.ro.probe, \"aw\", @progbits
        .balign 8
        {data}
        .section .text.probe, \"ax\", @progbits
        .globl probe
        .type probe, @function
        probe:
        {code}
        .size probe, . - probe
        {others}
        \"#);
        unsafe extern \"C\" {{ safe fn probe(x: u64) -> u64; }}
        fn f(x: u64) -> u64 {{ probe(x) }}\n"
    ))
}

/// A function of `core` that panics, as far as its name tells; one that takes two arguments on the stack; one that reads a place.
const OTHERS: &str = "
        .globl _ZN4core9panicking5probe17h0123456789abcdefE
        .type _ZN4core9panicking5probe17h0123456789abcdefE, @function
        _ZN4core9panicking5probe17h0123456789abcdefE: ud2
        .size _ZN4core9panicking5probe17h0123456789abcdefE, . - _ZN4core9panicking5probe17h0123456789abcdefE
        .type probe_sum, @function
        probe_sum: mov rax, [rsp + 8]
            add rax, [rsp + 16]
            ret
        .size probe_sum, . - probe_sum
        .type probe_line, @function
        probe_line: mov eax, [rdi + 16]
            ret
        .size probe_line, . - probe_line";

#[test]
fn a_place_in_a_slot_that_is_used_for_other_things_before_and_after_tells_nothing() {
    let place = ".Lplace: .quad .Lfile, 10\n .long 7, 9";
    let around = |before: &str, after: &str| {
        let code = format!(
            "push rbx
            sub rsp, 32
            mov rbx, rdi
            mov [rsp + 8], rdi
            {before}
            lea rax, [rip + .Lplace]
            mov [rsp + 8], rax
            cmp rbx, 1000
            ja 2f
            {after}
            mov rax, [rsp + 8]
            add rsp, 32
            pop rbx
            ret
        2:  mov rdi, [rsp + 8]
            call _ZN4core9panicking5probe17h0123456789abcdefE
            ud2"
        );
        probe(place, &code, OTHERS)
    };
    // Arguments on the stack, one of them from the slot itself: then it is no place.
    let call = "push rbx
            push qword ptr [rsp + 16]
            call probe_sum
            add rsp, 16
            mov [rsp + 8], rax";
    around(call, "mov [rsp + 8], rbx").ignores(".long 7, 9", ".long 8, 9");
    // As an argument, it may be told.
    around("", &format!("{call}\n mov [rsp + 8], rbx")).sees(".long 7, 9", ".long 8, 9");
    // Returned, too.
    around(call, "").sees(".long 7, 9", ".long 8, 9");
}

#[test]
fn a_slot_that_ends_with_a_pop_tells_nothing_unless_what_was_popped_is_returned() {
    let place = ".Lplace: .quad .Lfile, 10\n .long 7, 9";
    let ends = |how: &str| {
        let code = format!(
            "push rcx
            lea rax, [rip + .Lplace]
            mov [rsp], rax
            mov eax, 5
            cmp rdi, 1000
            ja 2f
            {how}
            ret
        2:  mov rdi, [rsp]
            call _ZN4core9panicking5probe17h0123456789abcdefE
            ud2"
        );
        probe(place, &code, OTHERS)
    };
    ends("pop rdx\n xor edx, edx").ignores(".long 7, 9", ".long 8, 9");
    ends("pop rax").sees(".long 7, 9", ".long 8, 9");
    ends("pop rdx\n mov eax, [rdx + 16]").sees(".long 7, 9", ".long 8, 9");
}

#[test]
fn a_function_that_is_kept_on_the_stack_is_known_as_long_as_nothing_else_may_be_there() {
    let data = ".Lplace: .quad .Lfile, 10
        .long 7, 9
        .Lpanics: .quad _ZN4core9panicking5probe17h0123456789abcdefE
        .Lother: .quad probe_line";
    let meanwhile = |what: &str| {
        let code = format!(
            "sub rsp, 24
            mov rax, [rip + .Lpanics]
            mov [rsp + 8], rax
            {what}
            cmp rdi, 1000
            jbe 2f
            mov rax, [rsp + 8]
            lea rdi, [rip + .Lplace]
            call rax
            ud2
        2:  mov eax, 5
            add rsp, 24
            ret"
        );
        probe(data, &code, OTHERS)
    };
    meanwhile("mov [rsp], rdi\n mov [rsp + 16], rdi").ignores(".long 7, 9", ".long 8, 9");
    meanwhile("mov rcx, [rip + .Lother]\n mov [rsp + 8], rcx").sees(".long 7, 9", ".long 8, 9");
    meanwhile("mov dword ptr [rsp + 12], 0").sees(".long 7, 9", ".long 8, 9");
    // By an address, anything may be put there.
    meanwhile("lea rcx, [rsp]\n mov rdx, [rip + .Lother]\n mov [rcx + 8], rdx")
        .sees(".long 7, 9", ".long 8, 9");
}

/// The method of a vtable.
const METHOD: &str = "
        .type method, @function
        method: lea rax, [rdi + 1]
            ret
        .size method, . - method";

#[test]
fn the_address_of_a_vtable_that_is_kept_on_the_stack_is_not_the_end_of_what_lies_before_it() {
    let data = ".globl before
        .type before, @object
        .size before, 24
        before: .quad 1, 2, 3
        .Lvtable: .quad 0, 8, 8, method";
    let uses = |how: &str| {
        let code = format!(
            "sub rsp, 24
            lea rax, [rip + .Lvtable]
            {how}
            add rsp, 24
            ret"
        );
        probe(data, &code, METHOD)
    };
    uses("mov [rsp + 8], rax\n mov rax, [rsp + 8]\n call [rax + 24]").ignores("1, 2, 3", "1, 2, 4");
    // Code that reads before the address means what lies there.
    uses("mov rax, [rax - 8]").sees("1, 2, 3", "1, 2, 4");
}

#[test]
fn padding_behind_a_table_of_distances_is_no_entry() {
    // The texts have symbols, so that it is known where they end.
    let data = ".section .rodata.probe.table, \"a\", @progbits
        .balign 8
        .Ltable: .long first - .Ltable, second - .Ltable, third - .Ltable, 0
        .Lbehind: .quad 77
        .type first, @object
        first: .ascii \"first\"
        .size first, . - first
        .type second, @object
        second: .ascii \"second\"
        .size second, . - second
        .section .rodata.probe.between, \"aR\", @progbits
        .fill 16, 1, 7
        .section .rodata.probe.text, \"a\", @progbits
        .type third, @object
        third: .ascii \"text three\"
        .size third, . - third";
    let code = "lea rax, [rip + .Ltable]
        movsxd rcx, dword ptr [rax + 4*rdi]
        add rcx, rax
        movzx eax, byte ptr [rcx]
        lea rdx, [rip + .Lbehind]
        add rax, [rdx]
        ret";
    let small = probe(data, code, "");
    small.ignores(".fill 16", ".fill 48");
    small.sees("text three", "text four!");
}
