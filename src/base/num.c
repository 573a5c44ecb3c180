/* base/num.c - see num.h.
 *
 * Reading, cheapest way first:
 *   1. Clinger 1990: up to 2^53 times or by a power of ten up to 10^22 is one exact operation. Every price.
 *   2. Lemire 2021, "Number parsing at a gigabyte per second": 64 bits of digits times 128 bits of 10^k.
 *   3. strtod, for what 2 cannot decide (more than 19 digits close to a halfway point). It gets a copy
 *      without a point, so that no locale matters.
 * Writing: Giulietti 2020, "The Schubfach way to render doubles": of the decimals that read back as v the
 * shortest, of those the closest. */

#include "base/num.h"

#include "base/num_pow10.h"

#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

enum {
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    EXPONENT_ALL = 2047, /* infinity and NaN */
    DIGITS_IN_U64 = 19,  /* digits that always fit */
    DIGITS_EXACT = 800,  /* a double's halfway points have at most 767 digits */
    EXPONENT_CAP = 100000000,
};

static const double pow10_exact[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static inline const uint64_t *pow10_bits(int k) {
    return num_pow10_bits[k - NUM_POW10_MIN];
}

/* floor(log2(10^k)), right for the table's range: 217706 / 2^16 = log2(10) from below. */
static inline int log2_of_pow10(int k) {
    return k * 217706 >> 16;
}

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

/* --- reading --- */

/* A number's text taken apart: value = digits * 10^exponent, `digits` the first 19 significant ones. */
typedef struct Decimal {
    uint64_t digits;
    int64_t exponent;
    int64_t last;     /* exponent of the text's last digit */
    size_t size;      /* of the text */
    bool minus, cut;  /* cut: digits that did not fit were left out */
    Str whole, parts; /* the digits before and behind the point */
} Decimal;

/* Longest run of digits at the start of s. */
static inline size_t digits_size(Str s) {
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* e[+-]digits at the start of s; 0 when it is not there whole. */
static size_t scan_exponent(Str s, int64_t *out) {
    size_t at = 1;
    if (s.n < 2 || (s.p[0] | 0x20) != 'e')
        return 0;
    bool minus = s.p[at] == '-';
    at += minus || s.p[at] == '+';
    size_t n = digits_size(str_from(s, at));
    int64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = MIN(v * 10 + (s.p[at + i] - '0'), (int64_t)EXPONENT_CAP * 1000000000);
    *out = minus ? -v : v;
    return n ? at + n : 0;
}

/* The first 19 digits after leading zeros, when a plain sum would not fit. */
static void sum_long(Decimal *d) {
    size_t n = 0, left = 0;
    d->digits = 0;
    for (int part = 0; part < 2; part++) {
        Str s = part ? d->parts : d->whole;
        for (size_t i = 0; i < s.n; i++) {
            int digit = s.p[i] - '0';
            if (n == DIGITS_IN_U64) {
                left++;
                d->cut |= digit != 0;
            } else {
                d->digits = d->digits * 10 + (unsigned)digit;
                n += n || digit;
            }
        }
    }
    d->exponent = d->last + (int64_t)left;
}

static inline bool scan_decimal(Str s, Decimal *d) {
    const char *p = s.p, *end = s.p + s.n;
    uint64_t v = 0;
    bool minus = p < end && *p == '-';
    p += minus || (p < end && *p == '+');
    const char *whole = p;
    for (; p < end && is_digit(*p); p++)
        v = v * 10 + (unsigned)(*p - '0'); /* may wrap: sum_long does it again then */
    size_t n_whole = (size_t)(p - whole), n_parts = 0;
    const char *parts = p;
    if (p < end && *p == '.') {
        parts = ++p;
        for (; p < end && is_digit(*p); p++)
            v = v * 10 + (unsigned)(*p - '0');
        n_parts = (size_t)(p - parts);
    }
    if (n_whole + n_parts == 0)
        return false;
    int64_t exponent = 0;
    if (p < end && (*p | 0x20) == 'e')
        p += scan_exponent(str_n(p, (size_t)(end - p)), &exponent);
    *d = (Decimal){ .digits = v,
                    .exponent = exponent - (int64_t)n_parts,
                    .last = exponent - (int64_t)n_parts,
                    .size = (size_t)(p - s.p),
                    .minus = minus,
                    .whole = { whole, n_whole },
                    .parts = { parts, n_parts } };
    if (UNLIKELY(n_whole + n_parts > DIGITS_IN_U64))
        sum_long(d);
    return true;
}

static double double_of_bits(uint64_t mantissa, int exponent) {
    uint64_t bits = mantissa | (uint64_t)exponent << MANTISSA_BITS;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* digits * 10^k correctly rounded; INFINITY past the range. False: the bits at hand do not decide. */
static bool lemire(uint64_t digits, int64_t exponent, double *out) {
    if (digits == 0 || exponent < NUM_POW10_MIN) {
        *out = 0;
        return true;
    }
    if (exponent > 308) {
        *out = INFINITY;
        return true;
    }
    int k = (int)exponent;
    int zeros = __builtin_clzll(digits);
    uint64_t w = digits << zeros;
    uint64_t high = pow10_bits(k)[0], low = pow10_bits(k)[1];
    if (k < 0 && k >= -27) /* where w can be a multiple of 5^-k the factor must not be below its true value */
        high += ++low == 0;
    u128 product = (u128)w * high;
    if ((uint64_t)(product >> 64 & 0x1FF) == 0x1FF) /* the low half of 10^k can carry into the bits that round */
        product += (uint64_t)((u128)w * low >> 64);
    uint64_t top = (uint64_t)(product >> 64), rest = (uint64_t)product;
    if (rest == UINT64_MAX && (k < -27 || k > 55))
        return false;
    int upper = (int)(top >> 63);
    int shift = upper + 64 - MANTISSA_BITS - 3;
    uint64_t m = top >> shift; /* 53 bits, one more to round by */
    int e = log2_of_pow10(k) + 63 + upper - zeros + EXPONENT_BIAS;
    if (e <= 0) { /* subnormal */
        m = e <= -63 ? 0 : m >> (1 - e);
        m = (m + (m & 1)) >> 1;
        *out = double_of_bits(m, 0); /* m may be 2^52, which then is the exponent 1 */
        return true;
    }
    /* Exactly halfway, to even: only possible where 10^k or 10^-k divides into 64 bits. */
    if (rest <= 1 && k >= -4 && k <= 23 && (m & 3) == 1 && m << shift == top)
        m &= ~UINT64_C(1);
    m = (m + (m & 1)) >> 1;
    if (m >> (MANTISSA_BITS + 1)) {
        m >>= 1;
        e++;
    }
    *out = e >= EXPONENT_ALL ? INFINITY : double_of_bits(m & ((UINT64_C(1) << MANTISSA_BITS) - 1), e);
    return true;
}

/* The digits go to strtod as an integer and an exponent; past 800 of them only "not zero" can matter. */
static double slow(const Decimal *d) {
    char text[DIGITS_EXACT + 1 + 1 + 24];
    size_t n = 0, left = 0;
    bool rest = false;
    for (int part = 0; part < 2; part++) {
        Str s = part ? d->parts : d->whole;
        for (size_t i = 0; i < s.n; i++) {
            if (n == DIGITS_EXACT) {
                left++;
                rest |= s.p[i] != '0';
            } else if (n || s.p[i] != '0') {
                text[n++] = s.p[i];
            }
        }
    }
    int64_t exponent = d->last + (int64_t)left;
    if (rest) {
        text[n++] = '1';
        exponent--;
    }
    text[n++] = 'e';
    n += num_format_i64(CLAMP(exponent, -EXPONENT_CAP, EXPONENT_CAP), text + n);
    text[n] = '\0';
    return strtod(text, NULL);
}

static double magnitude(const Decimal *d) {
    double v, above;
    if (!d->cut)
        return lemire(d->digits, d->exponent, &v) ? v : slow(d);
    /* The true value lies between digits and digits + 1. */
    if (lemire(d->digits, d->exponent, &v) && lemire(d->digits + 1, d->exponent, &above) && v == above)
        return v;
    return slow(d);
}

size_t num_scan_f64(Str s, double *out) {
    Decimal d;
    double v;
    if (!scan_decimal(s, &d))
        return 0;
    if (LIKELY(d.digits <= UINT64_C(1) << 53 && d.exponent >= -22 && d.exponent <= 22 && !d.cut)) {
        double scale = pow10_exact[d.exponent < 0 ? -d.exponent : d.exponent];
        v = d.exponent < 0 ? (double)d.digits / scale : (double)d.digits * scale;
    } else {
        v = magnitude(&d);
        if (isinf(v))
            return 0;
    }
    *out = d.minus ? -v : v;
    return d.size;
}

bool num_parse_f64(Str s, double *out) {
    double v;
    if (s.n == 0 || num_scan_f64(s, &v) != s.n)
        return false;
    *out = v;
    return true;
}

/* --- writing --- */

static const char two_digits[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
    "4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
    "888990919293949596979899";

/* The digits of v, ending before `end`; returns where they start. */
static inline char *put_digits_before(char *end, uint64_t v) {
    while (v >= 100) {
        end -= 2;
        memcpy(end, two_digits + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, two_digits + 2 * v, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

size_t num_format_u64(uint64_t v, char *out) {
    char text[NUM_TEXT_MAX];
    char *p = put_digits_before(text + sizeof text, v);
    size_t n = (size_t)(text + sizeof text - p);
    memcpy(out, p, n);
    return n;
}

size_t num_format_i64(int64_t v, char *out) {
    if (v >= 0)
        return num_format_u64((uint64_t)v, out);
    *out = '-';
    return 1 + num_format_u64(0 - (uint64_t)v, out + 1);
}

/* High 64 bits of (g * cp) >> 64 with the lowest bit set when anything was cut: enough to compare by. */
static inline uint64_t mul_round_to_odd(uint64_t high, uint64_t low, uint64_t cp) {
    u128 x = (u128)low * cp;
    u128 y = (u128)high * cp + (uint64_t)(x >> 64);
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* v > 0 finite: digits * 10^*exponent, the shortest that reads back as v. */
static uint64_t schubfach(double v, int *exponent) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int biased = (int)(bits >> MANTISSA_BITS & EXPONENT_ALL);
    uint64_t c = biased ? fraction | UINT64_C(1) << MANTISSA_BITS : fraction;
    int q = (biased ? biased : 1) - EXPONENT_BIAS - MANTISSA_BITS;
    bool even = !(c & 1);
    bool close_below = fraction == 0 && biased > 1; /* the double below is half as far as the one above */

    /* k = floor(log10(2^q)), or of 3/4 2^q; all four quarters below are v's and its neighbours' in 10^k / 4. */
    int k = (q * 1262611 - (close_below ? 524031 : 0)) >> 22;
    int h = q + log2_of_pow10(-k) + 1;
    uint64_t high = pow10_bits(-k)[0], low = pow10_bits(-k)[1];
    if (k > 0 || k < -55) /* inexact: the table is cut, the proof wants it rounded up */
        high += ++low == 0;
    uint64_t lower = mul_round_to_odd(high, low, (4 * c - 2 + close_below) << h) + !even;
    uint64_t here = mul_round_to_odd(high, low, 4 * c << h);
    uint64_t upper = mul_round_to_odd(high, low, (4 * c + 2) << h) - !even;

    uint64_t s = here / 4;
    if (s >= 10) { /* one digit fewer? */
        uint64_t tens = s / 10;
        bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up) {
            *exponent = k + 1;
            return tens + up;
        }
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    *exponent = k;
    if (down != up)
        return s + up;
    uint64_t middle = 4 * s + 2;
    return s + (here > middle || (here == middle && (s & 1)));
}

static char *put_zeros(char *p, int n) {
    memset(p, '0', (size_t)n);
    return p + n;
}

static char *put_n(char *p, const char *text, int n) {
    memcpy(p, text, (size_t)n);
    return p + n;
}

/* n digits without trailing zeros, the point behind the first `point` of them (which may be outside). */
static char *put_decimal(char *p, const char *digits, int n, int point) {
    if (point > 21 || point < -5) { /* d.ddde±x */
        *p++ = digits[0];
        if (n > 1) {
            *p++ = '.';
            p = put_n(p, digits + 1, n - 1);
        }
        *p++ = 'e';
        int e = point - 1;
        *p++ = e < 0 ? '-' : '+';
        return p + num_format_u64((uint64_t)(e < 0 ? -e : e), p);
    }
    if (point <= 0) { /* 0.000ddd */
        p = put_n(p, "0.", 2);
        return put_n(put_zeros(p, -point), digits, n);
    }
    if (point >= n) /* ddd000 */
        return put_zeros(put_n(p, digits, n), point - n);
    p = put_n(p, digits, point);
    *p++ = '.';
    return put_n(p, digits + point, n - point);
}

enum { HINT_MAX = 15 };

/* dd.ddd of at most 15 digits, what prices are: copies of a fixed size, which are two moves where a size that varies
 * is a call. They write past the number's end: less than 32 bytes from p, and read as far behind the digits. */
static inline char *put_price(char *p, const char *digits, int n, int point) {
    memcpy(p, digits, 16);
    p[point] = '.';
    memcpy(p + point + 1, digits + point, 16);
    return p + n + 1;
}

/* s * 10^k, s > 0; *decimals gets the number of digits behind the point. */
static inline char *put_scaled(char *p, uint64_t s, int k, int *decimals) {
    char text[2 * NUM_TEXT_MAX];
    char *end = text + NUM_TEXT_MAX;
    memset(end, 0, NUM_TEXT_MAX);
    char *digits = put_digits_before(end, s);
    while (end[-1] == '0') { /* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult): s > 0 wrote a digit */
        end--;
        k++;
    }
    int n = (int)(end - digits);
    *decimals = MAX(-k, 0);
    if (LIKELY(n <= HINT_MAX && n + k > 0 && k < 0))
        return put_price(p, digits, n, n + k);
    return put_decimal(p, digits, n, n + k);
}

/* v = r / 10^d with r < 10^15 is the only decimal of at most 15 digits that reads as v, hence the shortest
 * one once its zeros are off; the division is exact by Clinger's argument. 0 when v is not of that form. */
static inline uint64_t whole_at(double v, int d) {
    double scaled = v * pow10_exact[d];
    if (!(scaled < 1e15))
        return 0;
    uint64_t r = (uint64_t)(scaled + 0.5);
    return (double)r / pow10_exact[d] == v ? r : 0;
}

size_t num_format_f64_hint(double v, int *hint, char *out) {
    assert(isfinite(v) && *hint >= 0 && *hint <= HINT_MAX);
    char *p = out;
    if (v == 0) {
        *p = '0';
        return 1;
    }
    if (v < 0) {
        *p++ = '-';
        v = -v;
    }
    int k = -*hint, decimals;
    uint64_t s = whole_at(v, *hint);
    if (s) {
        p = put_scaled(p, s, k, &decimals);
    } else {
        s = schubfach(v, &k);
        p = put_scaled(p, s, k, &decimals);
        if (decimals <= HINT_MAX && whole_at(v, decimals))
            *hint = decimals;
    }
    return (size_t)(p - out);
}

size_t num_format_f64(double v, char *out) {
    int hint = 0; /* whole numbers take the short way */
    return num_format_f64_hint(v, &hint, out);
}
