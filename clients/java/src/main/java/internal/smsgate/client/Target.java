package internal.smsgate.client;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a target is. */
final class Target {
    private static final Pattern SCHEME = Pattern.compile("^(unix|dns|ipv4|ipv6):(.*)$");
    private static final Pattern LOOPBACK = Pattern.compile("127(\\.\\d{1,3}){3}");

    private Target() {}

    /** Whether it, with all of its addresses, is on this machine. */
    static boolean isLocal(String target) {
        Matcher known = SCHEME.matcher(target);
        if (!known.matches()) {
            return allLoopback(target);
        }
        if (known.group(1).equals("unix")) {
            return true;
        }
        return allLoopback(known.group(2).replaceFirst("^//[^/]*/", ""));
    }

    private static boolean allLoopback(String addresses) {
        return Arrays.stream(addresses.split(",")).allMatch(address -> isLoopback(host(address)));
    }

    private static String host(String address) {
        if (address.startsWith("[")) {
            return address.substring(1).split("]", 2)[0];
        }
        // More than one colon and no brackets: an IPv6 address without a port.
        return address.chars().filter(c -> c == ':').count() > 1 ? address : address.split(":", 2)[0];
    }

    private static boolean isLoopback(String host) {
        return host.equals("localhost") || host.equals("::1") || LOOPBACK.matcher(host).matches();
    }
}
