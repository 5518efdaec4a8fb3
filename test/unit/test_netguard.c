/* links: vapi_netguard */
#include "vapi_netguard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "tap.h"

/* vapi_netguard_public of an address in its usual notation. */
static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return vapi_netguard_public((struct sockaddr *) &v4);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return vapi_netguard_public((struct sockaddr *) &v6);
	printf("Bail out! not an address: %s\n", text);
	exit(1);
}

/* Both ends of each range, from the IANA special-purpose address registries. */
static void
test_refused(void)
{
	static const char *const addresses[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255",
		"192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
		"198.19.255.255", "198.51.100.7", "203.0.113.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255",
		"::", "::1", "::10.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1",
		"64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff:ffff::1", "2001:10::1", "2001:20::1",
		"2001:db8::1", "2002:a00:1::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fdff::1",
		"fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "1fff::1", "4000::1"};

	for (size_t i = 0; i < lengthof(addresses); i++)
		tap_ok(!is_public(addresses[i]), "not public: %s", addresses[i]);
}

static void
test_public(void)
{
	static const char *const addresses[] = {
		"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7::1", "2001:db9::1", "2003::1",
		"2606:4700:4700::1111", "3ffe::1", "3fff:1000::1"};

	for (size_t i = 0; i < lengthof(addresses); i++)
		tap_ok(is_public(addresses[i]), "public: %s", addresses[i]);
}

static void
test_hosts(void)
{
	static const struct
	{
		const char *host;
		const char *allowed;
		bool expected;
	} cases[] = {
		{"api.vapi.ai", "api.vapi.ai", true},
		{"api.vapi.ai", "storage.vapi.ai, api.vapi.ai", true},
		{"api.vapi.ai", " ,\tapi.vapi.ai ,", true},
		{"API.Vapi.AI", "api.vapi.ai", true},
		{"api.vapi.ai", "API.VAPI.AI", true},
		{"api.vapi.ai.", "api.vapi.ai", true},
		{"api.vapi.ai", "api.vapi.ai.", true},
		{"api.vapi.ai..", "api.vapi.ai", false},
		{"api.vapi.ai", "", false},
		{"api.vapi.ai", " , ", false},
		{"", "api.vapi.ai", false},
		{".", "api.vapi.ai", false},
		{"", "", false},
		{"vapi.ai", "api.vapi.ai", false},
		{"api.vapi.ai.evil.com", "api.vapi.ai", false},
		{"xapi.vapi.ai", "api.vapi.ai", false},
		{"api.vapi.a", "api.vapi.ai", false},
		{"a.example.com", ".example.com", true},
		{"a.b.example.com", ".example.com", true},
		{"A.Example.COM", ".example.com", true},
		{"example.com", ".example.com", false},
		{".example.com", ".example.com", false},
		{"badexample.com", ".example.com", false},
		{"example.com.evil.com", ".example.com", false},
		{"a.com", ".", false},
		{"*.vapi.ai", "api.vapi.ai", false},
		{"api.vapi.ai", "*.vapi.ai", false},
		{"[::1]", "[::1]", true},
		{"[::1]", "::1", true},
		{"[::1]", "[::2]", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.10", "127.0.0.1", false}};

	for (size_t i = 0; i < lengthof(cases); i++)
		tap_ok(vapi_netguard_host_allowed(cases[i].host, cases[i].allowed) == cases[i].expected,
			   "host \"%s\" %s by \"%s\"", cases[i].host, cases[i].expected ? "allowed" : "refused", cases[i].allowed);
}

int
main(void)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	test_refused();
	test_public();
	tap_ok(!vapi_netguard_public((struct sockaddr *) &local), "an unknown family is not public");
	test_hosts();
	return tap_done();
}
