/* core/instrument: exact decimals. */

#include "base/num.h"
#include "core/instrument.h"
#include "lib/test.h"

TEST(decimals_keep_mantissa_and_scale) {
    static const struct {
        const char *name; /* the text */
        int64_t mantissa;
        int scale;
        const char *text; /* printed; NULL = refused */
    } rows[] = {
        { "0", 0, 0, "0" },
        { "42", 42, 0, "42" },
        { "+42", 42, 0, "42" },
        { "-0.5", -5, 1, "-0.5" },
        { "0.01000000", 1000000, 8, "0.01000000" },
        { "00012.50", 1250, 2, "12.50" },
        { ".5", 5, 1, "0.5" },
        { "5.", 5, 0, "5" },
        { "0.000", 0, 3, "0.000" },
        { "999999999999999999", 999999999999999999, 0, "999999999999999999" },
        { "0.000000000000000001", 1, 18, "0.000000000000000001" },
        { "0.999999999999999999", 999999999999999999, 18, "0.999999999999999999" },
        { "1.00000000000000000000000000", 100000000000000000, 17, "1.00000000000000000" },
        { "1e-8", 1, 8, "0.00000001" },
        { "1.5E+3", 1500, 0, "1500" },
        { "25e-1", 25, 1, "2.5" },
        { "10e-19", 1, 18, "0.000000000000000001" },
        { "0e99999", 0, 0, "0" },
        { "1000000000000000000", 0, 0, NULL },
        { "0.1234567890123456789", 0, 0, NULL },
        { "0.0000000000000000001", 0, 0, NULL },
        { "1e18", 0, 0, NULL },
        { "1e-19", 0, 0, NULL },
        { "", 0, 0, NULL },
        { "-", 0, 0, NULL },
        { ".", 0, 0, NULL },
        { "1.2.3", 0, 0, NULL },
        { "1e", 0, 0, NULL },
        { "1e+", 0, 0, NULL },
        { " 1", 0, 0, NULL },
        { "1x", 0, 0, NULL },
        { "0x1", 0, 0, NULL },
        { "nan", 0, 0, NULL },
    };
    EACH_ROW (r, rows) {
        Decimal d = { -1, -1 };
        CHECK_EQ(decimal_parse(str_c(r->name), &d), r->text != NULL);
        CHECK_EQ(d.mantissa, r->text ? r->mantissa : -1);
        CHECK_EQ(d.scale, r->text ? r->scale : -1);
        if (r->text) {
            char out[NUM_TEXT_MAX];
            CHECK_STR(str_n(out, decimal_format(d, out)), str_c(r->text));
        }
    }
}

TEST(decimals_compare_by_value) {
    static const struct {
        const char *name, *a, *b;
        int want;
    } rows[] = {
        { "equal at two scales", "1.0", "1.000", 0 },
        { "less", "0.1", "0.11", -1 },
        { "signs", "-1", "0.000000000000000001", -1 },
        { "far scales", "999999999999999999", "0.999999999999999999", 1 },
        { "both negative", "-2", "-1.5", -1 },
    };
    EACH_ROW (r, rows) {
        Decimal a, b;
        CHECK(decimal_parse(str_c(r->a), &a) && decimal_parse(str_c(r->b), &b));
        CHECK_EQ(decimal_cmp(a, b), r->want);
        CHECK_EQ(decimal_cmp(b, a), -r->want);
    }
}

TEST(decimals_become_the_nearest_double) {
    static const struct {
        const char *name;
        double want;
    } rows[] = {
        { "0.1", 0.1 },
        { "-0.01", -0.01 },
        { "9007199254740993", 9007199254740992.0 }, /* 2^53 + 1: to even */
        { "0.999999999999999999", 1.0 },
        { "123456789.123456789", 123456789.123456789 },
        { "900719925.474099301", 900719925.474099301 },
    };
    EACH_ROW (r, rows) {
        Decimal d;
        CHECK(decimal_parse(str_c(r->name), &d));
        CHECK(decimal_to_f64(d) == r->want);
    }
}

TEST(enumerations_have_names) {
    CHECK_STR(str_c(asset_class_name(ASSET_FOREX)), S("forex"));
    CHECK_STR(str_c(listing_status_name(LISTING_DELISTED)), S("delisted"));
}

TESTS(T(decimals_keep_mantissa_and_scale), T(decimals_compare_by_value), T(decimals_become_the_nearest_double),
      T(enumerations_have_names))
