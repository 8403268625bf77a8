package internal.smsgate.scenarios;

/** Which step was not as expected, and how. */
final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failed(String why) {
        super(why);
    }

    /** Nothing, unless there is something wrong. */
    static void unlessEmpty(String where, String wrong) {
        if (!wrong.isEmpty()) {
            throw new Failed(where + ": " + wrong);
        }
    }
}
