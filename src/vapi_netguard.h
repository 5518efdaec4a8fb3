/*
 * Which hosts and addresses the server may talk to (server-side request
 * forgery). Pure.
 */
#ifndef VAPI_NETGUARD_H
#define VAPI_NETGUARD_H

#include "vapi_pure.h"

#include <sys/socket.h>

/*
 * Is the address, after name resolution, a public unicast one? Not public:
 * loopback, private, shared (100.64/10), link-local (169.254.169.254 too),
 * unique local, multicast, documentation, benchmarking, reserved, unspecified,
 * and IPv4 ones inside IPv6 (::ffff:0:0/96, 64:ff9b::/96, 2002::/16,
 * 2001::/32), per the IANA special-purpose registries (RFC 6890). Unknown
 * families are not public.
 */
extern bool vapi_netguard_public(const struct sockaddr *address);

/*
 * Is host (no port) in the comma-separated list allowed? Case does not
 * matter, one final dot is ignored, an entry ".example.com" allows its
 * subdomains. An empty list allows nothing.
 */
extern bool vapi_netguard_host_allowed(const char *host, const char *allowed);

#endif
