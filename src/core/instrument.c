/* core/instrument.c - see instrument.h. Decimals are exact or refused; nothing here rounds but decimal_to_f64. */

#include "core/instrument.h"

#include "base/num.h"

enum { DECIMAL_DIGITS = 18 };

static const char *const asset_names[] = { "unknown", "crypto", "stock", "forex", "future", "index" };
static const char *const status_names[] = { "trading", "halted", "break", "delisted" };

const char *asset_class_name(AssetClass asset) {
    assert((size_t)asset < ARRAY_LEN(asset_names));
    return asset_names[asset];
}

const char *listing_status_name(ListingStatus status) {
    assert((size_t)status < ARRAY_LEN(status_names));
    return status_names[status];
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int64_t power_of_ten(int n) {
    int64_t power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

/* The mantissa while it is read. Zeros of a fraction wait until a digit behind them needs them. */
typedef struct DecimalScan {
    int64_t mantissa;
    int digits;  /* of the mantissa, leading zeros not counted */
    int scale;   /* fraction digits taken */
    int waiting; /* fraction zeros seen, not yet taken */
    bool any;    /* a digit was seen */
    bool exact;  /* false: something did not fit */
} DecimalScan;

static void scan_take(DecimalScan *d, int digit) {
    if (d->mantissa == 0 && digit == 0)
        return;
    if (d->digits == DECIMAL_DIGITS) {
        d->exact = false;
        return;
    }
    d->mantissa = d->mantissa * 10 + digit;
    d->digits++;
}

static void scan_take_fraction(DecimalScan *d, int digit) {
    if (d->scale == DECIMAL_DIGITS) {
        d->exact = false;
        return;
    }
    scan_take(d, digit);
    d->scale++;
}

static void scan_fraction_digit(DecimalScan *d, int digit) {
    if (digit == 0) {
        if (d->waiting < INT32_MAX)
            d->waiting++;
        return;
    }
    for (; d->waiting > 0 && d->exact; d->waiting--)
        scan_take_fraction(d, 0);
    scan_take_fraction(d, digit);
}

/* Zeros at the end of the fraction say the venue's precision: kept while they fit. */
static void scan_keep_zeros(DecimalScan *d) {
    while (d->waiting-- > 0 && d->scale < DECIMAL_DIGITS && d->digits < DECIMAL_DIGITS)
        scan_take_fraction(d, 0);
}

/* "e-8" at s[at]: moves the point. false when it is malformed or the result does not fit. */
static bool scan_exponent(DecimalScan *d, Str s) {
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_from(s, 1);
    if (s.n == 0)
        return false;
    int exponent = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        exponent = MIN(exponent * 10 + (s.p[i] - '0'), 1000);
    }
    int scale = d->scale + (negative ? exponent : -exponent);
    if (d->mantissa == 0) {
        d->scale = CLAMP(scale, 0, DECIMAL_DIGITS);
        return true;
    }
    for (; scale < 0; scale++)
        scan_take(d, 0);
    for (; scale > DECIMAL_DIGITS && d->mantissa % 10 == 0; scale--)
        d->mantissa /= 10;
    d->scale = scale;
    return d->exact && scale <= DECIMAL_DIGITS;
}

bool decimal_parse(Str s, Decimal *out) {
    DecimalScan d = { .exact = true };
    size_t i = 0;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        i++;
    for (; i < s.n && is_digit(s.p[i]); i++, d.any = true)
        scan_take(&d, s.p[i] - '0');
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && is_digit(s.p[i]); i++, d.any = true)
            scan_fraction_digit(&d, s.p[i] - '0');
    if (!d.any || !d.exact)
        return false;
    scan_keep_zeros(&d);
    if (i < s.n) {
        if ((s.p[i] != 'e' && s.p[i] != 'E') || !scan_exponent(&d, str_from(s, i + 1)))
            return false;
    }
    *out = (Decimal){ negative ? -d.mantissa : d.mantissa, d.scale };
    return true;
}

size_t decimal_format(Decimal d, char *out) {
    assert(d.scale >= 0 && d.scale <= DECIMAL_DIGITS);
    uint64_t magnitude = d.mantissa < 0 ? 0 - (uint64_t)d.mantissa : (uint64_t)d.mantissa;
    char reversed[NUM_TEXT_MAX];
    size_t n = 0;
    for (int digits = 0; magnitude > 0 || digits <= d.scale; digits++) {
        if (digits == d.scale && d.scale > 0)
            reversed[n++] = '.';
        reversed[n++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    if (d.mantissa < 0)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

double decimal_to_f64(Decimal d) {
    const int64_t exact = INT64_C(1) << 53;
    if (d.mantissa >= -exact && d.mantissa <= exact)
        return (double)d.mantissa / (double)power_of_ten(d.scale); /* both exact: one rounding */
    char text[NUM_TEXT_MAX];
    double value = 0;
    bool ok = num_parse_f64(str_n(text, decimal_format(d, text)), &value);
    assert(ok);
    UNUSED(ok);
    return value;
}

int decimal_cmp(Decimal a, Decimal b) {
    /* |mantissa| < 2^63 and 10^18 < 2^60: the products fit 128 bits. */
    __int128 x = (__int128)a.mantissa * power_of_ten(b.scale);
    __int128 y = (__int128)b.mantissa * power_of_ten(a.scale);
    return x < y ? -1 : x > y;
}
