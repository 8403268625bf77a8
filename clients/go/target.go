package smsgate

import (
	"net/netip"
	"strings"
)

// isLocal tells whether a target, with all of its addresses, is on this machine.
func isLocal(target string) bool {
	scheme, rest, _ := strings.Cut(target, ":")
	switch scheme {
	case "unix", "unix-abstract":
		return true
	case "dns", "passthrough", "ipv4", "ipv6":
		target = rest[strings.LastIndex(rest, "/")+1:]
	}
	for address := range strings.SplitSeq(target, ",") {
		if !isLoopback(host(address)) {
			return false
		}
	}
	return true
}

func host(address string) string {
	if inner, bracketed := strings.CutPrefix(address, "["); bracketed {
		name, _, _ := strings.Cut(inner, "]")
		return name
	}
	// More than one colon and no brackets: an IPv6 address without a port.
	if strings.Count(address, ":") > 1 {
		return address
	}
	name, _, _ := strings.Cut(address, ":")
	return name
}

func isLoopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	return host == "localhost"
}
