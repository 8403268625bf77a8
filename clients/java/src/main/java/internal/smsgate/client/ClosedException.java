package internal.smsgate.client;

/** The client was closed before the call. */
public final class ClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    ClosedException() {
        super("the client is closed");
    }
}
