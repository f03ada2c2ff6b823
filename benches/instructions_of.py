"""How many instructions of one operation come from some of the source files: `.ci/instructions --of` calls it.

    instructions_of.py PROGRAM FILES COUNT LESS MORE

LESS and MORE are what callgrind wrote (`--dump-instr=yes --dump-line=no`, nothing compressed) of a run of COUNT operations and of
one of twice as many. The line tables of the program tell in which functions an instruction stands, the inlined ones too. It counts
if one of these is in a file whose path contains FILES. So what they use of the standard library counts where it is inlined. What the
compiler has moved before them, to have operands at hand, does not.
"""

import subprocess
import sys
from collections import Counter


def executed(file, program):
    """How often each instruction of the program was executed."""
    counts, is_program, is_inclusive = Counter(), False, False
    for line in open(file, errors="replace"):
        if line.startswith("ob="):
            is_program = line[3:].strip() == program
        elif line.startswith("calls="):
            # The next line has what was called in it.
            is_inclusive = True
        elif line.startswith("0x"):
            if is_program and not is_inclusive:
                address, count = line.split()
                counts[int(address, 16)] += int(count)
            is_inclusive = False
    return counts


def are_of(program, addresses, files):
    """The addresses that come from these files."""
    asked = "".join(f"{address:#x}\n" for address in addresses)
    command = ["addr2line", "-a", "-i", "-f", "-e", program]
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    found, address, is_name = set(), None, False
    for line in told.splitlines():
        # An address, then for each function its name and its place.
        if line.startswith("0x"):
            address, is_name = int(line, 16), True
            continue
        if not is_name and files in line:
            found.add(address)
        is_name = not is_name
    return found


def main():
    program, files, count, less, more = sys.argv[1:]
    counts = executed(more, program)
    counts.subtract(executed(less, program))
    changed = sorted(address for address, count in counts.items() if count != 0)
    assert changed, "nothing of the program was counted"
    found = are_of(program, changed, files)
    print(f"{sum(counts[address] for address in found) / int(count):.1f}")


main()
