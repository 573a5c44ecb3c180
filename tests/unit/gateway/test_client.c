/* Who is at the other end: what a trusted hop tells is believed, what a client says of itself is not (GWY-32). */

#include "lib/test.h"

#include "gateway/client.h"

TEST(the_client_is_the_first_address_from_the_end_that_is_no_hop_of_ours) {
    static const struct {
        const char *name, *peer, *told, *want;
    } rows[] = {
        { "no hop between", "192.0.2.7:5000", "", "192.0.2.7" },
        { "a stranger tells", "192.0.2.7:5000", "6.6.6.6", "192.0.2.7" },
        { "a hop tells", "10.1.2.3:5000", "192.0.2.7", "192.0.2.7" },
        { "a client wrote before the hop", "10.1.2.3:5000", "6.6.6.6, 192.0.2.7", "192.0.2.7" },
        { "two hops", "10.1.2.3:5000", "6.6.6.6, 192.0.2.7, 10.9.9.9", "192.0.2.7" },
        { "all are hops", "10.1.2.3:5000", "10.4.4.4", "10.4.4.4" },
        { "nothing told", "10.1.2.3:5000", "", "10.1.2.3" },
        { "not an address", "10.1.2.3:5000", "6.6.6.6, unknown", "10.1.2.3" },
        { "IPv6 with a port", "[2001:db8::1]:99", "6.6.6.6", "2001:db8::1" },
        { "a hop over IPv6", "[fd00::1]:99", "192.0.2.7:4444", "192.0.2.7" },
        { "IPv6 behind the hop", "[fd00::1]:99", "[2001:db8::7]:1", "2001:db8::7" },
        { "a socket of this machine", "unix", "6.6.6.6", "unix" },
    };
    ClientNet hops[2];
    CHECK(client_net_parse(S("10.0.0.0/8"), &hops[0]));
    CHECK(client_net_parse(S("fd00::/8"), &hops[1]));
    EACH_ROW (r, rows)
        CHECK_STR(client_address(str_c(r->peer), str_c(r->told), hops, 2), str_c(r->want));
}

TEST(networks_are_read_and_end_at_their_bit) {
    static const struct {
        const char *name, *net, *ip;
        bool good, inside;
    } rows[] = {
        { "last of a /25", "192.0.2.0/25", "192.0.2.127", true, true },
        { "first behind it", "192.0.2.0/25", "192.0.2.128", true, false },
        { "one address", "192.0.2.1", "192.0.2.1", true, true },
        { "another", "192.0.2.1", "192.0.2.2", true, false },
        { "everything of IPv4", "0.0.0.0/0", "203.0.113.9", true, true },
        { "and nothing of IPv6", "0.0.0.0/0", "2001:db8::1", true, false },
        { "IPv6", "2001:db8::/33", "2001:db8:7fff::1", true, true },
        { "behind it", "2001:db8::/33", "2001:db8:8000::1", true, false },
        { "too many bits", "10.0.0.0/33", "", false, false },
        { "none", "10.0.0.0/", "", false, false },
        { "a name", "localhost", "", false, false },
        { "nothing", "", "", false, false },
    };
    EACH_ROW (r, rows) {
        ClientNet net;
        CHECK_EQ(client_net_parse(str_c(r->net), &net), r->good);
        if (r->good)
            CHECK_EQ(client_trusted(str_c(r->ip), &net, 1), r->inside);
    }
}

TESTS(T(the_client_is_the_first_address_from_the_end_that_is_no_hop_of_ours), T(networks_are_read_and_end_at_their_bit))
