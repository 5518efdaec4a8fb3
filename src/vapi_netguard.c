#include "vapi_netguard.h"

#include <netinet/in.h>

typedef struct Ipv4Range
{
	uint32 address;
	int bits;
} Ipv4Range;

/* IANA IPv4 Special-Purpose Address Registry, and multicast */
static const Ipv4Range not_public[] = {
	{0x00000000, 8},  /* this network */
	{0x0A000000, 8},  /* private */
	{0x64400000, 10}, /* shared, carrier-grade NAT */
	{0x7F000000, 8},  /* loopback */
	{0xA9FE0000, 16}, /* link-local, cloud metadata */
	{0xAC100000, 12}, /* private */
	{0xC0000000, 24}, /* IETF protocol assignments */
	{0xC0000200, 24}, /* documentation */
	{0xC0586300, 24}, /* 6to4 relays, deprecated */
	{0xC0A80000, 16}, /* private */
	{0xC6120000, 15}, /* benchmarking */
	{0xC6336400, 24}, /* documentation */
	{0xCB007100, 24}, /* documentation */
	{0xE0000000, 4},  /* multicast */
	{0xF0000000, 4},  /* reserved, broadcast */
};

/* Public IPv4 address, in host byte order? */
static bool
ipv4_public(uint32 address)
{
	for (size_t i = 0; i < lengthof(not_public); i++)
	{
		if ((address ^ not_public[i].address) >> (32 - not_public[i].bits) == 0)
			return false;
	}
	return true;
}

/*
 * Public IPv6 address? Only 2000::/3 is global unicast; IPv4-mapped, NAT64,
 * unique local, link-local, multicast and discard addresses are all outside.
 */
static bool
ipv6_public(const uint8 *a)
{
	if ((a[0] & 0xE0) != 0x20)
		return false;
	if (a[0] == 0x20 && a[1] == 0x01)
	{
		/* 2001::/23 IETF protocol assignments (Teredo, ORCHID), 2001:db8::/32 documentation */
		if (a[2] < 0x02 || (a[2] == 0x0D && a[3] == 0xB8))
			return false;
	}
	/* 2002::/16 6to4 carries an IPv4 address, 3fff::/20 is documentation */
	if ((a[0] == 0x20 && a[1] == 0x02) || (a[0] == 0x3F && a[1] == 0xFF && a[2] < 0x10))
		return false;
	return true;
}

bool
vapi_netguard_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ipv4_public(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return ipv6_public(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr);
	return false;
}

/* A name of that length without brackets of an IPv6 literal and without one final dot. */
static void
trim_host(const char **host, size_t *length)
{
	if (*length >= 2 && (*host)[0] == '[' && (*host)[*length - 1] == ']')
	{
		(*host)++;
		*length -= 2;
	}
	else if (*length > 0 && (*host)[*length - 1] == '.')
		(*length)--;
}

bool
vapi_netguard_host_allowed(const char *host, const char *allowed)
{
	size_t host_length = strlen(host);

	trim_host(&host, &host_length);
	if (host_length == 0)
		return false;
	while (*allowed != '\0')
	{
		const char *entry;
		size_t length;

		allowed += strspn(allowed, ", \t\r\n");
		entry = allowed;
		length = strcspn(entry, ", \t\r\n");
		allowed += length;
		trim_host(&entry, &length);
		if (length == 0)
			continue;
		if (entry[0] == '.')
		{
			/* at least one character of a label before the suffix */
			if (length > 1 && host_length > length && host[host_length - length - 1] != '.' &&
				pg_strncasecmp(host + host_length - length, entry, length) == 0)
				return true;
		}
		else if (length == host_length && pg_strncasecmp(host, entry, length) == 0)
			return true;
	}
	return false;
}
