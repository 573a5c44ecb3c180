#!/usr/bin/env python3
"""Writes src/base/num_pow10.c: 10^k for k = -342..324 as 128 leading bits, cut (not rounded)."""
import fractions

LOW, HIGH = -342, 324


def leading_bits(k):
    value = fractions.Fraction(10) ** k
    shift = 127 - (value.numerator.bit_length() - value.denominator.bit_length())
    for s in (shift - 1, shift, shift + 1):
        cut = value.numerator << s if s >= 0 else value.numerator
        cut //= value.denominator if s >= 0 else value.denominator << -s
        if cut.bit_length() == 128:
            return cut
    raise AssertionError(k)


print("/* base/num_pow10.c - made by tools/gen_num_pow10.py: the 128 leading bits of 10^k, k = %d .. %d, cut." % (LOW, HIGH))
print(" * High half first. Exact for 0 <= k <= 55. */\n")
print('#include "base/num_pow10.h"\n')
print("/* clang-format off */")
print("const uint64_t num_pow10_bits[NUM_POW10_MAX - NUM_POW10_MIN + 1][2] = {")
for k in range(LOW, HIGH + 1):
    bits = leading_bits(k)
    print("    { 0x%016x, 0x%016x }, /* %d */" % (bits >> 64, bits & (1 << 64) - 1, k))
print("};")
print("/* clang-format on */")
